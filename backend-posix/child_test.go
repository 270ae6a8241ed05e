//go:build linux

package posixshm

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/drivertest"
	"github.com/zerobuffer-go/zerobuffer/core/drivertest/testproc"
	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

// start runs a command of children in another process and kills it at the end of the test.
func start(t *testing.T, b *Backend, attr *syscall.SysProcAttr, args ...string) *testproc.Child {
	t.Helper()
	c := testproc.Prepare(t, args[0], append(b.dirs(), args[1:]...)...)
	c.SysProcAttr = attr
	c.Begin()
	return c
}

// needRoot skips a test that starts processes of other users.
func needRoot(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root to start processes of other users")
	}
}

// dirs is how a child is told the directories of its backend.
func (b *Backend) dirs() []string { return []string{b.shmDir, b.lockDirs[0], b.lockDirs[1]} }

// commands are the children for [testproc.Main].
func commands() map[string]testproc.Command {
	all := map[string]testproc.Command{
		"ends":  func([]string) error { return nil },
		"plant": testproc.PlantCommand,
		"chaos": chaos,
		"swap":  swap,
		"side": drivertest.ChildCommand(func(args []string) driver.Backend {
			library, _ := strconv.Atoi(args[0])
			return New(&Options{CLibrary: CLibrary(library)})
		}),
	}
	for name, run := range children {
		all[name] = func(args []string) error {
			b := &Backend{shmDir: args[0], lockDirs: [2]string{args[1], args[2]}}
			return run(b, args[3:])
		}
	}
	return all
}

var children map[string]func(b *Backend, args []string) error

func init() {
	children = map[string]func(b *Backend, args []string) error{
		"sleep": func(*Backend, []string) error { testproc.Say("ready"); return nil },

		// reader NAME: a reader of ours, which closes after the second step.
		"reader": func(b *Backend, args []string) error {
			c, err := b.Create(args[0], drivertest.Config(1<<16))
			if err != nil {
				return err
			}
			testproc.Say("ready %d", os.Getpid())
			return errors.Join(c.Remove(), c.Close())
		},

		// writer NAME: a writer of ours, with its claim.
		"writer": func(b *Backend, args []string) error {
			c, err := b.Open(args[0], driver.Config{})
			if err == nil {
				err = c.Liveness().Claim(driver.Writer)
			}
			if err != nil {
				return err
			}
			testproc.Say("ready %d", os.Getpid())
			return errors.Join(c.Remove(), c.Close())
		},

		// foreign-writer NAME: has the segment mapped and claims nothing, like other languages.
		"foreign-writer": func(b *Backend, args []string) error {
			mem, err := mapFile(b.segmentPath(args[0]), os.O_RDWR)
			if err != nil {
				return err
			}
			o, err := layout.View(mem)
			if err != nil {
				return err
			}
			o.WriterPID.Store(uint64(os.Getpid()))
			testproc.Say("ready %d", os.Getpid())
			return nil
		},

		// foreign-reader NAME: makes a segment as other languages do, without lock and semaphores.
		"foreign-reader": func(b *Backend, args []string) error {
			path := b.segmentPath(args[0])
			if err := os.WriteFile(path, make([]byte, 1<<16), 0o666); err != nil {
				return err
			}
			mem, err := mapFile(path, os.O_RDWR)
			if err != nil {
				return err
			}
			testproc.Say("filled")
			g, _ := layout.NewGeometry(0, 1<<16-layout.OIEBSize)
			if _, err := layout.Format(mem, g, uint64(os.Getpid())); err != nil {
				return err
			}
			testproc.Say("ready %d", os.Getpid())
			return os.Remove(path)
		},

		// stream NAME: both sides, until the segment is cut off.
		"stream": func(b *Backend, args []string) error { return stream(b, args[0]) },

		// cycle NAME: prints how Create, Check and the end of a buffer go, in steps.
		"cycle": func(b *Backend, args []string) error {
			c, err := b.Create(args[0], drivertest.Config(1<<14))
			describe(err)
			if err != nil {
				return nil //nolint:nilerr // it was described
			}
			describe(c.Check())
			describe(errors.Join(c.Remove(), c.Close()))
			return nil
		},

		// lock-storm NAME ROUNDS: takes the second lock file again and again, if it can.
		"lock-storm": func(b *Backend, args []string) error {
			path := filepath.Join(b.lockDirs[1], args[0]+".lock")
			rounds, _ := strconv.Atoi(args[1])
			config := drivertest.Config(0)
			config.Mode = 0o666
			for range rounds {
				if _, err := makeLockDir(b.lockDirs[1]); err != nil {
					continue
				}
				if l, err := tryLock(path, &config); err == nil {
					_ = l.remove()
				}
			}
			testproc.Say("done")
			return nil
		},

		// create NAME SIZE: prints how Create ends.
		"create": func(b *Backend, args []string) error {
			size, _ := strconv.ParseUint(args[1], 10, 64)
			c, err := b.Create(args[0], driver.Config{Size: size})
			describe(err)
			if err == nil {
				err = errors.Join(c.Remove(), c.Close())
			}
			return err
		},

		// open NAME: prints how Open ends.
		"open": func(b *Backend, args []string) error {
			c, err := b.Open(args[0], driver.Config{})
			describe(err)
			if err == nil {
				err = errors.Join(c.Remove(), c.Close())
			}
			return err
		},

		// mount SIZE COMMAND...: runs a command with a new tmpfs on /dev/shm.
		"mount": func(b *Backend, args []string) error {
			if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
				return err
			}
			if err := unix.Mount("shm", "/dev/shm", "tmpfs", 0, "size="+args[0]); err != nil {
				return err
			}
			return children[args[1]](b, args[2:])
		},

		// limit SIZE COMMAND...: runs a command that may make no file larger than that.
		"limit": func(b *Backend, args []string) error {
			size, _ := strconv.ParseUint(args[0], 10, 64)
			err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: size, Max: size})
			if err != nil {
				return err
			}
			return children[args[1]](b, args[2:])
		},

		// alive NAME: says what it thinks of the writer whose PID is in the segment, three times.
		"alive": func(b *Backend, args []string) error {
			config := drivertest.Config(1 << 16)
			config.Mode = 0o666
			ch, err := b.Create(args[0], config)
			if err != nil {
				return err
			}
			o, err := layout.View(ch.Memory())
			if err != nil {
				return err
			}
			testproc.Say("made")
			for range 3 {
				pid := o.WriterPID.Load()
				alive := ch.Liveness().Alive(driver.Writer, pid)
				testproc.Say("%v: %v", unix.Kill(int(pid), 0), alive)
			}
			err = errors.Join(ch.Remove(), ch.Close())
			testproc.Say("done")
			return err
		},

		// alive-reader NAME PID: says what it thinks of the reader, twice.
		"alive-reader": func(b *Backend, args []string) error {
			ch, err := b.Open(args[0], driver.Config{})
			if err != nil {
				return err
			}
			pid, _ := strconv.ParseUint(args[1], 10, 64)
			for range 2 {
				alive := ch.Liveness().Alive(driver.Reader, pid)
				testproc.Say("%v: %v", unix.Kill(int(pid), 0), alive)
			}
			return errors.Join(ch.Remove(), ch.Close())
		},

		// storm NAME ROUNDS: makes and removes the buffer and looks at it in between.
		"storm": func(b *Backend, args []string) error {
			rounds, _ := strconv.Atoi(args[1])
			fmt.Println("started")
			for won := 0; won < rounds; {
				ch, err := b.Create(args[0], drivertest.Config(1<<14))
				if errors.Is(err, driver.ErrReaderConnected) {
					continue
				}
				if err != nil {
					return err
				}
				won++
				if err := ch.Check(); err != nil {
					return fmt.Errorf("round %d: %w", won, err)
				}
				for _, p := range paths(b, args[0]) {
					if !exists(p) {
						return fmt.Errorf("round %d: %s is gone", won, p)
					}
				}
				if err := errors.Join(ch.Remove(), ch.Close()); err != nil {
					return err
				}
			}
			testproc.Say("done")
			return nil
		},

		// zombie: leaves a process that has ended and is not waited for.
		"zombie": func(*Backend, []string) error {
			p, err := os.StartProcess("/proc/self/exe", []string{"x", "-test.run=^$"}, &os.ProcAttr{
				Env: []string{},
			})
			if err != nil {
				return err
			}
			// WNOWAIT leaves it a zombie.
			if err := unix.Waitid(unix.P_PID, p.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil); err != nil {
				return err
			}
			testproc.Say("%d", p.Pid)
			return nil
		},
	}
}

// swap PATH TARGET: exchanges a directory at path with a link to target, without end.
func swap(args []string) error {
	path, other := args[0], args[0]+"-other"
	if err := errors.Join(os.Mkdir(path, 0o777), os.Symlink(args[1], other)); err != nil {
		return err
	}
	fmt.Println("ready")
	for {
		err := unix.Renameat2(unix.AT_FDCWD, path, unix.AT_FDCWD, other, unix.RENAME_EXCHANGE)
		if err != nil {
			return err
		}
	}
}

// describe prints an error and what it matches, and waits.
func describe(err error) {
	kinds := ""
	for name, kind := range map[string]error{
		"space": driver.ErrNoSpace, "reader": driver.ErrReaderConnected,
		"permission": fs.ErrPermission, "notfound": driver.ErrNotFound,
	} {
		if errors.Is(err, kind) {
			kinds += name + " "
		}
	}
	testproc.Say("%s: %v", kinds, err)
}

func mapFile(path string, flags int) ([]byte, error) {
	f, err := os.OpenFile(path, flags, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return unix.Mmap(int(f.Fd()), 0, int(st.Size()), unix.PROT_READ|unix.PROT_WRITE,
		unix.MAP_SHARED)
}

// newBackend returns a backend on the real /dev/shm with lock files of its own.
func newBackend(t *testing.T) *Backend {
	t.Helper()
	dir, err := os.MkdirTemp("", "posixshm") //nolint:usetesting // others must get in
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o1777))
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return New(&Options{TempDir: dir})
}

// newName returns a name that no other test uses. What a killed child leaves is removed at the
// end.
func newName(t *testing.T, b *Backend) string {
	t.Helper()
	name := prefix + strings.NewReplacer("/", "-").Replace(t.Name())
	t.Cleanup(func() {
		for _, p := range []string{
			"", semReadPrefix, semWritePrefix, muslReadPrefix, muslWritePrefix,
		} {
			_ = os.Remove(filepath.Join(b.shmDir, p+name))
		}
	})
	return name
}

// create makes a buffer that is closed at the end of the test.
func create(t *testing.T, b *Backend, name string) *channel {
	t.Helper()
	ch, err := b.Create(name, drivertest.Config(1<<16))
	require.NoError(t, err)
	return closeLater(t, ch)
}

// attach opens a buffer until the end of the test.
func attach(t *testing.T, b *Backend, name string) *channel {
	t.Helper()
	ch, err := b.Open(name, driver.Config{})
	require.NoError(t, err)
	return closeLater(t, ch)
}

func closeLater(t *testing.T, ch driver.Channel) *channel {
	t.Cleanup(func() {
		require.NoError(t, ch.Remove())
		require.NoError(t, ch.Close())
	})
	return ch.(*channel)
}

// exists tells whether there is something at path.
func exists(path string) bool {
	_, _, err := lookup(path)
	return err == nil
}
