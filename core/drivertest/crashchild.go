//go:build zbsteps

package drivertest

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
	"github.com/zerobuffer-go/zerobuffer/core/crashpoint"
	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

// Crash is what a child does that ends itself at a crash point, for [KillAtEveryPoint]: args are
// what it plays, the name of the buffer, where it ends, and a number that is added to those of its
// frames. It says what it has done.
func Crash(b driver.Backend, args []string) error {
	base, err := strconv.Atoi(args[3])
	if err != nil {
		return err
	}
	crashpoint.KillWhen(crashAt(args[2]))
	if args[0] == driver.Writer.String() {
		return crashWriter(b, args[1], base)
	}
	return crashReader(b, args[1])
}

// crashAt understands where: "17" is the 17th crash point, "mark:2" the second one of that name.
func crashAt(where string) func(n uint64, name string) bool {
	wanted, times, named := strings.Cut(where, ":")
	if !named {
		times = where
	}
	at, _ := strconv.ParseUint(times, 10, 64)
	var passed atomic.Uint64
	return func(n uint64, name string) bool {
		if named {
			if name != wanted {
				return false
			}
			n = passed.Add(1)
		}
		if n != at {
			return false
		}
		fmt.Println("at", name)
		return true
	}
}

// crashSizes are the frames of a crashing writer, by number from 1 on.
var crashSizes = []int{100, 300, 50, 60, 70, 120, 400, 900, 30}

var crashMetadata = []byte("what the frames are")

// crashWriter sets metadata and writes frames in every way.
func crashWriter(b driver.Backend, name string, base int) error {
	w, err := zerobuffer.NewWriter(b, name, nil)
	if err != nil {
		return err
	}
	fmt.Println("attached")
	if err := w.SetMetadata(crashMetadata); err == nil {
		fmt.Println("set")
	} else if !errors.Is(err, zerobuffer.ErrMetadataSet) {
		return err
	}
	frame := func(n int) []byte { return payload(uint64(base+n), crashSizes[n-1]) }
	one := func(n int) func() error {
		return func() error { return w.WriteFrame(background, frame(n)) }
	}
	for _, write := range []struct {
		last int
		call func() error
	}{
		{1, one(1)},
		{2, one(2)},
		{5, func() error {
			_, err := w.WriteBatch(background, [][]byte{frame(3), frame(4), frame(5)})
			return err
		}},
		{6, func() error {
			buf, err := w.Reserve(background, 200)
			if err != nil {
				return err
			}
			return w.Commit(copy(buf, frame(6)))
		}},
		{6, func() error {
			if _, err := w.Reserve(background, 200); err != nil {
				return err
			}
			return w.Abort()
		}},
		{7, one(7)},
		{8, one(8)},
		{9, one(9)},
	} {
		if err := write.call(); err != nil {
			return err
		}
		fmt.Println("wrote", write.last)
	}
	if err := w.Close(); err != nil {
		return err
	}
	fmt.Println("closed")
	return nil
}

// crashReads is how many frames a crashing reader reads.
const crashReads = 8

// crashReader makes the buffer, reads and releases out of order, and closes.
func crashReader(b driver.Backend, name string) error {
	r, err := zerobuffer.NewReader(b, name, &zerobuffer.ReaderOptions{
		PayloadSize: 1024, MetadataSize: 64,
	})
	if err != nil {
		return err
	}
	fmt.Println("ready")
	var held zerobuffer.Frame
	for n := range crashReads {
		f, err := r.ReadFrame(background)
		if err != nil {
			return err
		}
		if n%3 == 0 {
			held = f
			continue
		}
		f.Release()
		held.Release() // the second time it does nothing
	}
	if err := r.Close(); err != nil {
		return err
	}
	fmt.Println("closed")
	return nil
}
