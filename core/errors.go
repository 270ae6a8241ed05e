package zerobuffer

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/internal/ring"
	"github.com/zerobuffer-go/zerobuffer/core/internal/sentinel"
	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

// Errors of making and opening a buffer.
var (
	// ErrInvalidName says that the name cannot be the name of a buffer. It is also
	// [fs.ErrInvalid].
	ErrInvalidName = driver.ErrInvalidName
	// ErrBufferNotFound says that no reader has made a buffer of this name. It is also
	// [fs.ErrNotExist]. [OpenWriter] waits for it.
	ErrBufferNotFound = driver.ErrNotFound
	// ErrNotReady says that the buffer is being made, or that its reader has just gone. It is
	// also [ErrBufferNotFound].
	ErrNotReady = driver.ErrNotReady
	// ErrReaderConnected says that a live reader owns the name. It is also [fs.ErrExist].
	ErrReaderConnected = driver.ErrReaderConnected
	// ErrWriterConnected says that the buffer has a live writer. It is also [fs.ErrExist].
	ErrWriterConnected = driver.ErrWriterConnected
	// ErrPermission says that the objects of the buffer may not be used. It is [fs.ErrPermission].
	ErrPermission = driver.ErrPermission
	// ErrIncompatible says that the segment is not of protocol version 1, or that its numbers do
	// not fit its size.
	ErrIncompatible = layout.ErrIncompatible
	// ErrNoSpace says that the memory of the segment is not there; see [NoSpaceError].
	ErrNoSpace = driver.ErrNoSpace
)

// Errors of reading and writing.
var (
	// ErrClosed says that Close was called on this Reader or Writer. It is also [os.ErrClosed].
	ErrClosed = sentinel.New("closed", os.ErrClosed)
	// ErrConcurrentUse says that two goroutines called a Reader or a Writer at once.
	ErrConcurrentUse = errors.New("used by two goroutines at once")
	// ErrTimeout says that a call ended by its time-out or by the deadline of its context. It is
	// also [os.ErrDeadlineExceeded] and [context.DeadlineExceeded].
	ErrTimeout = errors.New("time is over")
	// ErrBufferFull says that a write timed out because the reader gave back too little space.
	// Errors of this kind are also [ErrTimeout].
	ErrBufferFull = errors.New("buffer is full")
	// ErrFrameTooLarge says that a frame can never fit into the ring; see [FrameSizeError].
	ErrFrameTooLarge = errors.New("frame is too large")
	// ErrEmptyFrame says that a frame had no bytes. The protocol has no empty frames.
	ErrEmptyFrame = errors.New("frame is empty")
	// ErrReserved says that a reserved frame has to be committed or aborted first.
	ErrReserved = errors.New("a frame is reserved: call Commit or Abort first")
	// ErrNotReserved says that Commit or Abort was called without a Reserve.
	ErrNotReserved = errors.New("no frame is reserved")
	// ErrReleased says that a frame was released before.
	ErrReleased = errors.New("frame was released")
	// ErrSequence says that a frame has another number than expected; see [SequenceError].
	ErrSequence = ring.ErrSequence
	// ErrCorrupt says that the peer left values that cannot be; the text says which.
	ErrCorrupt = ring.ErrCorrupt
	// ErrSegmentRemoved says that somebody has removed or replaced the segment.
	ErrSegmentRemoved = driver.ErrSegmentRemoved
	// ErrSegmentTruncated says that somebody has cut off the memory of the buffer while it was in
	// use. It is also [ErrSegmentRemoved].
	ErrSegmentTruncated = driver.ErrSegmentTruncated
)

// Errors about the peer.
var (
	// ErrReaderDead says that the reader is gone, killed or closed; see [ReaderGoneError].
	ErrReaderDead = errors.New("reader is gone")
	// ErrReaderClosed says that the reader has closed the buffer. It is also [ErrReaderDead].
	ErrReaderClosed = sentinel.New("reader has closed the buffer", ErrReaderDead)
	// ErrWriterDead says that the writer was killed. All its complete frames were read before.
	ErrWriterDead = errors.New("writer is dead")
	// ErrWriterClosed says that the writer has closed, and all its frames were read.
	ErrWriterClosed = errors.New("writer has closed")
	// ErrWriterReplaced says that another program has taken the place of this Writer.
	ErrWriterReplaced = errors.New("another writer has taken over the buffer")
)

// Errors of metadata.
var (
	// ErrNoMetadata says that no metadata was set yet.
	ErrNoMetadata = errors.New("no metadata was set")
	// ErrMetadataSet says that the metadata of this buffer was set before.
	ErrMetadataSet = errors.New("metadata is already set: it can be set once a buffer")
	// ErrMetadataTooLarge says that the metadata does not fit; see [MetadataSizeError].
	ErrMetadataTooLarge = errors.New("metadata is too large")
	// ErrEmptyMetadata says that metadata of 0 bytes was given: peers cannot read it.
	ErrEmptyMetadata = errors.New("metadata is empty: peers cannot read it, so leave it out")
)

// NoSpaceError carries the bytes that were needed and that were free, and says where.
type NoSpaceError = driver.NoSpaceError

// SequenceError carries the number that was expected and the one that was there.
type SequenceError = ring.SequenceError

// FrameSizeError carries the size of a frame that can never fit. It matches [ErrFrameTooLarge].
type FrameSizeError struct {
	// Size and Max are payload bytes; Ring is the size of the payload block that would be
	// needed at least.
	Size, Max, Ring int64
}

// Error says which option gives enough room.
func (e *FrameSizeError) Error() string {
	return fmt.Sprintf("frame of %d bytes is too large: this ring holds at most %d; "+
		"the reader has to create it with a payload size of %d or more", e.Size, e.Max, e.Ring)
}

// Unwrap returns [ErrFrameTooLarge].
func (e *FrameSizeError) Unwrap() error { return ErrFrameTooLarge }

// MetadataSizeError carries the size of metadata that does not fit. It matches
// [ErrMetadataTooLarge].
type MetadataSizeError struct {
	// Size and Max are bytes of content, without the length prefix.
	Size, Max int64
}

// Error says which option gives enough room.
func (e *MetadataSizeError) Error() string {
	return fmt.Sprintf("metadata of %d bytes is too large: this buffer holds at most %d; "+
		"the reader has to create it with a metadata size of %d or more",
		e.Size, e.Max, e.Size+layout.MetadataPrefix)
}

// Unwrap returns [ErrMetadataTooLarge].
func (e *MetadataSizeError) Unwrap() error { return ErrMetadataTooLarge }

// ReaderGoneError tells how the reader went and what went with it. It matches [ErrReaderDead],
// and [ErrReaderClosed] if the reader closed the buffer itself.
type ReaderGoneError struct {
	// Closed is true if the reader closed the buffer, false if its process died.
	Closed bool
	// PID is the process of the reader, 0 if unknown.
	PID uint64
	// Unread is the number of frames that the reader has not given back: those that will never be
	// read, and perhaps the last ones that it had read when it was killed.
	Unread uint64
}

// Error says what happened and what is lost.
func (e *ReaderGoneError) Error() string {
	how := fmt.Sprintf("reader with PID %d is dead", e.PID)
	if e.Closed {
		how = "reader has closed the buffer"
	}
	return fmt.Sprintf("%s, %d frames were not read", how, e.Unread)
}

// Unwrap returns [ErrReaderClosed] or [ErrReaderDead].
func (e *ReaderGoneError) Unwrap() error {
	if e.Closed {
		return ErrReaderClosed
	}
	return ErrReaderDead
}

// timeoutError is what calls return when their time is over. There is one value for each kind of
// call, so that a time-out allocates nothing.
type timeoutError struct {
	text string
	full bool
}

var (
	errTimeout      error = &timeoutError{text: "time is over"}
	errReadTimeout  error = &timeoutError{text: "read frame: no frame came in time"}
	errWriteTimeout error = &timeoutError{
		text: "write frame: buffer is full: the reader gave back too little space in time",
		full: true,
	}
)

func (e *timeoutError) Error() string   { return e.text }
func (e *timeoutError) Timeout() bool   { return true }
func (e *timeoutError) Temporary() bool { return true }

// Is makes a time-out match the sentinels of this package and of the standard library.
func (e *timeoutError) Is(target error) bool {
	return target == ErrTimeout || target == os.ErrDeadlineExceeded ||
		target == context.DeadlineExceeded || e.full && target == ErrBufferFull
}

// asTimeout replaces what a wait returned at the end of its time by the error of the call.
func asTimeout(err, timeout error) error {
	if errors.Is(err, errTimeout) || errors.Is(err, context.DeadlineExceeded) {
		return timeout
	}
	return err
}
