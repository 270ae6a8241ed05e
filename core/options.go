package zerobuffer

import (
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

const (
	// DefaultPayloadSize is the size of the ring when [ReaderOptions.PayloadSize] is 0. It fits
	// into the 64 MB of shared memory that containers get.
	DefaultPayloadSize = 16 << 20
	// DefaultMetadataSize is the size of the metadata block when [ReaderOptions.MetadataSize] is 0.
	DefaultMetadataSize = 4096
	// DefaultLap is the length of a lap when [WriterOptions.Lap] is 0.
	DefaultLap = 32 << 20
)

// ReaderOptions are the choices of a [Reader]. A nil pointer and the zero value give defaults.
type ReaderOptions struct {
	// PayloadSize is the size of the ring in bytes, rounded up to a multiple of 64; 0 means
	// [DefaultPayloadSize]. The largest frame has 16 bytes less. The memory is reserved at
	// creation. C# programs need the whole segment to stay below 2 GiB.
	PayloadSize int64
	// MetadataSize is the size of the metadata block in bytes, rounded up to a multiple of 64; 0
	// means [DefaultMetadataSize], a negative value means none. Content can have 8 bytes less.
	MetadataSize int64
	// ReadTimeout ends a read that got no frame; 0 means never. It costs no allocation, which a
	// context with a deadline does.
	ReadTimeout time.Duration
	// Wait is how a read waits for a frame; 0 means [WaitAdaptive].
	Wait WaitMode
	// Mode is the permission of the objects that are made; 0 means 0600, so that only programs
	// of the same user connect. The umask does not cut it.
	Mode fs.FileMode
	// Group is the numeric group that the objects get; nil leaves the group of the process.
	Group *int
	// Memory asks for more of the mapping of the reader: prefault, huge pages, a lock. The zero
	// value asks for nothing; [Reader.Memory] tells what is in effect.
	Memory MemoryOptions
	// Logger gets the events of the buffer's life; nil means silence. No peer can flood it: beyond
	// a few hundred lines at once and ten a second, lines are left out and counted.
	Logger *slog.Logger
}

// WriterOptions are the choices of a [Writer]. A nil pointer and the zero value give defaults.
type WriterOptions struct {
	// WriteTimeout ends a write that found no room; 0 means never. It costs no allocation, which
	// a context with a deadline does.
	WriteTimeout time.Duration
	// Wait is how a write waits for room; 0 means [WaitAdaptive].
	Wait WaitMode
	// Lap is the number of bytes after which the writer may start again at the front of the
	// ring, so that the part in use stays in the processor's cache; 0 means [DefaultLap], a
	// negative value means the whole ring. A reader that stalls just then leaves only that part,
	// and one that holds more than that before it releases anything waits for ever.
	Lap int64
	// Reconnect makes the Writer outlive its reader. The end of the reader is the end of its
	// buffer; frames that were not read are lost with it, are counted in [WriterStats], and are a
	// warning in the log. WriteFrame, WriteBatch and Reserve then do not return [ErrReaderDead] or
	// [ErrSegmentRemoved], but give up the buffer and wait until a reader has made another one of
	// the same name, as long as their ctx and WriteTimeout allow, with the frame that they have not
	// written yet. In the new buffer sequence numbers begin at 1, and the metadata is set again.
	//
	// When the time is over the error is also what it was without Reconnect, and the next call
	// goes on to wait. So it is when there is a new buffer that cannot be used, which is not waited
	// for: [ErrWriterConnected], [ErrMetadataTooLarge] and so on. TryWriteFrame does not wait: it
	// returns ErrReaderDead, but goes on in a new buffer if there is one. SetMetadata does not wait
	// either: what it is given is for the next buffer then. Commit returns ErrReaderDead: the
	// reserved frame is in the old buffer, so call Reserve again and fill in what it returns.
	// WaitDrained is about the buffer that was written to last. After [ErrSegmentTruncated] the
	// Writer is over, as without Reconnect.
	Reconnect bool
	// Memory asks for more of the mapping of the writer: prefault, huge pages, a lock. The zero
	// value asks for nothing; [Writer.Memory] tells what is in effect. None of it writes into the
	// buffer.
	Memory MemoryOptions
	// Logger gets the events of the writer's life; nil means silence. It is limited like that of
	// [ReaderOptions].
	Logger *slog.Logger
}

// withDefaults returns a copy of o in which every zero value is replaced.
func (o *ReaderOptions) withDefaults() ReaderOptions {
	var c ReaderOptions
	if o != nil {
		c = *o
	}
	if c.PayloadSize == 0 {
		c.PayloadSize = DefaultPayloadSize
	}
	switch {
	case c.MetadataSize == 0:
		c.MetadataSize = DefaultMetadataSize
	case c.MetadataSize < 0:
		c.MetadataSize = 0
	}
	if c.Mode == 0 {
		c.Mode = 0o600
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.Logger = limitLog(c.Logger)
	return c
}

// geometry checks the sizes in o.
func (o *ReaderOptions) geometry() (layout.Geometry, error) {
	if o.ReadTimeout < 0 {
		return layout.Geometry{}, fmt.Errorf("read timeout %v: must not be negative", o.ReadTimeout)
	}
	if err := o.Wait.check(); err != nil {
		return layout.Geometry{}, err
	}
	return layout.NewGeometry(o.MetadataSize, o.PayloadSize)
}

// withDefaults returns a copy of o in which every zero value is replaced.
func (o *WriterOptions) withDefaults() (WriterOptions, error) {
	var c WriterOptions
	if o != nil {
		c = *o
	}
	if c.WriteTimeout < 0 {
		return c, fmt.Errorf("write timeout %v: must not be negative", c.WriteTimeout)
	}
	if err := c.Wait.check(); err != nil {
		return c, err
	}
	if c.Lap == 0 {
		c.Lap = DefaultLap
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.Logger = limitLog(c.Logger)
	return c, nil
}
