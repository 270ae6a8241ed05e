package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/zerobuffer-go/zerobuffer/compat/measure"
	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
)

// maxListed limits the lists in a result: a run without end must not fill the memory.
const maxListed = 100

// result is what a command did. Its JSON has the fields of the peers' tools (wire contract,
// section 8).
type result struct {
	Operation    string `json:"operation"`
	BufferName   string `json:"buffer_name"`
	InputBuffer  string `json:"input_buffer,omitempty"`
	OutputBuffer string `json:"output_buffer,omitempty"`
	Transform    string `json:"transform,omitempty"`

	// One of the three is set.
	FramesWritten *int64 `json:"frames_written,omitempty"`
	FramesRead    *int64 `json:"frames_read,omitempty"`
	FramesRelayed *int64 `json:"frames_relayed,omitempty"`

	// FrameSize is the size that was asked for, else that of the first frame.
	FrameSize       int64   `json:"frame_size"`
	MetadataSize    int64   `json:"metadata_size"`
	DurationSeconds float64 `json:"duration_seconds"`
	// ThroughputMBps is in units of 2^20 bytes a second, as the peers count.
	ThroughputMBps     float64 `json:"throughput_mbps"`
	VerificationErrors int64   `json:"verification_errors"`
	// Reconnects and FramesLost are those of --reconnect.
	Reconnects uint64      `json:"reconnects,omitempty"`
	FramesLost uint64      `json:"frames_lost,omitempty"`
	Checksums  *[]checksum `json:"checksums,omitempty"`
	SHA256     string      `json:"sha256,omitempty"`
	Errors     []string    `json:"errors"`

	frames  int64
	bytes   int64
	started time.Time
}

// checksum is the MD5 of one frame, counted from 0.
type checksum struct {
	Frame    int64  `json:"frame"`
	Checksum string `json:"checksum"`
}

func newResult(operation, name string) *result {
	r := &result{Operation: operation, BufferName: name, Errors: []string{}}
	switch operation {
	case "write":
		r.FramesWritten = &r.frames
	case "read":
		r.FramesRead = &r.frames
		r.Checksums = &[]checksum{}
	case "relay":
		r.FramesRelayed = &r.frames
	}
	return r
}

// start sets the begin of the measured time, once.
func (r *result) start() {
	if r.started.IsZero() {
		r.started = time.Now()
	}
}

// add counts frames that are through.
func (r *result) add(frames, bytes int64) {
	r.frames += frames
	r.bytes += bytes
	if r.FrameSize == 0 && frames > 0 {
		r.FrameSize = bytes / frames
	}
}

// reconnected notes how often the writer went on in another buffer, and what was lost with the old
// ones.
func (r *result) reconnected(w *zerobuffer.Writer) {
	st := w.Stats()
	r.Reconnects, r.FramesLost = st.Reconnects, st.FramesLost
}

// stop sets the end of the measured time, once: what a writer waits for at its end is not part
// of it.
func (r *result) stop() {
	if r.started.IsZero() || r.DurationSeconds > 0 {
		return
	}
	r.DurationSeconds = time.Since(r.started).Seconds()
	if r.DurationSeconds > 0 {
		r.ThroughputMBps = float64(r.bytes) / (1 << 20) / r.DurationSeconds
	}
}

// fail notes an error.
func (r *result) fail(err error) {
	if len(r.Errors) < maxListed {
		r.Errors = append(r.Errors, err.Error())
	}
}

// print writes the result, as JSON or in words.
func (r *result) print(w io.Writer, asJSON bool) error {
	if asJSON {
		encoder := json.NewEncoder(w)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		return encoder.Encode(r)
	}
	_, err := fmt.Fprint(w, r.text())
	return err
}

func (r *result) text() string {
	verb := map[string]string{"write": "Wrote", "read": "Read", "relay": "Relayed"}[r.Operation]
	var s strings.Builder
	fmt.Fprintf(&s, "%s %s frames, %s, in %.2f s", verb, measure.Count(r.frames),
		measure.Bytes(r.bytes), r.DurationSeconds)
	if r.DurationSeconds > 0 {
		fmt.Fprintf(&s, ": %s frames/s, %.1f MiB/s",
			measure.Count(int64(float64(r.frames)/r.DurationSeconds)), r.ThroughputMBps)
	}
	s.WriteByte('\n')
	if r.Reconnects > 0 || r.FramesLost > 0 {
		fmt.Fprintf(&s, "Reconnected: %d times, %s frames were lost with the old buffers\n",
			r.Reconnects, measure.Count(int64(r.FramesLost)))
	}
	if r.MetadataSize > 0 {
		fmt.Fprintf(&s, "Metadata: %d bytes\n", r.MetadataSize)
	}
	if r.Checksums != nil {
		for _, c := range *r.Checksums {
			fmt.Fprintf(&s, "MD5 of frame %d: %s\n", c.Frame, c.Checksum)
		}
	}
	if r.SHA256 != "" {
		fmt.Fprintf(&s, "SHA-256 of all frames: %s\n", r.SHA256)
	}
	return s.String()
}

// finish ends the measured time, prints the result and returns the error of the command.
func (e *env) finish(r *result, o *commonOptions, w io.Writer, err error) error {
	r.stop()
	if err != nil {
		r.fail(err)
	}
	// In words, the error says all when nothing was moved.
	if code := exitCode(err); code == exitUsage || code == exitConnect && !o.JSONOutput {
		return err
	}
	if printErr := r.print(w, o.JSONOutput); printErr != nil && err == nil {
		err = fmt.Errorf("print result: %w", printErr)
	}
	return err
}
