package zerobuffer_test

import (
	"context"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
	"github.com/zerobuffer-go/zerobuffer/core/inproc"
	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

// sentinel is an error of the package, a way to it, and what it matches besides.
type sentinel struct {
	value error
	reach func(t *testing.T) error
	also  []error
}

// timeouts is what all time-outs match.
var timeouts = []error{zerobuffer.ErrTimeout, os.ErrDeadlineExceeded, context.DeadlineExceeded}

// sentinels has an entry for each exported error, or TestErrorsAllReached fails.
var sentinels = map[string]sentinel{
	"ErrInvalidName": {zerobuffer.ErrInvalidName, func(*testing.T) error {
		_, err := zerobuffer.NewReader(inproc.New(), "a/b", nil)
		return err
	}, []error{fs.ErrInvalid}},
	"ErrBufferNotFound": {zerobuffer.ErrBufferNotFound, func(*testing.T) error {
		_, err := zerobuffer.NewWriter(inproc.New(), bufferName, nil)
		return err
	}, []error{fs.ErrNotExist}},
	"ErrNotReady": {zerobuffer.ErrNotReady, func(t *testing.T) error {
		g := newReaderRig(t, zerobuffer.ReaderOptions{})
		g.oieb().ReaderPID.Store(0)
		return openError(g)
	}, []error{zerobuffer.ErrBufferNotFound, fs.ErrNotExist, layout.ErrNotReady}},
	"ErrReaderConnected": {zerobuffer.ErrReaderConnected, func(t *testing.T) error {
		_, err := zerobuffer.NewReader(smallRig(t).Process(), bufferName, nil)
		return err
	}, []error{fs.ErrExist}},
	"ErrWriterConnected": {zerobuffer.ErrWriterConnected, func(t *testing.T) error {
		return openError(smallRig(t))
	}, []error{fs.ErrExist}},
	// No in-process object can be refused; backend-posix reaches it.
	"ErrPermission": {zerobuffer.ErrPermission, func(*testing.T) error {
		return fs.ErrPermission
	}, []error{fs.ErrPermission, os.ErrPermission}},
	"ErrIncompatible": {zerobuffer.ErrIncompatible, func(t *testing.T) error {
		g := newReaderRig(t, zerobuffer.ReaderOptions{})
		g.oieb().Version[0] = 2
		return openError(g)
	}, nil},
	"ErrNoSpace": {zerobuffer.ErrNoSpace, func(*testing.T) error {
		opts := &zerobuffer.ReaderOptions{PayloadSize: 1 << 40}
		_, err := zerobuffer.NewReader(inproc.New(), bufferName, opts)
		return err
	}, nil},
	"ErrClosed": {zerobuffer.ErrClosed, func(t *testing.T) error {
		g := smallRig(t)
		require.NoError(t, g.w.Close())
		return g.w.WriteFrame(t.Context(), []byte{1})
	}, []error{os.ErrClosed}},
	"ErrConcurrentUse": {zerobuffer.ErrConcurrentUse, func(t *testing.T) (err error) {
		g := smallRig(t)
		_ = whileBlocked(g.raw().DataReady(), func() error {
			return calls["read"](g, context.Background())
		}, func() {
			err = calls["read"](g, context.Background())
			require.NoError(t, g.r.Close())
		})
		return err
	}, nil},
	"ErrTimeout": {zerobuffer.ErrTimeout, func(t *testing.T) error {
		g := newReaderRig(t, zerobuffer.ReaderOptions{ReadTimeout: time.Microsecond})
		return calls["read"](g, context.Background())
	}, timeouts},
	"ErrBufferFull": {zerobuffer.ErrBufferFull, func(t *testing.T) error {
		opts := zerobuffer.WriterOptions{WriteTimeout: time.Microsecond}
		g := newRig(t, zerobuffer.ReaderOptions{}, opts)
		g.fill(100)
		return g.w.WriteFrame(t.Context(), make([]byte, 100))
	}, timeouts},
	"ErrFrameTooLarge": {zerobuffer.ErrFrameTooLarge, func(t *testing.T) error {
		return smallRig(t).w.WriteFrame(t.Context(), make([]byte, 1009))
	}, nil},
	"ErrEmptyFrame": {zerobuffer.ErrEmptyFrame, func(t *testing.T) error {
		return smallRig(t).w.WriteFrame(t.Context())
	}, nil},
	"ErrReserved": {zerobuffer.ErrReserved, func(t *testing.T) error {
		g := smallRig(t)
		require.NoError(t, calls["reserve"](g, t.Context()))
		return calls["reserve"](g, t.Context())
	}, nil},
	"ErrNotReserved": {zerobuffer.ErrNotReserved, func(t *testing.T) error {
		return smallRig(t).w.Commit(1)
	}, nil},
	"ErrSequence": {zerobuffer.ErrSequence, func(t *testing.T) error {
		g := smallRig(t)
		g.write(10, 'a')
		layout.WriteSeq(g.payload(), 7)
		return calls["read"](g, t.Context())
	}, nil},
	"ErrCorrupt": {zerobuffer.ErrCorrupt, func(t *testing.T) error {
		g := smallRig(t)
		g.write(10, 'a')
		g.oieb().WritePos.Store(1025)
		return calls["read"](g, t.Context())
	}, nil},
	"ErrSegmentRemoved": {zerobuffer.ErrSegmentRemoved, func(t *testing.T) error {
		g := newReaderRig(t, zerobuffer.ReaderOptions{})
		g.killReader() // it does not know, and looks after its objects when it waits
		r, err := zerobuffer.NewReader(g.Process(), bufferName, nil)
		require.NoError(t, err)
		t.Cleanup(func() { _ = r.Close() })
		return calls["read"](g, t.Context())
	}, nil},
	// Nor can one be cut off.
	"ErrSegmentTruncated": {zerobuffer.ErrSegmentTruncated, func(*testing.T) error {
		return zerobuffer.ErrSegmentTruncated
	}, []error{zerobuffer.ErrSegmentRemoved}},
	"ErrReleased": {zerobuffer.ErrReleased, func(t *testing.T) error {
		g := smallRig(t)
		g.write(10, 'a')
		f, err := g.r.ReadFrame(t.Context())
		require.NoError(t, err)
		f.Release()
		return f.Do(func([]byte) error { return nil })
	}, nil},
	"ErrReaderDead": {zerobuffer.ErrReaderDead, func(t *testing.T) error {
		g := smallRig(t)
		g.fill(100)
		g.killReader()
		return g.w.WriteFrame(t.Context(), make([]byte, 100))
	}, nil},
	"ErrReaderClosed": {zerobuffer.ErrReaderClosed, func(t *testing.T) error {
		g := smallRig(t)
		require.NoError(t, g.r.Close())
		return g.w.WriteFrame(t.Context(), []byte{1})
	}, []error{zerobuffer.ErrReaderDead}},
	"ErrWriterDead": {zerobuffer.ErrWriterDead, func(t *testing.T) error {
		g := smallRig(t)
		g.killWriter()
		return calls["read"](g, t.Context())
	}, nil},
	"ErrWriterClosed": {zerobuffer.ErrWriterClosed, func(t *testing.T) error {
		g := smallRig(t)
		require.NoError(t, g.w.Close())
		return calls["read"](g, t.Context())
	}, nil},
	"ErrWriterReplaced": {zerobuffer.ErrWriterReplaced, func(t *testing.T) error {
		g := smallRig(t)
		g.oieb().WriterPID.Store(g.Process().PID())
		return g.w.WriteFrame(t.Context(), []byte{1})
	}, nil},
	"ErrNoMetadata": {zerobuffer.ErrNoMetadata, func(t *testing.T) error {
		_, err := smallRig(t).r.Metadata()
		return err
	}, nil},
	"ErrMetadataSet": {zerobuffer.ErrMetadataSet, func(t *testing.T) error {
		g := smallRig(t)
		require.NoError(t, g.w.SetMetadata([]byte{1}))
		return g.w.SetMetadata([]byte{1})
	}, nil},
	"ErrMetadataTooLarge": {zerobuffer.ErrMetadataTooLarge, func(t *testing.T) error {
		return smallRig(t).w.SetMetadata(make([]byte, 4089))
	}, nil},
	"ErrEmptyMetadata": {zerobuffer.ErrEmptyMetadata, func(t *testing.T) error {
		return smallRig(t).w.SetMetadata(nil)
	}, nil},
}

// openError is what a second writer gets.
func openError(g *rig) error {
	_, err := zerobuffer.NewWriter(g.Process(), bufferName, nil)
	return err
}

// TestErrorsAllReached reaches each sentinel of errors.go.
func TestErrorsAllReached(t *testing.T) {
	t.Parallel()
	for _, name := range exportedErrors(t) {
		s, ok := sentinels[name]
		if !ok {
			t.Errorf("%s has no entry in this test", name)
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := s.reach(t)
			requireErrors(t, err, append(s.also, s.value)...)
			require.NotContains(t, err.Error(), "failed to")
			require.NotContains(t, err.Error(), "%!")
			timeout, ok := errors.AsType[interface {
				error
				Timeout() bool
			}](err)
			isTimeout := ok && timeout.Timeout()
			require.Equal(t, errors.Is(err, zerobuffer.ErrTimeout), isTimeout)
		})
	}
}

// exportedErrors are the names of the sentinels in errors.go.
func exportedErrors(t *testing.T) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "errors.go", nil, 0)
	require.NoError(t, err)
	var names []string
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok {
			for _, name := range spec.Names {
				if strings.HasPrefix(name.Name, "Err") {
					names = append(names, name.Name)
				}
			}
		}
		return true
	})
	require.NotEmpty(t, names)
	return names
}

func TestErrorsCarryNumbers(t *testing.T) {
	t.Parallel()
	sequence, ok := errors.AsType[*zerobuffer.SequenceError](sentinels["ErrSequence"].reach(t))
	require.True(t, ok)
	require.Empty(t, cmp.Diff(zerobuffer.SequenceError{Expected: 1, Got: 7}, *sequence))
	space, ok := errors.AsType[*zerobuffer.NoSpaceError](sentinels["ErrNoSpace"].reach(t))
	require.True(t, ok)
	require.Equal(t, uint64(1<<40+4096+128), space.Need)
	require.Less(t, space.Free, space.Need)
	require.NotEmpty(t, space.Where)
	require.NotEmpty(t, space.Hint)
}

// TestErrorsSayWhatToDo looks for the numbers and the name of what gives enough room.
func TestErrorsSayWhatToDo(t *testing.T) {
	t.Parallel()
	for name, words := range map[string][]string{
		"ErrFrameTooLarge":    {`"camera"`, "1009 bytes", "at most 1008", "payload size of 1088"},
		"ErrMetadataTooLarge": {`"camera"`, "4089", "4088"},
		"ErrWriterConnected":  {`"camera"`, "PID 2"},
		"ErrReaderConnected":  {`"camera"`, "PID 1"},
		"ErrNoSpace":          {`"camera"`, "1099511632000", "PayloadSize"},
		"ErrInvalidName":      {`"a/b"`, "slash"},
		"ErrIncompatible":     {`"camera"`, "2.0.0", "1.x"},
		"ErrReaderDead":       {"PID 1", "8 frames were not read"},
		"ErrSequence":         {`"camera"`, "7", "expected 1"},
		"ErrCorrupt":          {`"camera"`, "write_pos is 1025", "1024 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := sentinels[name].reach(t)
			for _, w := range words {
				require.ErrorContains(t, err, w)
			}
		})
	}
}

// TestErrorsLeaveReaderAsItWas reads a broken frame again and again, and goes on when it is mended.
func TestErrorsLeaveReaderAsItWas(t *testing.T) {
	t.Parallel()
	g := smallRig(t)
	g.write(10, 'a')
	g.write(10, 'b')
	g.readRelease(1)
	size := g.payload()[26:]
	for _, bad := range []uint64{11, 1008, 1 << 62, ^uint64(0)} {
		layout.WriteSize(size, bad)
		g.requireUnchanged(func() {
			for range 2 {
				require.ErrorIs(t, calls["read"](g, t.Context()), zerobuffer.ErrCorrupt)
			}
		})
	}
	layout.WriteSize(size, 10)
	f := g.read()
	require.Equal(t, uint64(2), f.Sequence())
	require.Equal(t, "bbbbbbbbbb", string(f.Bytes()))
}
