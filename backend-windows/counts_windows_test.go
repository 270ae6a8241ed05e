package winshm

import (
	"io/fs"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/windows"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/drivertest"
	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

// foreignSection makes a section of size bytes with an OIEB, until the returned function is called.
func foreignSection(t *testing.T, name string, size uint64) (*layout.OIEB, func()) {
	t.Helper()
	h, err := makeSection(name, size, nil)
	require.NoError(t, err)
	mem, err := mapView(h, readWrite, size)
	require.NoError(t, err)
	require.NoError(t, drivertest.Config(size).Format(mem, 1))
	o, err := layout.View(mem)
	require.NoError(t, err)
	return o, func() {
		require.NoError(t, unmapView(mem))
		require.NoError(t, windows.CloseHandle(h))
	}
}

// A program of another language may have a buffer of any name, also of the name of our counts. A
// reader of ours waits until it is gone, and does not touch it.
func TestCreateLeavesAnotherSectionAlone(t *testing.T) {
	name := newName()
	o, end := foreignSection(t, "zbgo-n-"+name, countsSize)
	_, err := New(nil).Create(name, drivertest.Config(1<<13))
	require.ErrorIs(t, err, fs.ErrExist)
	require.NotErrorIs(t, err, driver.ErrReaderConnected)
	require.ErrorContains(t, err, "zbgo-n-"+name)
	require.Equal(t, uint32(layout.OIEBSize), o.Size.Load())
	require.Equal(t, uint64(1), o.ReaderPID.Load())
	end()
	create(t, New(nil), name)
}

// A writer of ours counts by itself then.
func TestOpenLeavesAnotherSectionAlone(t *testing.T) {
	for _, size := range []uint64{countsSize, 2 * countsSize} {
		name := newName()
		c := create(t, New(nil), name)
		c.counts.close() // as a reader of another language, which has none
		o, end := foreignSection(t, "zbgo-n-"+name, size)
		w := open(t, New(nil), name)
		require.False(t, w.counts.mapped)
		w.counts.of(0).Add(1)
		require.Equal(t, uint32(layout.OIEBSize), o.Size.Load())
		end()
	}
}
