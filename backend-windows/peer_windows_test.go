package winshm

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/drivertest"
	"github.com/zerobuffer-go/zerobuffer/core/drivertest/testproc"
)

// peerEnv names the C program of testdata/peer.c where it is built already: there is no compiler
// inside Wine.
const peerEnv = "ZEROBUFFER_WINPEER"

// peerPath returns the C program and compiles it if need be.
func peerPath(t *testing.T) string {
	t.Helper()
	if path := os.Getenv(peerEnv); path != "" {
		return path
	}
	gcc, err := exec.LookPath("gcc")
	if err != nil {
		skip(t, fmt.Sprintf("set %s to the program of testdata/peer.c, or install gcc: %v",
			peerEnv, err))
	}
	path := filepath.Join(t.TempDir(), "peer.exe")
	out, err := exec.Command(gcc, "-O2", "-o", path, "testdata/peer.c").CombinedOutput()
	require.NoError(t, err, "%s", out)
	return path
}

// language is a kind of peer and the options of ours for it.
type language struct {
	arg  string
	opts Options
}

var languages = []language{
	{"cs", Options{}}, {"py", Options{Names: Python}}, {"cpp", Options{Names: CPP}},
}

// peer starts the C program.
func (l *language) peer(t *testing.T, command, name string, args ...string) *testproc.Child {
	t.Helper()
	c := testproc.Program(t, exec.Command(peerPath(t),
		append([]string{l.arg, command, name}, args...)...))
	c.Begin()
	return c
}

func each(t *testing.T, test func(t *testing.T, l *language, name string)) {
	t.Helper()
	for _, l := range languages {
		t.Run(l.arg, func(t *testing.T) {
			needRights(t, &l.opts) // for the peer it is the same
			name := newName()
			t.Cleanup(func() { // the last one of the test
				for _, path := range lockFiles(name) { // as a killed Python program leaves it
					require.Equal(t, "py", l.arg)
					require.NoError(t, os.Remove(path))
				}
			})
			test(t, &l, name)
		})
	}
}

// payload is what the C program writes and expects.
func payload(seq uint64, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(seq*31 + uint64(i)*7 + 1)
	}
	return b
}

const (
	peerFrames = 3000
	peerSize   = 84 // with its header 100 bytes, so that a lap ends in a marker
)

// counted are the arguments for that many frames.
var counted = []string{fmt.Sprint(peerFrames), fmt.Sprint(peerSize)}

func TestCrossProcessPeerWrites(t *testing.T) {
	each(t, func(t *testing.T, l *language, name string) {
		r, err := zerobuffer.NewReader(New(&l.opts), name,
			&zerobuffer.ReaderOptions{PayloadSize: 1024})
		require.NoError(t, err)
		defer r.Close()
		w := l.peer(t, "write", name, counted...).Ready()
		for seq := uint64(1); seq <= peerFrames; seq++ {
			f, err := r.ReadFrame(context.Background())
			require.NoError(t, err)
			if f.Sequence() != seq || !bytes.Equal(f.Bytes(), payload(seq, peerSize)) {
				t.Fatalf("frame %d is damaged: number %d, %d bytes", seq, f.Sequence(), f.Len())
			}
			f.Release()
		}
		w.End()
		_, err = r.ReadFrame(context.Background())
		require.ErrorIs(t, err, zerobuffer.ErrWriterClosed)
	})
}

func TestCrossProcessPeerReads(t *testing.T) {
	each(t, func(t *testing.T, l *language, name string) {
		r := l.peer(t, "read", name, counted...).Ready()
		w, err := zerobuffer.NewWriter(New(&l.opts), name, nil)
		require.NoError(t, err)
		defer w.Close()
		for seq := uint64(1); seq <= peerFrames; seq++ {
			require.NoError(t, w.WriteFrame(context.Background(), payload(seq, peerSize)))
		}
		require.Equal(t, fmt.Sprintf("done: %d frames of %d bytes", peerFrames, peerSize), r.Line())
		r.End()
	})
}

func TestCrossProcessPeerReaderKilled(t *testing.T) {
	each(t, func(t *testing.T, l *language, name string) {
		r := l.peer(t, "hold", name).Ready()
		w, err := zerobuffer.NewWriter(New(&l.opts), name, nil)
		require.NoError(t, err)
		defer w.Close()
		done := make(chan error, 1)
		go func() {
			for {
				if err := w.WriteFrame(context.Background(), make([]byte, 1000)); err != nil {
					done <- err
					return
				}
			}
		}()
		eventually(t, "a blocked writer", func() bool { return w.FramesWritten() == 4 })
		r.Kill()
		killed := time.Now()
		require.ErrorIs(t, <-done, zerobuffer.ErrReaderDead)
		t.Logf("the death was seen after %v", time.Since(killed))
	})
}

func TestCrossProcessPeerWriterKilled(t *testing.T) {
	each(t, func(t *testing.T, l *language, name string) {
		r, err := zerobuffer.NewReader(New(&l.opts), name,
			&zerobuffer.ReaderOptions{PayloadSize: 1024})
		require.NoError(t, err)
		defer r.Close()
		w := l.peer(t, "connect", name).Ready()
		require.NoError(t, r.WaitWriter(context.Background()))
		_, err = zerobuffer.NewWriter(New(&l.opts), name, nil)
		require.ErrorIs(t, err, zerobuffer.ErrWriterConnected)
		done := make(chan error, 1)
		go func() { _, err := r.ReadFrame(context.Background()); done <- err }()
		w.Kill()
		require.ErrorIs(t, <-done, zerobuffer.ErrWriterDead)
	})
}

func TestCrossProcessPeerLock(t *testing.T) {
	each(t, func(t *testing.T, l *language, name string) {
		b := New(&l.opts)
		lock := l.peer(t, "lock", name).Ready()
		_, err := b.Create(name, drivertest.Config(1<<13))
		require.ErrorIs(t, err, driver.ErrReaderConnected)
		require.ErrorContains(t, err, ".lock")
		lock.Kill() // leaves the file behind, if it is Python's
		c := create(t, b, name)
		require.Len(t, lockFiles(name), 1)
		second := l.peer(t, "hold", name)
		require.Contains(t, second.Line(), "error: lock: 32") // ERROR_SHARING_VIOLATION
		require.NoError(t, c.Remove())
		require.Empty(t, lockFiles(name))
		first := l.peer(t, "hold", name).Ready()
		_, err = b.Create(name, drivertest.Config(1<<13))
		require.ErrorIs(t, err, driver.ErrReaderConnected)
		require.ErrorContains(t, err, fmt.Sprintf("process %d", first.PID()))
		first.Kill()
		if l.arg == "py" { // a killed Python reader leaves its lock file
			require.Len(t, lockFiles(name), 1)
		}
		create(t, b, name)
	})
}

// A writer of another language keeps the section open when its reader has gone.
func TestCrossProcessPeerKeepsTheName(t *testing.T) {
	name := newName()
	l := languages[0]
	reader := testproc.Start(t, "reader", name).Ready()
	w := l.peer(t, "connect", name).Ready()
	reader.Kill()
	_, err := New(nil).Create(name, drivertest.Config(1<<13))
	require.ErrorIs(t, err, fs.ErrExist)
	require.NotErrorIs(t, err, driver.ErrReaderConnected)
	require.ErrorContains(t, err, fmt.Sprintf("process %d", w.PID()))
	require.ErrorContains(t, err, fmt.Sprintf("reader (process %d) is gone", reader.PID()))
	_, err = zerobuffer.NewWriter(New(nil), name, nil)
	require.ErrorIs(t, err, driver.ErrNotReady)
	w.End()
	create(t, New(nil), name)
}

// A reader of another language has no event to tell that it has closed while its process lives
// on. A writer that rests lets go of the names all the same.
func TestCrossProcessPeerCloses(t *testing.T) {
	each(t, func(t *testing.T, l *language, name string) {
		reader := l.peer(t, "close", name).Ready()
		w, err := zerobuffer.NewWriter(New(&l.opts), name, nil)
		require.NoError(t, err)
		defer w.Close()
		reader.Step()
		require.Equal(t, "closed", reader.Line())
		create(t, New(&l.opts), name)
		require.ErrorIs(t, w.WriteFrame(context.Background(), []byte("late")),
			zerobuffer.ErrReaderClosed)
		reader.End()
	})
}

// Where the names differ, the error says where the buffer is.
func TestOpenWithOtherNames(t *testing.T) {
	needTwoNamespaces(t)
	for _, l := range languages {
		t.Run(l.arg, func(t *testing.T) {
			needRights(t, &l.opts)
			openWithOtherNames(t, &l)
		})
	}
}

func openWithOtherNames(t *testing.T, l *language) {
	t.Helper()
	name := newName()
	create(t, New(&l.opts), name)
	for _, other := range languages {
		if other.arg == l.arg {
			continue
		}
		_, err := New(&other.opts).Open(name, driver.Config{})
		require.ErrorContains(t, err, "there is one with Options Names: "+l.opts.Names.String()+
			"; both sides need the same names")
		if l.opts.Names != CPP && other.opts.Names != CPP {
			// The section is the same, the semaphores are not: the right ones may come yet.
			require.ErrorIs(t, err, driver.ErrNotReady)
			continue
		}
		require.ErrorIs(t, err, driver.ErrNotFound)
	}
}

// Who has waited for a buffer in vain is told the same.
func TestConnectWithOtherNames(t *testing.T) {
	needTwoNamespaces(t)
	name := newName()
	create(t, New(&Options{Names: Python}), name)
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	_, err := zerobuffer.OpenWriter(ctx, New(nil), name, nil)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorContains(t, err, "Options Names: Python")
}
