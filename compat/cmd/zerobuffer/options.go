package main

import (
	"context"
	"fmt"
	"io/fs"
	"math"
	"strconv"
	"strings"
	"time"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

// commonOptions are the options of every command that moves frames.
type commonOptions struct {
	TimeoutMS  int64 `name:"timeout-ms" default:"5000" placeholder:"MS" help:"${timeout}"`
	JSONOutput bool  `name:"json-output" help:"Print the result as JSON."`
	Verbose    bool  `short:"v" help:"Say on stderr what happens."`
}

func (o *commonOptions) timeout() time.Duration {
	return time.Duration(o.TimeoutMS) * time.Millisecond
}

func (o *commonOptions) check() error {
	if o.TimeoutMS < 0 || o.TimeoutMS > math.MaxInt64/int64(time.Millisecond) {
		return fmt.Errorf("--timeout-ms %d: give milliseconds, 0 for no limit", o.TimeoutMS)
	}
	return nil
}

// within returns a context that ends after the time-out, if there is one.
func within(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	if d <= 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, d)
}

// ringOptions are the options of the commands that make a buffer. The default is that of the
// tools in other languages, not that of the library.
type ringOptions struct {
	BufferSize   byteSize `default:"256MiB" placeholder:"BYTES" help:"${ring_buffer_size}"`
	MetadataSize byteSize `default:"4096" placeholder:"BYTES" help:"${ring_metadata_size}"`
	Mode         fileMode `default:"0600" help:"${ring_mode}"`
}

// metadataBlock is the size in the library's terms, where 0 is the default.
func (o *ringOptions) metadataBlock() int64 {
	if o.MetadataSize == 0 {
		return -1
	}
	return int64(o.MetadataSize)
}

func (o *ringOptions) check() error {
	if o.BufferSize < 64 {
		return fmt.Errorf("--buffer-size %d: a ring has at least 64 bytes", o.BufferSize)
	}
	return nil
}

// sideOptions are the options of the commands about their own side of a buffer.
type sideOptions struct {
	Wait       zerobuffer.WaitMode `default:"adaptive" help:"${wait}"`
	Prefault   bool                `help:"${memory_prefault}"`
	HugePages  bool                `help:"${memory_huge_pages}"`
	LockMemory bool                `help:"${memory_lock}"`
}

// memory is the same in the library's terms. What is refused is a warning in its log.
func (o *sideOptions) memory() zerobuffer.MemoryOptions {
	return zerobuffer.MemoryOptions{
		Prefault: o.Prefault, HugePages: o.HugePages, Lock: o.LockMemory,
	}
}

// outputOptions are the options of the commands that write to a buffer.
type outputOptions struct {
	Reconnect bool   `help:"${reconnect}"`
	LingerMS  *int64 `name:"linger-ms" placeholder:"MS" help:"${linger}"`
}

// linger is how long to wait at the end.
func (o *outputOptions) linger(c *commonOptions) time.Duration {
	if o.LingerMS != nil {
		return time.Duration(*o.LingerMS) * time.Millisecond
	}
	return c.timeout()
}

// frameCount is the value of --frames: how many, or a negative number for no limit.
type frameCount int64

// left tells whether there is a frame to come after done.
func (n frameCount) left(done int64) bool { return n < 0 || done < int64(n) }

// next is how many of a batch may come after done.
func (n frameCount) next(done int64, batch int) int {
	if n < 0 {
		return batch
	}
	return int(min(int64(batch), int64(n)-done))
}

// of is "" or " of N", for messages.
func (n frameCount) of() string {
	if n < 0 {
		return ""
	}
	return fmt.Sprintf(" of %d", int64(n))
}

func checkBatch(n int) error {
	if n < 1 || n > 1<<16 {
		return fmt.Errorf("--batch-size %d: use 1 to %d", n, 1<<16)
	}
	return nil
}

// byteSize is a number of bytes, with an optional unit: 4096, 64K, 16MiB, 1.5GB. Units are powers
// of 1024, with or without the i, as in the peers' connection strings (wire contract, section 9).
type byteSize int64

// UnmarshalText implements [encoding.TextUnmarshaler].
func (s *byteSize) UnmarshalText(text []byte) error {
	number := strings.ToUpper(strings.TrimSpace(string(text)))
	number = strings.TrimSuffix(strings.TrimSuffix(number, "B"), "I")
	factor := 1.0
	if i := strings.IndexAny(number, "KMGT"); i >= 0 && i == len(number)-1 {
		factor = math.Pow(1024, float64(1+strings.IndexByte("KMGT", number[i])))
		number = number[:i]
	}
	value, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if err != nil || !(value >= 0) || value*factor > math.MaxInt64/2 {
		return fmt.Errorf("parse size %q: use bytes or a unit, such as 3110400, 64KiB, 256MB", text)
	}
	*s = byteSize(value * factor)
	return nil
}

// fileMode is a permission in octal.
type fileMode fs.FileMode

// UnmarshalText implements [encoding.TextUnmarshaler].
func (m *fileMode) UnmarshalText(text []byte) error {
	value, err := strconv.ParseUint(string(text), 8, 32)
	if err != nil || value == 0 || value > 0o777 {
		return fmt.Errorf("parse mode %q: use octal digits, such as 0660", text)
	}
	*m = fileMode(value)
	return nil
}

// firstError returns the first error of a list.
func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// buffer is the address of a buffer, with what it stands for.
type buffer struct {
	address string
	backend driver.Backend
	name    string
}

// buffer resolves the address that the user gave.
func (e *env) buffer(address string) (buffer, error) {
	backend, name, err := e.resolve(address)
	if err != nil {
		return buffer{}, &exitError{exitUsage, err}
	}
	return buffer{address, backend, name}, nil
}
