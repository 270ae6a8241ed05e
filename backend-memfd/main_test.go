//go:build linux

package memfdshm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/drivertest"
	"github.com/zerobuffer-go/zerobuffer/core/drivertest/testproc"
	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

func TestMain(m *testing.M) { os.Exit(testproc.Main(m, children, nil)) }

var background = context.Background()

// backendAt returns the backend of a place as children name it: a directory, "@" for abstract
// names, "fd" for the inherited descriptor 3, "default".
func backendAt(place string) *Backend {
	switch place {
	case "@":
		return New(&Options{Abstract: true})
	case "fd":
		return Join(os.NewFile(3, "inherited"))
	case "default":
		return New(nil)
	}
	return New(&Options{Dir: place})
}

// children are the commands of the other process.
var children map[string]testproc.Command

func init() {
	children = map[string]testproc.Command{
		"ends":  func([]string) error { return nil },
		"plant": testproc.PlantCommand,
		"chaos": chaos,
		"cycle": cycle,

		"side": drivertest.ChildCommand(func(args []string) driver.Backend {
			return backendAt(args[0])
		}),

		// reader PLACE NAME N: reads N frames, says so, and waits in the next read.
		"reader": func(args []string) error {
			r, err := zerobuffer.NewReader(backendAt(args[0]), args[1],
				&zerobuffer.ReaderOptions{PayloadSize: 1 << 16})
			if err != nil {
				return err
			}
			defer r.Close()
			testproc.Say("ready %d", os.Getpid())
			n, _ := strconv.Atoi(args[2])
			for i := range n {
				if err := readFrame(r, uint64(i+1)); err != nil {
					return err
				}
			}
			testproc.Say("read %d", n)
			_, err = r.ReadFrame(background)
			testproc.Say("%v", err)
			return nil
		},

		// writer PLACE NAME N: writes N frames, says so, and goes on until the ring is full.
		"writer": func(args []string) error {
			w, err := zerobuffer.OpenWriter(background, backendAt(args[0]), args[1], nil)
			if err != nil {
				return err
			}
			defer w.Close()
			n, _ := strconv.Atoi(args[2])
			for i := range n {
				if err := w.WriteFrame(background, payload(uint64(i+1))); err != nil {
					return err
				}
			}
			testproc.Say("wrote %d", n)
			for err == nil {
				err = w.WriteFrame(background, payload(w.FramesWritten()+1))
			}
			testproc.Say("%v", err)
			return nil
		},

		// open PLACE NAME: says how Open ends.
		"open": func(args []string) error {
			ch, err := backendAt(args[0]).Open(args[1], driver.Config{})
			testproc.Say("%s", outcome(err))
			if err == nil {
				err = errors.Join(ch.Remove(), ch.Close())
			}
			return err
		},

		// container COMMAND...: what a container does before its program: mounts of its own, an
		// empty /dev/shm and its own /proc.
		"container": func(args []string) error {
			for _, m := range []struct {
				source, target, kind string
				flags                uintptr
			}{
				{"", "/", "", unix.MS_REC | unix.MS_PRIVATE},
				{"shm", "/dev/shm", "tmpfs", 0},
				{"proc", "/proc", "proc", 0},
			} {
				if err := unix.Mount(m.source, m.target, m.kind, m.flags, ""); err != nil {
					return fmt.Errorf("mount %s: %w", m.target, err)
				}
			}
			return children[args[0]](args[1:])
		},

		// storm PLACE NAME ROUNDS: makes and removes the buffer, and opens it in between.
		"storm": func(args []string) error {
			b := backendAt(args[0])
			rounds, _ := strconv.Atoi(args[2])
			testproc.Say("started")
			for won := 0; won < rounds; {
				ch, err := b.Create(args[1], drivertest.Config(1<<14))
				if errors.Is(err, driver.ErrReaderConnected) {
					continue
				}
				if err != nil {
					return err
				}
				won++
				other, err := b.Open(args[1], driver.Config{})
				for tries := 0; errors.Is(err, driver.ErrNotReady) && tries < 3; tries++ {
					other, err = b.Open(args[1], driver.Config{}) // this process was too busy to answer
				}
				if err != nil {
					return fmt.Errorf("round %d: %w", won, err)
				}
				other.Memory()[200] = 77
				if ch.Memory()[200] != 77 {
					return fmt.Errorf("round %d: opened the buffer of somebody else", won)
				}
				err = errors.Join(ch.Check(), other.Remove(), other.Close(), ch.Remove(), ch.Close())
				if err != nil {
					return fmt.Errorf("round %d: %w", won, err)
				}
			}
			testproc.Say("done")
			return nil
		},
	}
}

// outcome is what an error matches, in one word, and its text.
func outcome(err error) string {
	for name, kind := range map[string]error{
		"permission": driver.ErrPermission, "notready": driver.ErrNotReady,
		"incompatible": layout.ErrIncompatible,
	} {
		if errors.Is(err, kind) {
			return name + ": " + err.Error()
		}
	}
	if errors.Is(err, driver.ErrNotFound) {
		return "notfound: " + err.Error()
	}
	return fmt.Sprint(err)
}

// payload is the content of frame seq.
func payload(seq uint64) []byte {
	b := make([]byte, 1000)
	for i := range b {
		b[i] = byte(seq*7 + uint64(i))
	}
	return b
}

func readFrame(r *zerobuffer.Reader, seq uint64) error {
	f, err := r.ReadFrame(background)
	if err != nil {
		return err
	}
	defer f.Release()
	if f.Sequence() != seq || !bytes.Equal(f.Bytes(), payload(seq)) {
		return fmt.Errorf("frame %d has number %d or wrong bytes", seq, f.Sequence())
	}
	return nil
}

// newDir returns a directory for sockets that is short enough for their addresses.
func newDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "memfdshm-") //nolint:usetesting // the path has to be short
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// newName is a name that no other run on this machine uses.
func newName(t *testing.T) string {
	t.Helper()
	return fmt.Sprintf("memfdshm-%d-%s", os.Getpid(), strings.ReplaceAll(t.Name(), "/", "-"))
}

// create makes a buffer that is closed at the end of the test.
func create(t *testing.T, b *Backend, name string) *owner {
	t.Helper()
	ch, err := b.Create(name, drivertest.Config(1<<16))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, errors.Join(ch.Remove(), ch.Close())) })
	return ch.(*owner)
}

// attach opens a buffer until the end of the test.
func attach(t *testing.T, b *Backend, name string) *guest {
	t.Helper()
	ch, err := b.Open(name, driver.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, errors.Join(ch.Remove(), ch.Close())) })
	return ch.(*guest)
}

// newReader makes a buffer for a whole Reader.
func newReader(t *testing.T, b *Backend, name string) *zerobuffer.Reader {
	t.Helper()
	r, err := zerobuffer.NewReader(b, name, &zerobuffer.ReaderOptions{PayloadSize: 1 << 16})
	require.NoError(t, err)
	t.Cleanup(func() { r.Close() })
	return r
}

// eventually waits until cond is true; the watchdog of go test ends a hang.
func eventually(cond func() bool) {
	for !cond() {
		time.Sleep(time.Millisecond)
	}
}

// needRoot skips a test that starts processes of other users, or containers.
func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root to start processes of other users and in namespaces")
	}
}

// inContainer makes a prepared child run in PID, IPC and mount namespaces of its own.
func inContainer(c *testproc.Child) {
	c.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWPID | unix.CLONE_NEWIPC | unix.CLONE_NEWNS,
	}
}
