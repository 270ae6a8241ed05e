//go:build linux

package memfdshm

import (
	"bytes"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/drivertest"
	"github.com/zerobuffer-go/zerobuffer/core/drivertest/testproc"
	"github.com/zerobuffer-go/zerobuffer/core/linux/memory"
)

// Seals do not stand in the way, and the words behind the segment are prefaulted as well.
func TestTuneSealed(t *testing.T) {
	const size = 4<<20 - wordsSize
	ch, err := New(&Options{Private: true}).Create("b", drivertest.Config(size))
	require.NoError(t, err)
	o := ch.(*owner)
	defer func() { require.NoError(t, o.Close()) }()
	defer func() { require.NoError(t, o.Remove()) }()
	for i := range o.mem[4096:] {
		o.mem[4096+i] = byte(i * 7)
	}
	want := bytes.Clone(o.all)
	st := o.Tune(driver.MemoryOptions{Prefault: true, HugePages: true, Lock: true})
	at := testproc.MappingAt(t, uintptr(unsafe.Pointer(&o.all[0])))
	require.EqualValues(t, 4<<20, at.Rss)
	require.True(t, st.Active.Prefault, "%v", st.Refused)
	// Where the limit of whoever runs this test is lower, nothing may be locked.
	require.Equal(t, st.Active.Lock, at.Locked == at.Rss, "%v %+v", st, at)
	require.Equal(t, st.Active.Lock, at.Locked != 0)
	require.Equal(t, st.Active.HugePages, at.HugePages == at.Rss, "%v %+v", st, at)
	require.True(t, bytes.Equal(want, o.all), "content has changed")
}

// A file of huge pages has them without being asked, however small it is.
func TestTuneFileOfHugePages(t *testing.T) {
	if memory.HugePagesFree() == 0 {
		t.Log("this machine has no huge pages in reserve; a bare mapping has to do")
		mem := make([]byte, 4096)
		st := (&segment{all: mem, huge: true}).Tune(driver.MemoryOptions{HugePages: true})
		require.True(t, st.Active.HugePages)
		return
	}
	ch, err := New(&Options{Private: true, HugePages: true}).Create("b", drivertest.Config(1<<16))
	require.NoError(t, err)
	o := ch.(*owner)
	defer func() { require.NoError(t, o.Close()) }()
	defer func() { require.NoError(t, o.Remove()) }()
	require.True(t, o.huge)
	st := o.Tune(driver.MemoryOptions{Prefault: true, HugePages: true})
	require.True(t, st.Active.Prefault && st.Active.HugePages, "%v", st.Refused)
}
