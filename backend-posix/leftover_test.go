//go:build linux

package posixshm

import (
	"encoding/binary"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/drivertest"
)

// A create that fails leaves the lock files that the dead reader has left: they show what it was.
func TestFailedCreateLeavesLockFilesCrossProcess(t *testing.T) {
	b := newBackend(t)
	name := newName(t, b)
	r := start(t, b, nil, "reader", name)
	r.Line()
	w := start(t, b, nil, "foreign-writer", name)
	w.Line()
	mem, err := mapFile(b.segmentPath(name), os.O_RDWR)
	require.NoError(t, err)
	binary.LittleEndian.PutUint64(mem[0x58:], w.PID()) // reader_pid: it has it mapped
	r.Kill()
	_, err = b.Create(name, drivertest.Config(1<<16))
	require.ErrorIs(t, err, driver.ErrReaderConnected)
	mem[0] = 77
	require.NoError(t, unix.Munmap(mem))
	w.Kill()
	create(t, b, name)
}

// Who looks at a leftover has it open for a moment, as a reader has in another PID namespace, and
// the numbers in it may be those of processes here.
func TestWriterWaitsBesideLeftoverInUseCrossProcess(t *testing.T) {
	b := newBackend(t)
	name := newName(t, b)
	r := start(t, b, &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWPID}, "reader", name)
	r.Line()
	r.Kill()
	f, err := os.OpenFile(b.segmentPath(name), os.O_RDWR, 0)
	require.NoError(t, err)
	_, err = f.WriteAt([]byte{1}, 0x50) // writer_pid of one in another PID namespace
	require.NoError(t, err)
	closed := make(chan error)
	time.AfterFunc(10*time.Millisecond, func() { closed <- f.Close() })
	_, err = zerobuffer.NewWriter(b, name, nil)
	require.NoError(t, <-closed)
	require.ErrorIs(t, err, zerobuffer.ErrNotReady)
}

// A writer that comes before the next reader waits for it, whatever is in the leftover.
func TestOpenWriterWaitsBesideCorruptSegmentCrossProcess(t *testing.T) {
	for _, at := range []int{0, 4, 0x27} { // oieb_size, version, payload_size
		t.Run(fmt.Sprintf("%#x", at), func(t *testing.T) {
			b := newBackend(t)
			name := newName(t, b)
			r := start(t, b, nil, "reader", name)
			r.Line()
			mem, err := mapFile(b.segmentPath(name), os.O_RDWR)
			require.NoError(t, err)
			mem[at] = 77
			require.NoError(t, unix.Munmap(mem))
			_, err = zerobuffer.NewWriter(b, name, nil)
			require.ErrorIs(t, err, zerobuffer.ErrIncompatible, "its reader lives")
			if at == 4 {
				require.NoError(t, os.Truncate(paths(b, name)[2], 5000))
				_, err = zerobuffer.NewWriter(b, name, nil)
				require.ErrorIs(t, err, fs.ErrInvalid, "its reader lives")
			}
			r.Kill()
			_, err = zerobuffer.NewWriter(b, name, nil)
			require.ErrorIs(t, err, zerobuffer.ErrNotReady)
			require.NotErrorIs(t, err, zerobuffer.ErrIncompatible)
			create(t, b, name)
			w, err := zerobuffer.OpenWriter(t.Context(), b, name, nil)
			require.NoError(t, err)
			require.NoError(t, w.Close())
		})
	}
}
