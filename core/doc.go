// Package zerobuffer hands frames from one process to another through a named ring in shared
// memory: no copy on the reading side, and none on the writing side if the writer fills the frame
// in place. One [Reader] creates the buffer, one [Writer] connects to it. The format is ZeroBuffer
// protocol 1.0.0, so the other side may be a C++, C# or Python program.
//
// A backend says what the memory is; for POSIX shared memory it is package posixshm:
//
//	r, err := zerobuffer.NewReader(posixshm.New(nil), "camera", nil)
//	if err != nil { ... }
//	defer r.Close()
//	for frame, err := range r.Frames(ctx) { // ends when the writer closes
//		if err != nil { ... }
//		process(frame.Bytes()) // a view of shared memory
//		frame.Release()
//	}
//
// and in another process
//
//	w, err := zerobuffer.OpenWriter(ctx, posixshm.New(nil), "camera", nil)
//	if err != nil { ... }
//	defer w.Close()
//	err = w.WriteFrame(ctx, data)
//
// A Reader and a Writer are each used by one goroutine at a time; a second one gets
// [ErrConcurrentUse]. Close may be called from any goroutine and ends a call in progress. Frames
// may be released from any goroutine.
package zerobuffer
