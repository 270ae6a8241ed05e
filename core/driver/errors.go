package driver

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/zerobuffer-go/zerobuffer/core/internal/sentinel"
)

// What a backend reports. Package zerobuffer exports the same values under the same names.
var (
	// ErrNotFound says that there is no buffer of this name. It matches [fs.ErrNotExist].
	ErrNotFound = sentinel.New("buffer not found", fs.ErrNotExist)
	// ErrNotReady says that the buffer is being made, or its reader has just gone: try again. It
	// matches ErrNotFound.
	ErrNotReady = sentinel.New("buffer is not ready", ErrNotFound)
	// ErrReaderConnected says that the name belongs to a live reader. It matches [fs.ErrExist].
	ErrReaderConnected = sentinel.New("a reader is connected", fs.ErrExist)
	// ErrWriterConnected says that the buffer has a live writer. It matches [fs.ErrExist].
	ErrWriterConnected = sentinel.New("a writer is connected", fs.ErrExist)
	// ErrNoSpace says that the memory for the segment is not there.
	ErrNoSpace = errors.New("not enough shared memory")
	// ErrSegmentRemoved says that somebody has removed or replaced the segment.
	ErrSegmentRemoved = errors.New("segment was removed")
	// ErrSegmentTruncated says that somebody has cut off the segment or a semaphore. It matches
	// ErrSegmentRemoved.
	ErrSegmentTruncated = sentinel.New("segment was truncated", ErrSegmentRemoved)
	// ErrInvalidName says that the name cannot be the name of a buffer.
	ErrInvalidName = sentinel.New("invalid buffer name", fs.ErrInvalid)
	// ErrOverflow says that a semaphore cannot hold more tokens.
	ErrOverflow = sentinel.ErrOverflow
	// ErrPermission says that the objects are there and may not be used. It is [fs.ErrPermission].
	ErrPermission = fs.ErrPermission
)

// NoSpaceError tells how much memory was missing, and where. It matches [ErrNoSpace].
type NoSpaceError struct {
	// Need and Free are in bytes.
	Need, Free uint64
	// Where is the mount point, the control group or the limit that has no room.
	Where string
	// Hint says how to get more room: the flag, the option or the smaller size.
	Hint string
}

// Error gives the numbers and the way out.
func (e *NoSpaceError) Error() string {
	return fmt.Sprintf("not enough shared memory: need %d bytes, %s has %d free; %s",
		e.Need, e.Where, e.Free, e.Hint)
}

// Unwrap returns [ErrNoSpace].
func (e *NoSpaceError) Unwrap() error { return ErrNoSpace }
