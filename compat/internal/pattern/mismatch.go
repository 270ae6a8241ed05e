package pattern

import "fmt"

// MismatchError tells of the first byte of a frame that does not follow the pattern.
type MismatchError struct {
	Pattern Pattern
	// Frame is the number of the frame, from 0; Offset the place of the byte in it.
	Frame     uint64
	Offset    int
	Got, Want byte
}

// Error names the frame, the place and both bytes.
func (e *MismatchError) Error() string {
	return fmt.Sprintf("verify frame %d: byte %d is 0x%02x, pattern %s wants 0x%02x",
		e.Frame, e.Offset, e.Got, e.Pattern, e.Want)
}

func mismatch(p Pattern, frame uint64, at int, got, want []byte) error {
	i := 0
	for i < len(got)-1 && got[i] == want[i] {
		i++
	}
	return &MismatchError{p, frame, at + i, got[i], want[i]}
}
