package winshm

import (
	"bytes"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/windows"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/drivertest"
)

func TestTune(t *testing.T) {
	const size = 4 << 20 // more than the working set that a process is given
	made, err := New(nil).Create(newName(), drivertest.Config(size))
	require.NoError(t, err)
	c := atEnd(t, made)
	want := bytes.Clone(c.mem)
	st := c.Tune(driver.MemoryOptions{Prefault: true, HugePages: true, Lock: true})
	require.True(t, st.Active.Prefault)
	require.False(t, st.Active.HugePages)
	require.ErrorIs(t, st.Refused[0], errors.ErrUnsupported)
	require.True(t, st.Active.Lock, "%v", st.Refused)
	require.True(t, bytes.Equal(want, c.mem), "content has changed")
	require.NoError(t, windows.VirtualUnlock(addressOf(c.mem), size))
}

func TestLockMemoryRefused(t *testing.T) {
	c := &channel{mem: view(4096, 4096)} // nothing is mapped there
	err := c.lockMemory()
	require.NotNil(t, err)
	require.Error(t, err.Err)
	require.Contains(t, err.Hint, "working set")
}
