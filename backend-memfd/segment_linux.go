package memfdshm

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/zerobuffer-go/zerobuffer/core/crashpoint"
	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/layout"
	"github.com/zerobuffer-go/zerobuffer/core/linux/futex"
	"github.com/zerobuffer-go/zerobuffer/core/linux/memory"
)

const (
	// cacheLine keeps the words of the two semaphores apart.
	cacheLine = 64
	// wordsSize is what the semaphores take behind the segment: a cache line each.
	wordsSize = 2 * cacheLine
	// seals are those that every memfd of ours carries: no access to it can ever fault.
	seals = unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_SEAL
)

// segment is a mapped memfd: the segment of the wire contract and, behind it, the two semaphores.
type segment struct {
	all         []byte // the whole file
	mem         []byte // the segment
	words       uint64 // offset of the semaphores
	huge        bool   // it is a file of huge pages
	data, space semaphore
}

func (s *segment) Memory() []byte               { return s.mem }
func (s *segment) Maps(addr uintptr) bool       { return driver.Within(s.all, addr) }
func (s *segment) DataReady() driver.Semaphore  { return &s.data }
func (s *segment) SpaceReady() driver.Semaphore { return &s.space }

// Tune is done for the whole file, semaphores included.
func (s *segment) Tune(o driver.MemoryOptions) driver.MemoryStatus {
	if s.huge {
		return memory.TuneHuge(s.all, o)
	}
	return memory.Tune(s.all, o)
}

func (s *segment) unmap() error { return memory.Unmap(s.all) }

// semaphore is a [driver.Semaphore] in the memfd.
type semaphore struct {
	futex.Word
	blocked atomic.Bool // a Wait of this process blocks
}

var _ driver.Semaphore = (*semaphore)(nil)

// Wait blocks at most once, so it may return 0 early. Callers loop.
func (s *semaphore) Wait(limit uint32, timeout time.Duration) uint32 {
	if n := s.Take(limit); n > 0 || limit == 0 || timeout == 0 {
		return n
	}
	s.blocked.Store(true)
	n := s.Word.Wait(limit, timeout)
	s.blocked.Store(false)
	return n
}

// Wake wakes everybody who blocks on the word if a Wait of this process is among them. Waiters of
// other processes look at the value and block again.
func (s *semaphore) Wake() {
	if s.blocked.Load() {
		s.Word.Wake()
	}
}

// makeSegment makes a sealed memfd for a segment of size bytes, with all its pages.
func makeSegment(name string, size uint64, huge bool) (fd int, s *segment, err error) {
	if size < layout.OIEBSize || size > math.MaxInt64/2 {
		return -1, nil, fmt.Errorf("make a segment of %d bytes: %w", size, fs.ErrInvalid)
	}
	words := layout.Align(size, cacheLine)
	fd, err = newMemfd(name, huge)
	if err != nil {
		return -1, nil, err
	}
	crashpoint.At("make-memfd")
	if huge {
		err = reserveHuge(fd, words+wordsSize)
	} else {
		err = reserve(fd, words+wordsSize)
	}
	if err == nil {
		_, err = unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, seals)
		crashpoint.At("seal")
	}
	if err == nil {
		s, err = mapSegment(fd, size, words)
	}
	if err != nil {
		_ = unix.Close(fd)
		return -1, nil, fmt.Errorf("make a memfd of %d bytes: %w", words+wordsSize, err)
	}
	return fd, s, nil
}

// newMemfd makes an empty memfd that can be sealed and never executed.
func newMemfd(name string, huge bool) (int, error) {
	name = "zerobuffer-" + name
	name = name[:min(len(name), 240)] // the kernel takes 249 bytes; only people read it
	flags := unix.MFD_CLOEXEC | unix.MFD_ALLOW_SEALING | unix.MFD_NOEXEC_SEAL
	if huge {
		flags |= unix.MFD_HUGETLB
	}
	fd, err := unix.MemfdCreate(name, flags)
	if err == unix.EINVAL { // kernels before 6.3 do not know MFD_NOEXEC_SEAL
		fd, err = unix.MemfdCreate(name, flags&^unix.MFD_NOEXEC_SEAL)
	}
	if err != nil && huge {
		return -1, fmt.Errorf("make a memfd of huge pages, which this system may not have: %w", err)
	}
	return fd, os.NewSyscallError("memfd_create", err)
}

// reserve gives the file its pages.
func reserve(fd int, size uint64) error {
	err := memory.Reserve(fd, size)
	if err == unix.ENOMEM || err == unix.ENOSPC || err == unix.EFBIG {
		return &driver.NoSpaceError{
			Need: size, Where: "this machine's memory",
			Hint: "end other programs or choose a smaller PayloadSize",
		}
	}
	return err
}

// reserveHuge gives the file huge pages.
func reserveHuge(fd int, size uint64) error {
	page := memory.HugePageSize()
	size = layout.Align(size, page)
	err := memory.Allocate(fd, size)
	if err != unix.ENOMEM && err != unix.ENOSPC {
		return err
	}
	return &driver.NoSpaceError{
		Need: size, Free: memory.HugePagesFree(),
		Where: "the reserve of huge pages of " + strconv.FormatUint(page>>10, 10) + " KiB",
		Hint: fmt.Sprintf("reserve %d of them (sysctl vm.nr_hugepages), choose a smaller "+
			"PayloadSize, or leave HugePages off", size/page),
	}
}

// openSegment checks and maps a memfd that a reader has sent. Nothing in it is believed: the size
// and the seals are asked of the kernel.
func openSegment(fd int, size, words uint64, huge bool) (*segment, error) {
	got, err := unix.FcntlInt(uintptr(fd), unix.F_GET_SEALS, 0)
	const need = unix.F_SEAL_SHRINK | unix.F_SEAL_GROW
	if err != nil || got&need != need {
		return nil, fmt.Errorf("check the memory of the reader: %w: it is not sealed against "+
			"shrinking (seals %#x, %w)", layout.ErrIncompatible, got, noError(err))
	}
	var st unix.Stat_t
	var fsys unix.Statfs_t
	if err := errors.Join(unix.Fstat(fd, &st), unix.Fstatfs(fd, &fsys)); err != nil {
		return nil, fmt.Errorf("check the memory of the reader: %w", err)
	}
	switch {
	case fsys.Type == unix.HUGETLBFS_MAGIC && !huge:
		// A hole in it gives a huge page back, and the next access may find none.
		return nil, fmt.Errorf("check the memory of the reader: %w: it consists of huge pages, "+
			"which this side has to ask for as well (Options.HugePages)", layout.ErrIncompatible)
	case st.Blocks*512 < st.Size:
		return nil, fmt.Errorf("check the memory of the reader: %w: only %d of its %d bytes are "+
			"there, the others would be charged to this side", layout.ErrIncompatible,
			st.Blocks*512, st.Size)
	}
	return mapSegment(fd, size, words)
}

// noError stands in for a nil error in a text.
func noError(err error) error {
	if err == nil {
		return errors.New("no error")
	}
	return err
}

// mapSegment maps the whole file and finds segment and semaphores in it.
func mapSegment(fd int, size, words uint64) (*segment, error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, os.NewSyscallError("fstat", err)
	}
	file := uint64(max(st.Size, 0))
	if size < layout.OIEBSize || words < size || words%cacheLine != 0 ||
		file < wordsSize || words > file-wordsSize {
		return nil, fmt.Errorf("map the memory of the reader: %w: segment of %d bytes and "+
			"semaphores at %d in a file of %d", layout.ErrIncompatible, size, words, file)
	}
	all, err := memory.Map(fd, file)
	if err != nil {
		return nil, fmt.Errorf("map a memfd of %d bytes: %w", file, err)
	}
	var fsys unix.Statfs_t
	huge := unix.Fstatfs(fd, &fsys) == nil && fsys.Type == unix.HUGETLBFS_MAGIC
	s := &segment{all: all, mem: all[:size:size], words: words, huge: huge}
	s.data.Word = futex.NewWord(all[words:])
	s.space.Word = futex.NewWord(all[words+cacheLine:])
	return s, nil
}
