package zerobuffer

import "unsafe"

// Pointer returns the address of the first payload byte, for code that takes addresses, and nil
// after [Frame.Release]. The address is outside the Go heap and stays the same until Release.
func (f Frame) Pointer() unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(f.Bytes())) }
