//go:build linux

package death

import (
	"bytes"
	"errors"
	"io"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/drivertest/testproc"
)

// smallShm mounts a /dev/shm of its own with the given options, and returns the backend.
func smallShm(t *testing.T, options string) place {
	t.Helper()
	require.NoError(t, unix.Mount("shm", "/dev/shm", "tmpfs", 0, options))
	t.Cleanup(func() { require.NoError(t, unix.Unmount("/dev/shm", unix.MNT_DETACH)) })
	return newPlace(t, "posix")
}

// refused makes a buffer for which there is no room. Nothing of it may be left.
func refused(t *testing.T, p place, o zerobuffer.ReaderOptions) *driver.NoSpaceError {
	t.Helper()
	before := entries(t)
	_, err := zerobuffer.NewReader(p.backend(), newName(), &o)
	require.ErrorIs(t, err, zerobuffer.ErrNoSpace)
	require.Equal(t, before, entries(t))
	space, ok := errors.AsType[*driver.NoSpaceError](err)
	require.True(t, ok)
	t.Log(err)
	return space
}

func entries(t *testing.T) []string {
	t.Helper()
	list, err := os.ReadDir("/dev/shm")
	require.NoError(t, err)
	var all []string
	for _, e := range list {
		all = append(all, e.Name())
	}
	return all
}

// brim fills /dev/shm but for the last pages.
func brim(t *testing.T, leave int) {
	t.Helper()
	f, err := os.Create("/dev/shm/brim")
	require.NoError(t, err)
	defer f.Close()
	t.Cleanup(func() { _ = os.Remove(f.Name()) })
	page := make([]byte, os.Getpagesize())
	for err == nil {
		_, err = f.Write(page)
	}
	require.ErrorIs(t, err, unix.ENOSPC)
	size, err := f.Seek(0, io.SeekEnd)
	require.NoError(t, err)
	pages := int(size) / len(page)
	require.NoError(t, f.Truncate(int64((pages-leave)*len(page))))
}

// TestFullShmCrossProcess makes buffers in a /dev/shm of 8 MB that have no room in it.
func TestFullShmCrossProcess(t *testing.T) {
	t.Parallel()
	if !inside(t, 0) {
		return
	}
	t.Run("ring", func(t *testing.T) {
		space := refused(t, smallShm(t, "size=8m"), zerobuffer.ReaderOptions{PayloadSize: 16 << 20})
		require.Greater(t, space.Need, uint64(16<<20))
		require.EqualValues(t, 8<<20, space.Free)
		require.Equal(t, "/dev/shm", space.Where)
		require.Contains(t, space.Hint, "--shm-size")
	})
	t.Run("metadata", func(t *testing.T) {
		space := refused(t, smallShm(t, "size=8m"), zerobuffer.ReaderOptions{
			PayloadSize: 1 << 20, MetadataSize: 8 << 20,
		})
		require.Greater(t, space.Need, uint64(9<<20))
	})
	// The segment takes 18 pages, and each semaphore one.
	for name, pages := range map[string]int{"first-semaphore": 18, "second-semaphore": 19} {
		t.Run(name, func(t *testing.T) {
			p := smallShm(t, "size=8m")
			brim(t, pages)
			space := refused(t, p, zerobuffer.ReaderOptions{PayloadSize: 1 << 16})
			require.EqualValues(t, 32, space.Need)
		})
	}
	t.Run("nothing-left-at-all", func(t *testing.T) {
		p := smallShm(t, "size=8m")
		brim(t, 0)
		space := refused(t, p, zerobuffer.ReaderOptions{PayloadSize: 1 << 16})
		require.Zero(t, space.Free)
	})
	for name, inodes := range map[string]string{"segment": "1", "semaphore": "2"} {
		t.Run("inodes-"+name, func(t *testing.T) {
			p := smallShm(t, "size=8m,nr_inodes="+inodes)
			space := refused(t, p, zerobuffer.ReaderOptions{PayloadSize: 1 << 16})
			require.Contains(t, space.Hint, "inodes are in use")
		})
	}
}

// TestBrimfulShmCrossProcess makes a buffer that fits, fills the rest of /dev/shm to the brim, and
// uses every byte of the buffer: its memory was reserved. An access without memory is a SIGBUS.
func TestBrimfulShmCrossProcess(t *testing.T) {
	t.Parallel()
	if !inside(t, 0) {
		return
	}
	p, name := smallShm(t, "size=8m"), newName()
	r, err := zerobuffer.NewReader(p.backend(), name+"read-frame", &zerobuffer.ReaderOptions{
		PayloadSize: 6 << 20, MetadataSize: 1 << 20, ReadTimeout: watchdog,
	})
	require.NoError(t, err)
	defer r.Close()
	brim(t, 0)
	v := begin(t, nil, "source", p.dir, name+"read-frame")
	// Some laps, in frames that leave every kind of tail, and what is left after the kill.
	read := 0
	for ; err == nil; read++ {
		var f zerobuffer.Frame
		if f, err = r.ReadFrame(background); err != nil {
			break
		}
		require.True(t, bytes.Equal(f.Bytes(), frameOf(read)), "frame %d", read)
		f.Release()
		if read == 60 {
			v.Kill()
		}
	}
	require.ErrorIs(t, err, zerobuffer.ErrWriterDead, "neither side has ended for want of memory")
	require.Greater(t, read, 60)
	m, err := r.Metadata()
	require.NoError(t, err)
	require.Len(t, m, 1<<20-8)
}

// frameOf is frame i of the command source.
func frameOf(i int) []byte { return bytes.Repeat([]byte{byte(i + 1)}, 300_000+i%60*1000) }

// source DIR NAME: writes metadata as large as they can be, and frames.
func source(args []string) error {
	w, err := zerobuffer.OpenWriter(background, place{"posix", args[0]}.backend(), args[1], nil)
	if err != nil {
		return err
	}
	if err := w.SetMetadata(bytes.Repeat([]byte{7}, 1<<20-8)); err != nil {
		return err
	}
	for i := 0; err == nil; i++ {
		err = w.WriteFrame(background, frameOf(i))
	}
	return err
}

// TestReapMakesRoomCrossProcess kills a reader whose buffer takes most of /dev/shm: the next one
// needs that memory, and gets it. While a writer of the old buffer lives it is not to be had.
func TestReapMakesRoomCrossProcess(t *testing.T) {
	t.Parallel()
	if !inside(t, 0) {
		return
	}
	p, name := smallShm(t, "size=8m"), newName()
	o := &zerobuffer.ReaderOptions{PayloadSize: 5 << 20}
	for range 3 {
		c := begin(t, nil, "owner", p.dir, name)
		require.Equal(t, "ready", c.Line())
		c.Kill()
	}
	r, err := zerobuffer.NewReader(p.backend(), name, o)
	require.NoError(t, err)
	require.NoError(t, r.Close())

	c := begin(t, nil, "owner", p.dir, name)
	require.Equal(t, "ready", c.Line())
	w, err := zerobuffer.NewWriter(p.backend(), name, nil)
	require.NoError(t, err)
	c.Kill()
	_, err = zerobuffer.NewReader(p.backend(), name, o)
	require.ErrorIs(t, err, zerobuffer.ErrNoSpace)
	require.NotContains(t, entries(t), name, "the old one keeps its memory and no name")
	require.ErrorIs(t, writeFull(side{w: w}), zerobuffer.ErrReaderDead)
	require.NoError(t, w.Close())
	r, err = zerobuffer.NewReader(p.backend(), name, o)
	require.NoError(t, err)
	require.NoError(t, r.Close())
}

// owner DIR NAME: makes a buffer of 5 MB and keeps it.
func owner(args []string) error {
	r, err := zerobuffer.NewReader(place{"posix", args[0]}.backend(), args[1],
		&zerobuffer.ReaderOptions{PayloadSize: 5 << 20})
	if err == nil {
		testproc.Say("ready")
		err = r.Close()
	}
	return err
}
