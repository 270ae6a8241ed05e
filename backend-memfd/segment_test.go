//go:build linux

package memfdshm

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/drivertest"
	"github.com/zerobuffer-go/zerobuffer/core/linux/memory"
)

// Nobody who has the descriptor can make an access of the others fault.
func TestSegmentIsSealed(t *testing.T) {
	b := New(&Options{Private: true})
	c := create(t, b, "b")
	file, err := b.Invite("b")
	require.NoError(t, err)
	l, err := newLink(file)
	require.NoError(t, err)
	defer l.close()
	require.NoError(t, l.hello())
	_, fd, err := l.receive(true)
	require.NoError(t, err)
	defer func() { _ = unix.Close(fd) }()
	var st unix.Stat_t
	require.NoError(t, unix.Fstat(fd, &st))
	require.Equal(t, unix.EPERM, unix.Ftruncate(fd, 4096))
	require.Equal(t, unix.EPERM, unix.Ftruncate(fd, st.Size+4096))
	require.Equal(t, unix.EPERM, unix.Fallocate(fd, 0, st.Size, 4096))
	_, err = unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, unix.F_SEAL_WRITE)
	require.Equal(t, unix.EPERM, err, "a seal against writing would end the ring")
	require.Equal(t, unix.EPERM, unix.Fchmod(fd, 0o777), "it cannot be made executable")
	c.Memory()[len(c.Memory())-1] = 1
}

func TestSegmentIsReserved(t *testing.T) {
	c := create(t, New(&Options{Private: true}), "b")
	var st unix.Stat_t
	require.NoError(t, unix.Fstat(c.server.fd, &st))
	require.GreaterOrEqual(t, st.Blocks*512, st.Size)
}

func TestCreateNoSpace(t *testing.T) {
	b := New(&Options{Private: true})
	_, err := b.Create("b", drivertest.Config(1<<50))
	var space *driver.NoSpaceError
	require.ErrorAs(t, err, &space)
	require.ErrorContains(t, err, "PayloadSize")
	for _, size := range []uint64{0, 127, 1 << 63, 1<<64 - 1} {
		_, err := b.Create("b", driver.Config{Size: size})
		require.Error(t, err, "size %d", size)
	}
}

// Huge pages are a matter of what the machine has in reserve: both cases are the truth.
func TestHugePages(t *testing.T) {
	b := New(&Options{Private: true, HugePages: true})
	free := memory.HugePagesFree()
	ch, err := b.Create("b", drivertest.Config(1<<16))
	if free == 0 {
		require.Error(t, err)
		require.ErrorContains(t, err, "huge pages")
		return
	}
	require.NoError(t, err)
	defer func() { require.NoError(t, errors.Join(ch.Remove(), ch.Close())) }()
	require.Len(t, ch.Memory(), 1<<16)
	require.Less(t, memory.HugePagesFree(), free)
	file, err := b.Invite("b")
	require.NoError(t, err)
	other, err := Join(file).Open("b", driver.Config{})
	require.NoError(t, err)
	defer func() { require.NoError(t, errors.Join(other.Remove(), other.Close())) }()
	other.Memory()[1<<15] = 9
	require.EqualValues(t, 9, ch.Memory()[1<<15])
	_, err = b.Create("more", drivertest.Config(free+1<<21))
	require.ErrorIs(t, err, driver.ErrNoSpace)
	require.ErrorContains(t, err, "vm.nr_hugepages")
}
