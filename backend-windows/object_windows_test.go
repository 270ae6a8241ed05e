package winshm

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/windows"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/drivertest"
	"github.com/zerobuffer-go/zerobuffer/core/drivertest/testproc"
	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

// descriptors returns the access lists of all objects of a buffer, as the system has them.
func descriptors(t *testing.T, c *channel) []string {
	t.Helper()
	var all []string
	for _, h := range []windows.Handle{
		c.section, c.sems[0].handle, c.sems[1].handle, c.counts.section, c.live.held[driver.Reader],
	} {
		sd, err := windows.GetSecurityInfo(h, windows.SE_KERNEL_OBJECT,
			windows.DACL_SECURITY_INFORMATION)
		require.NoError(t, err)
		dacl, _, err := sd.DACL()
		require.NoError(t, err)
		require.NotNil(t, dacl, "everybody may do everything")
		all = append(all, sd.String())
	}
	return all
}

func TestObjectsAreForTheCurrentUser(t *testing.T) {
	sid, err := userSID()
	require.NoError(t, err)
	for _, got := range descriptors(t, create(t, New(nil), newName())) {
		require.Equal(t, 1, strings.Count(got, "(A;"), got)
		require.NotContains(t, got, ";WD)")
		require.Contains(t, got, sid)
	}
}

func TestObjectsWithOtherDescriptor(t *testing.T) {
	b := New(&Options{SDDL: "D:P(A;;GA;;;WD)"})
	name := newName()
	for _, got := range descriptors(t, create(t, b, name)) {
		require.Contains(t, got, ";WD)")
	}
	open(t, b, name)
	_, err := New(&Options{SDDL: "nonsense"}).Create(newName(), drivertest.Config(1<<13))
	require.ErrorContains(t, err, `"nonsense"`)
}

// A descriptor that gives nobody any right refuses the second program.
func TestOpenWithoutTheRight(t *testing.T) {
	name := newName()
	create(t, New(&Options{SDDL: "D:P(D;;GA;;;WD)"}), name)
	_, err := New(nil).Open(name, driver.Config{})
	require.ErrorIs(t, err, fs.ErrPermission)
	require.ErrorContains(t, err, "SDDL")
	dir := t.TempDir()
	defer removeUpTo(filepath.Join(dir, "zerobuffer", "locks"), dir)
	_, err = New(&Options{TempDir: dir}).Create(name, drivertest.Config(1<<13))
	require.ErrorIs(t, err, fs.ErrPermission)
}

func TestCreateWithoutSpace(t *testing.T) {
	for _, size := range []uint64{1 << 50, 1 << 62, math.MaxUint64} {
		config := drivertest.Config(1 << 13)
		config.Size = size
		_, err := New(nil).Create(newName(), config)
		require.ErrorIs(t, err, driver.ErrNoSpace)
		var e *driver.NoSpaceError
		require.ErrorAs(t, err, &e)
		require.Equal(t, size, e.Need)
		require.NotZero(t, e.Free)
		require.Contains(t, e.Where, "commit limit")
	}
	require.ErrorIs(t, checkSpace(1, layout.OIEBSize), fs.ErrInvalid)
	for _, code := range noMemory {
		require.ErrorIs(t, spaceError(code, 5), driver.ErrNoSpace)
		require.ErrorIs(t, spaceError(code, 5), code)
	}
	require.NotErrorIs(t, spaceError(windows.ERROR_ACCESS_DENIED, 5), driver.ErrNoSpace)
}

func TestMemoryStatusLacks(t *testing.T) {
	require.True(t, (&memoryStatus{commitFree: 4095}).lacks(4096))
	require.False(t, (&memoryStatus{commitFree: 4096}).lacks(4096))
	require.False(t, (&memoryStatus{}).lacks(4096), "no figure")
}

// TestCreateTwoAtOnceCrossProcess makes the first buffers of a process at the same time. The system
// (Wine does) may have no figures for the second one yet, which is no lack of memory.
func TestCreateTwoAtOnceCrossProcess(t *testing.T) {
	for range 20 {
		testproc.Start(t, "asks").End()
	}
}

func TestCreateGlobal(t *testing.T) {
	err := makeError("section", `Global\x`, windows.ERROR_ACCESS_DENIED)
	require.ErrorIs(t, err, fs.ErrPermission)
	require.ErrorContains(t, err, "SeCreateGlobalPrivilege")
	require.NotContains(t, makeError("section", "x", windows.ERROR_ACCESS_DENIED).Error(), "Global")

	name := newName()
	b := New(&Options{Global: true})
	ch, err := b.Create(name, drivertest.Config(1<<13))
	if errors.Is(err, fs.ErrPermission) {
		require.ErrorContains(t, err, "SeCreateGlobalPrivilege")
		needRights(t, &b.opts)
	}
	require.NoError(t, err)
	atEnd(t, ch)
	open(t, b, name)
	needTwoNamespaces(t)
	_, err = New(nil).Open(name, driver.Config{})
	require.ErrorIs(t, err, driver.ErrNotFound)
	require.ErrorContains(t, err, "Global: true")
}

// A foreign segment is visible from its first moment on.
func TestHalfMadeSegment(t *testing.T) {
	name := newName()
	h, err := makeSection(name, 8192, nil)
	require.NoError(t, err)
	defer func() { _ = windows.CloseHandle(h) }()
	mem, err := mapView(h, readWrite, 0)
	require.NoError(t, err)
	defer func() { require.NoError(t, unmapView(mem)) }()
	require.Len(t, mem, 8192)
	o, err := layout.View(mem)
	require.NoError(t, err)
	notReady := func() {
		t.Helper()
		_, err := New(nil).Open(name, driver.Config{})
		require.ErrorIs(t, err, driver.ErrNotReady)
	}
	notReady()
	o.Size.Store(layout.OIEBSize)
	notReady() // reader_pid
	self := uint64(os.Getpid())
	o.ReaderPID.Store(self)
	notReady() // semaphores
	for _, sem := range []string{"sem-w-", "sem-r-"} {
		s, err := makeSemaphore(sem+name, nil)
		require.NoError(t, err)
		t.Cleanup(s.close)
	}
	o.ReaderPID.Store(0)
	notReady() // reader_pid, with all objects there
	o.ReaderPID.Store(self)
	open(t, New(nil), name)
	_, err = New(nil).Create(name, drivertest.Config(1<<13))
	require.ErrorIs(t, err, driver.ErrReaderConnected)
	o.Size.Store(0xffffffff)
	_, err = New(nil).Open(name, driver.Config{})
	require.ErrorIs(t, err, layout.ErrIncompatible)
	_, err = New(nil).Create(name, drivertest.Config(1<<13))
	require.ErrorIs(t, err, fs.ErrExist)
	require.NotErrorIs(t, err, driver.ErrReaderConnected)
	require.ErrorContains(t, err, "another program")
}

// A reader of another language may close without a trace in the segment and make the name again:
// the PID is the same then.
func TestCheckSegmentOfTheSameProcess(t *testing.T) {
	name := newName()
	first := create(t, New(nil), name)
	first.Liveness().Disclaim(driver.Reader)
	w := open(t, New(nil), name)
	w.oieb.WriterPID.Store(uint64(os.Getpid()))
	require.NoError(t, w.Check())
	require.NoError(t, windows.CloseHandle(first.section))
	first.section = 0
	h, err := makeSection(name, drivertest.Config(1<<13).Size, nil)
	require.NoError(t, err)
	defer func() { _ = windows.CloseHandle(h) }()
	mem, err := mapView(h, readWrite, 0)
	require.NoError(t, err)
	defer func() { require.NoError(t, unmapView(mem)) }()
	require.NoError(t, drivertest.Config(1<<13).Format(mem, uint64(os.Getpid())))
	require.ErrorIs(t, w.Check(), driver.ErrSegmentRemoved)
}

// A reader that is still busy, and one that died over it, get their time; then the name is free.
func TestCreateWaitsForHalfMadeSegment(t *testing.T) {
	name := newName()
	h, err := makeSection(name, 8192, nil)
	require.NoError(t, err)
	begin := time.Now()
	_, err = New(nil).Create(name, drivertest.Config(1<<13))
	require.ErrorIs(t, err, driver.ErrReaderConnected)
	require.ErrorContains(t, err, "being made")
	require.GreaterOrEqual(t, time.Since(begin), halfMadeGrace)
	time.AfterFunc(50*time.Millisecond, func() { _ = windows.CloseHandle(h) })
	create(t, New(nil), name)
}

func TestNameOfAnotherKindOfObject(t *testing.T) {
	name := newName()
	event, err := windows.CreateEvent(nil, 0, 0, utf16Name(name))
	require.NoError(t, err)
	defer func() { _ = windows.CloseHandle(event) }()
	_, err = New(nil).Create(name, drivertest.Config(1<<13))
	require.ErrorIs(t, err, fs.ErrExist)
	require.ErrorContains(t, err, "another kind of object")
	_, err = New(nil).Open(name, driver.Config{})
	require.ErrorContains(t, err, "another kind of object")
}

func TestCreateFailsWithLeftSemaphore(t *testing.T) {
	name := newName()
	s, err := makeSemaphore("sem-r-"+name, nil)
	require.NoError(t, err)
	_, err = New(nil).Create(name, drivertest.Config(1<<13))
	require.ErrorIs(t, err, fs.ErrExist)
	require.ErrorContains(t, err, "sem-r-"+name)
	s.close()
	create(t, New(nil), name)
}

func TestLockFile(t *testing.T) {
	dir := t.TempDir()
	long := filepath.Join(dir, strings.Repeat("d", 120), strings.Repeat("e", 120))
	b := New(&Options{TempDir: long})
	name := newName() + strings.Repeat("n", 180)
	n, err := namesOf(name, &b.opts)
	require.NoError(t, err)
	path, err := b.lockPath(&n)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(path, `\\?\`), path)
	c := create(t, b, name)
	require.NotZero(t, c.lock)
	_, err = os.Stat(path)
	require.NoError(t, err)
	_, err = os.OpenFile(path, os.O_RDWR, 0)
	require.Error(t, err, "the lock file is open and can be shared")
	require.NoError(t, c.Remove())
	_, err = os.Stat(path)
	require.ErrorIs(t, err, fs.ErrNotExist)
	removeUpTo(filepath.Dir(path), dir)

	b.opts.TempDir = `\\server\share`
	path, err = b.lockPath(&n)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(path, `\\?\UNC\server\share\`), path)
}

// removeUpTo removes empty directories by name; os.RemoveAll does not work under Wine 8.
func removeUpTo(path, top string) {
	top = strings.TrimPrefix(top, `\\?\`)
	for ; len(strings.TrimPrefix(path, `\\?\`)) >= len(top); path = filepath.Dir(path) {
		_ = os.Remove(path)
	}
}

// Without a place for lock files a buffer can be made all the same; the log says so, as it does
// about permissions that mean nothing here.
func TestWhatIsLogged(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	defer removeUpTo(file, dir)
	var text strings.Builder
	config := drivertest.Config(1 << 13)
	config.Logger = slog.New(slog.NewTextHandler(&text, nil))
	config.Mode = 0o600
	ch, err := New(nil).Create(newName(), config)
	require.NoError(t, err)
	atEnd(t, ch)
	require.Empty(t, text.String())
	config.Mode = 0o660
	ch, err = New(&Options{TempDir: file}).Create(newName(), config)
	require.NoError(t, err)
	require.Zero(t, atEnd(t, ch).lock)
	require.Contains(t, text.String(), "cannot hold a lock file")
	require.Contains(t, text.String(), "Mode and Group have no effect on Windows")
}

func TestMilliseconds(t *testing.T) {
	for d, want := range map[time.Duration]uint32{
		-1: windows.INFINITE, 0: 0, 1: 1, time.Millisecond: 1, time.Millisecond + 1: 2,
		1500 * time.Microsecond: 2, math.MaxInt64: windows.INFINITE - 1, math.MinInt64: windows.INFINITE,
	} {
		require.Equal(t, want, milliseconds(d), fmt.Sprint(d))
	}
}

// A semaphore that was let go ends a Wait in progress and has no tokens from then on.
func TestSemaphoreLetGo(t *testing.T) {
	name := newName()
	create(t, New(nil), name)
	s := open(t, New(nil), name).sems[0]
	done := make(chan uint32)
	go func() { done <- s.Wait(1, -1) }()
	eventually(t, "a wait", func() bool { return s.blocked.Load() == 1 })
	s.letGo()
	require.Zero(t, <-done)
	require.NoError(t, s.Post(1), "a writer must learn that its reader is dead, not this")
	require.Zero(t, s.Take(1))
	tokens, waiters := s.State()
	require.Zero(t, tokens)
	require.Zero(t, waiters)
	require.False(t, s.ResetWaiters(0, 0))
	begin := time.Now()
	require.Zero(t, s.Wait(1, 20*time.Millisecond))
	require.GreaterOrEqual(t, time.Since(begin), 10*time.Millisecond, "a caller would spin")
}

func TestSemaphorePost(t *testing.T) {
	name := newName()
	s := create(t, New(nil), name).sems[0]
	require.NoError(t, s.Post(0))
	require.ErrorIs(t, s.Post(math.MaxUint32), driver.ErrOverflow)
	require.NoError(t, s.Post(maxTake+5))
	require.Equal(t, uint32(maxTake), s.Take(math.MaxUint32))
	require.Equal(t, uint32(5), s.Take(math.MaxUint32))
}

// Of many who create a name at once, one gets it, and the others are told that it is in use.
func TestCreateConcurrentSafe(t *testing.T) {
	for range 20 {
		const creators = 8
		name := newName()
		made := make(chan driver.Channel, creators)
		var group sync.WaitGroup
		for range creators {
			group.Go(func() {
				ch, err := New(nil).Create(name, drivertest.Config(1<<13))
				if err == nil {
					made <- ch
				} else if !errors.Is(err, fs.ErrExist) {
					t.Error(err)
				}
			})
		}
		group.Wait()
		require.Len(t, made, 1)
		ch := <-made
		require.NoError(t, errors.Join(ch.Check(), ch.Remove(), ch.Close()))
	}
}

// Names may be let go while other goroutines use the semaphore.
func TestSemaphoreLetGoConcurrentSafe(t *testing.T) {
	for range 20 {
		name := newName()
		c := create(t, New(nil), name)
		s := open(t, New(nil), name).sems[0]
		var group sync.WaitGroup
		for _, use := range []func(){
			func() { _ = s.Post(1) }, func() { s.Take(1) }, func() { s.State() }, s.Wake,
			func() { s.Wait(1, time.Millisecond) },
		} {
			group.Go(func() {
				for range 30 {
					use()
				}
			})
		}
		s.letGo()
		group.Wait()
		require.NoError(t, c.Check())
	}
}

// handles is how many handles this process has open. Wine 8 does not count them; there new ones
// fill the gaps first, so the number of the last of many tells.
func handles(t *testing.T) uint32 {
	t.Helper()
	var n uint32
	ok, _, err := windows.NewLazySystemDLL("kernel32.dll").NewProc("GetProcessHandleCount").Call(
		uintptr(windows.CurrentProcess()), uintptr(unsafe.Pointer(&n)))
	require.NotZero(t, ok, err)
	if n != 0 {
		return n
	}
	var highest windows.Handle
	var all []windows.Handle
	for range 300 {
		h, err := windows.CreateEvent(nil, 0, 0, nil)
		require.NoError(t, err)
		all, highest = append(all, h), max(highest, h)
	}
	for _, h := range all {
		require.NoError(t, windows.CloseHandle(h))
	}
	return uint32(highest/4) - uint32(len(all))
}

// Each round makes and ends everything that has a handle; threads of the runtime come and go.
func TestHandlesAreClosed(t *testing.T) {
	const rounds, slack = 60, 40
	name := newName()
	round := func() {
		r := createFree(t, New(nil), name)
		w, err := New(nil).Open(name, driver.Config{})
		require.NoError(t, err)
		require.NoError(t, w.Liveness().Claim(driver.Writer))
		require.True(t, r.Liveness().Alive(driver.Writer, uint64(os.Getpid())))
		w.Liveness().Disclaim(driver.Writer)
		require.True(t, w.Liveness().Alive(driver.Writer, uint64(os.Getpid())))
		require.NoError(t, w.Check())
		_, err = New(nil).Open(name+"x", driver.Config{})
		require.ErrorIs(t, err, driver.ErrNotFound)
		_, err = New(nil).Create(name, drivertest.Config(1<<13))
		require.ErrorIs(t, err, driver.ErrReaderConnected)
		require.NoError(t, errors.Join(r.Remove(), r.Close(), w.Remove(), w.Close()))
	}
	round()
	before := handles(t)
	for range rounds {
		round()
	}
	after := handles(t)
	t.Logf("%d handles before, %d after", before, after)
	require.Less(t, after, before+slack, "handles are left after %d rounds", rounds)
}
