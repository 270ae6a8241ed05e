//go:build linux

package memory

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/drivertest/testproc"
)

var everything = driver.MemoryOptions{Prefault: true, HugePages: true, Lock: true}

// shared returns a file in shared memory with size bytes, none of them zero, and a mapping of it.
func shared(t testing.TB, size uint64) (*os.File, []byte) {
	t.Helper()
	f, err := os.CreateTemp("/dev/shm", "zbtest-memory-")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, f.Close()) })
	require.NoError(t, os.Remove(f.Name()))
	require.NoError(t, Reserve(int(f.Fd()), size))
	_, err = f.WriteAt(content(size), 0)
	require.NoError(t, err)
	return f, mapped(t, f, size)
}

func mapped(t testing.TB, f *os.File, size uint64) []byte {
	t.Helper()
	mem, err := Map(int(f.Fd()), size)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, Unmap(mem)) })
	return mem
}

func content(size uint64) []byte { return bytes.Repeat([]byte{1, 2, 3, 4}, int(size)/4) }

func addressOf(mem []byte) uintptr { return uintptr(unsafe.Pointer(&mem[0])) }

func look(t testing.TB, mem []byte) testproc.Mapping {
	t.Helper()
	return testproc.MappingAt(t, addressOf(mem))
}

func hasContent(t testing.TB, mem []byte) {
	t.Helper()
	if !bytes.Equal(mem, content(uint64(len(mem)))) {
		t.Fatal("the content has changed")
	}
}

func TestMapStartsWhereHugePagesDo(t *testing.T) {
	huge := transparentSize()
	if huge == 0 || huge > 64<<20 {
		t.Skipf("huge pages of %d bytes", huge)
	}
	for range 4 { // one of them could be in the right place by chance
		_, mem := shared(t, huge+4096)
		require.Zero(t, addressOf(mem)%uintptr(huge))
		at := look(t, mem)
		require.Equal(t, addressOf(mem), at.Start)
		require.Equal(t, uintptr(len(mem)), at.End-at.Start)
	}
}

func TestMapGivesAddressesBack(t *testing.T) {
	const size, count = 5 << 20, 400 // something is left over where huge pages have 2 MiB
	f, _ := shared(t, size)
	virtual := func() uint64 {
		text, err := os.ReadFile("/proc/self/statm")
		require.NoError(t, err)
		pages, err := strconv.ParseUint(strings.Fields(string(text))[0], 10, 64)
		require.NoError(t, err)
		return pages * uint64(os.Getpagesize())
	}
	before := virtual()
	var all [][]byte
	for range count {
		mem, err := Map(int(f.Fd()), size)
		require.NoError(t, err)
		all = append(all, mem)
	}
	// Each leaves 1 MiB behind it, or each second one before it, if that is not given back.
	const slack = count / 3 << 20
	require.Less(t, virtual(), before+count*size+slack)
	for _, mem := range all {
		require.NoError(t, Unmap(mem))
	}
	require.Less(t, virtual(), before+slack)
}

func TestMapRefused(t *testing.T) {
	for _, size := range []uint64{4096, 8 << 20} {
		_, err := Map(-1, size)
		require.ErrorIs(t, err, syscall.EBADF)
	}
}

func TestTuneNothing(t *testing.T) {
	_, mem := shared(t, 1<<20)
	require.Empty(t, cmp.Diff(driver.MemoryStatus{}, Tune(mem, driver.MemoryOptions{})))
	require.Zero(t, look(t, mem).Rss)
}

func TestTunePrefault(t *testing.T) {
	_, mem := shared(t, 1<<20)
	require.Zero(t, look(t, mem).Rss)
	o := driver.MemoryOptions{Prefault: true}
	require.Empty(t, cmp.Diff(driver.MemoryStatus{Active: o}, Tune(mem, o)))
	require.EqualValues(t, len(mem), look(t, mem).Rss)
	hasContent(t, mem)
}

// oldKernel knows none of the newer advice.
func oldKernel(_ []byte, advice int) error {
	if advice == adviseHugePage {
		return nil
	}
	return syscall.EINVAL
}

func TestTunePrefaultOldKernel(t *testing.T) {
	_, mem := shared(t, 1<<20)
	require.Nil(t, mapping{mem, oldKernel}.prefault())
	require.EqualValues(t, len(mem), look(t, mem).Rss)
	hasContent(t, mem)
}

func TestTunePrefaultTruncated(t *testing.T) {
	f, mem := shared(t, 1<<20)
	require.NoError(t, f.Truncate(1<<19))
	st := Tune(mem, driver.MemoryOptions{Prefault: true})
	require.False(t, st.Active.Prefault)
	require.Len(t, st.Refused, 1)
	require.ErrorIs(t, st.Refused[0], syscall.EFAULT)
	require.ErrorIs(t, mapping{mem, oldKernel}.prefault(), syscall.EFAULT)
}

func TestTuneHugePages(t *testing.T) {
	huge := transparentSize()
	if huge == 0 || huge > 64<<20 {
		t.Skipf("huge pages of %d bytes", huge)
	}
	_, mem := shared(t, 2*huge+4096)
	o := driver.MemoryOptions{HugePages: true}
	st := Tune(mem, o)
	at := look(t, mem)
	require.Contains(t, at.Flags, "hg")
	hasContent(t, mem)
	if st.Active == o {
		require.Empty(t, st.Refused)
		require.Equal(t, 2*huge, at.HugePages)
		return
	}
	require.Less(t, at.HugePages, 2*huge)
	require.Len(t, st.Refused, 1)
	why := st.Refused[0]
	t.Log(why)
	if errors.Is(why, syscall.EINVAL) {
		require.Less(t, kernelVersion(t), 601, "this kernel can do it")
	}
}

// kernelVersion is 601 for Linux 6.1.
func kernelVersion(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile("/proc/sys/kernel/osrelease")
	require.NoError(t, err)
	var major, minor int
	_, err = fmt.Sscanf(string(text), "%d.%d", &major, &minor)
	require.NoError(t, err)
	return major*100 + minor
}

func TestTuneHugePagesRefused(t *testing.T) {
	huge := transparentSize()
	if huge == 0 || huge > 64<<20 {
		t.Skipf("huge pages of %d bytes", huge)
	}
	_, small := shared(t, huge-4096)
	err := mapping{small, syscall.Madvise}.hugePages()
	require.ErrorContains(t, err, "fits into")
	require.NotContains(t, look(t, small).Flags, "hg")
	_, mem := shared(t, huge)
	err = mapping{mem, oldKernel}.hugePages()
	require.ErrorIs(t, err, syscall.EINVAL)
	require.ErrorContains(t, err, "Linux 6.1")
	for code, hint := range map[syscall.Errno]string{
		syscall.EAGAIN: "in use", syscall.ENOMEM: "compact_memory", syscall.EBUSY: "control group",
	} {
		err = mapping{mem, func([]byte, int) error { return code }}.hugePages()
		require.ErrorIs(t, err, code)
		require.ErrorContains(t, err, hint)
	}
}

func TestTuneLock(t *testing.T) {
	_, mem := shared(t, 1<<18)
	o := driver.MemoryOptions{Lock: true}
	st := Tune(mem, o)
	at := look(t, mem)
	hasContent(t, mem)
	if st.Active == o {
		require.Empty(t, st.Refused)
		require.EqualValues(t, len(mem), at.Locked)
		require.Contains(t, at.Flags, "lo")
		return
	}
	limit, ok := lockLimit()
	require.True(t, ok && limit < 1<<18, "refused below the limit: %v", st.Refused)
	require.Len(t, st.Refused, 1)
	require.Zero(t, at.Locked)
	require.NotContains(t, at.Flags, "lo")
}

// What was locked before the pages ran out is unlocked again.
func TestTuneLockTruncated(t *testing.T) {
	f, mem := shared(t, 1<<18)
	require.NoError(t, f.Truncate(1<<17))
	st := Tune(mem, driver.MemoryOptions{Lock: true})
	require.False(t, st.Active.Lock)
	require.Len(t, st.Refused, 1)
	require.NotContains(t, look(t, mem).Flags, "lo")
}

// A peer may be at work in the same memory through its own mapping: nothing it stores may get lost
// while the pages are exchanged.
func TestTuneLiveConcurrentSafe(t *testing.T) {
	const size, step = 4<<20 + 4096, 4096
	f, mem := shared(t, size)
	other := mapped(t, f, size)
	word := func(mem []byte, at int) *atomic.Uint64 {
		return (*atomic.Uint64)(unsafe.Pointer(&mem[at]))
	}
	for at := 0; at < size; at += step {
		word(other, at).Store(0)
	}
	var stop atomic.Bool
	var rounds uint64
	var peer sync.WaitGroup
	peer.Go(func() {
		for !stop.Load() {
			for at := 0; at < size; at += step {
				word(other, at).Add(1)
			}
			rounds++
		}
	})
	for range 3 {
		Tune(mem, everything)
		Tune(mapped(t, f, size), everything)
	}
	require.Nil(t, mapping{mapped(t, f, size), oldKernel}.prefault())
	stop.Store(true)
	peer.Wait()
	for at := 0; at < size; at += step {
		if got := word(mem, at).Load(); got != rounds {
			t.Fatalf("page at %d counts %d of %d additions", at, got, rounds)
		}
	}
}
