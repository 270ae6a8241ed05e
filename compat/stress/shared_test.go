//go:build linux

package stress

import (
	"io"
	"os"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"
	"github.com/zerobuffer-go/zerobuffer/core/drivertest/testproc"
	"github.com/zerobuffer-go/zerobuffer/core/linux/futex"
	"golang.org/x/sys/unix"
)

// area is memory that a test shares with its children, in words. What a child has stored there
// survives its SIGKILL.
type area struct {
	file  *os.File
	mem   []byte
	words []atomic.Uint64
}

// newArea makes the memory.
func newArea(t *testing.T, words int) *area {
	t.Helper()
	fd, err := unix.MemfdCreate("stress", unix.MFD_CLOEXEC)
	require.NoError(t, err)
	f := os.NewFile(uintptr(fd), "area")
	require.NoError(t, f.Truncate(int64(words)*8))
	a, err := mapArea(f)
	require.NoError(t, err)
	return a
}

// inherited is the memory in a child that was started with it.
func inherited() (*area, error) { return mapArea(os.NewFile(3, "area")) }

func mapArea(f *os.File) (*area, error) {
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	mem, err := unix.Mmap(int(f.Fd()), 0, int(st.Size()), unix.PROT_READ|unix.PROT_WRITE,
		unix.MAP_SHARED)
	if err != nil {
		return nil, err
	}
	first := (*atomic.Uint64)(unsafe.Pointer(unsafe.SliceData(mem)))
	return &area{f, mem, unsafe.Slice(first, len(mem)/8)}, nil
}

// close lets the memory go; words must not be used any more.
func (a *area) close() {
	a.words = nil
	_ = unix.Munmap(a.mem)
	a.file.Close()
}

// await blocks until done says that the value of a word is as wanted.
func await(word *atomic.Uint64, done func(value uint64) bool) uint64 {
	for {
		value := word.Load()
		if done(value) {
			return value
		}
		futex.Block(word, uint32(value), time.Second)
	}
}

// tell stores a value and wakes all who wait for it.
func tell(word *atomic.Uint64, value uint64) {
	word.Store(value)
	futex.Wake(word, futex.Everyone)
}

// count counts up a word and wakes all who wait for it.
func count(word *atomic.Uint64) {
	word.Add(1)
	futex.Wake(word, futex.Everyone)
}

// program is a child that shares memory with the test, and is stopped and killed by it.
type program struct {
	*testproc.Child
	in    io.WriteCloser
	ended chan struct{} // closed when it has ended
	err   error         // how, then
}

// launch starts a child. What it prints is shown: a child has nothing to say unless it has found a
// fault. The caller sees to its end.
func launch(t *testing.T, shared *area, command string, args ...string) *program {
	t.Helper()
	p := &program{Child: testproc.Prepare(t, command, args...), ended: make(chan struct{})}
	p.ExtraFiles = []*os.File{shared.file}
	p.Stdout = os.Stderr
	var err error
	p.in, err = p.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, p.Start())
	go func() {
		p.err = p.Wait()
		close(p.ended)
	}()
	return p
}

// signal sends a signal; it is no error if the child has ended.
func (p *program) signal(s unix.Signal) { _ = p.Process.Signal(s) }

// kill ends the child by SIGKILL and waits until it is gone.
func (p *program) kill() {
	p.signal(unix.SIGKILL)
	<-p.ended
	p.in.Close()
}

// finish tells the child to come to its end.
func (p *program) finish() { _, _ = io.WriteString(p.in, "\n") }

// join waits until the child has ended by itself, without a fault.
func (p *program) join(t *testing.T) {
	t.Helper()
	select {
	case <-p.ended:
	case <-time.After(watchdog):
		_ = p.Process.Signal(unix.SIGQUIT) // prints where it hangs
		<-p.ended
	}
	p.in.Close()
	require.NoError(t, p.err)
}

// orders is the child's side of [program]: it returns a word that becomes true with finish, and
// ends this process when the test has ended, however that came.
func orders() *atomic.Bool {
	finish := new(atomic.Bool)
	go func() {
		one := make([]byte, 1)
		for {
			if _, err := os.Stdin.Read(one); err != nil {
				os.Exit(3)
			}
			finish.Store(true)
		}
	}()
	return finish
}
