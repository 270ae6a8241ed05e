//go:build linux

package posixshm

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"syscall"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/drivertest"
	"github.com/zerobuffer-go/zerobuffer/core/drivertest/testproc"
)

func init() {
	// no-lock NAME: may lock 64 KiB, asks for more, and prints what became of it.
	children["no-lock"] = func(b *Backend, args []string) error {
		limit := unix.Rlimit{Cur: 64 << 10, Max: 64 << 10}
		if err := unix.Setrlimit(unix.RLIMIT_MEMLOCK, &limit); err != nil {
			return err
		}
		var log bytes.Buffer
		r, err := zerobuffer.NewReader(b, args[0], &zerobuffer.ReaderOptions{
			PayloadSize: 1 << 20, Memory: zerobuffer.MemoryOptions{Lock: true, Prefault: true},
			Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn})),
		})
		if err != nil {
			return err
		}
		st := r.Memory()
		testproc.Say("%+v %v", st.Active, st.Refused)
		testproc.Say("%s", bytes.ReplaceAll(bytes.TrimSpace(log.Bytes()), []byte("\n"), []byte(" / ")))
		return r.Close()
	}
}

// A limit that is too low is no error of create. It is in the log, with the limit and the need.
func TestTuneLockRefusedCrossProcess(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root to start a process of another user, for whom the limit counts")
	}
	b := newBackend(t)
	attr := &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 4711, Gid: 4711}}
	c := start(t, b, attr, "no-lock", newName(t, b))
	status := c.Line()
	require.Contains(t, status, "{Prefault:true HugePages:false Lock:false} [use memory option Lock: "+
		"mlock: cannot allocate memory; RLIMIT_MEMLOCK is 65536 bytes")
	c.Step()
	text := c.Line()
	for _, part := range []string{
		"level=WARN", "option=Lock", "RLIMIT_MEMLOCK is 65536 bytes",
		fmt.Sprintf("needs %d", 128+4096+1<<20), "ulimit -l", "LimitMEMLOCK", "--ulimit memlock",
		"CAP_IPC_LOCK",
	} {
		require.Contains(t, text, part)
	}
	require.NotContains(t, text, " / ", "one line")
	c.Step()
	c.End()
}

// What a side asks for concerns its own mapping, and changes nothing in it.
func TestTuneOwnMapping(t *testing.T) {
	b := newBackend(t)
	name := newName(t, b)
	const size = 8 << 20
	made, err := b.Create(name, drivertest.Config(size))
	require.NoError(t, err)
	closeLater(t, made)
	opened, err := b.Open(name, driver.Config{})
	require.NoError(t, err)
	closeLater(t, opened)
	for i := range made.Memory()[4096:] {
		made.Memory()[4096+i] = byte(i * 7)
	}
	look := func(c driver.Channel) testproc.Mapping {
		return testproc.MappingAt(t, uintptr(unsafe.Pointer(&c.Memory()[0])))
	}
	require.Less(t, look(opened).Rss, uint64(size))
	o := driver.MemoryOptions{Prefault: true, HugePages: true}
	want := bytes.Clone(made.Memory())
	st := opened.Tune(o)
	got := look(opened)
	require.True(t, st.Active.Prefault, "%v", st.Refused)
	require.EqualValues(t, size, got.Rss)
	require.Equal(t, st.Active.HugePages, got.HugePages == size, "%v %+v", st, got)
	require.NotContains(t, look(made).Flags, "hg")
	require.True(t, bytes.Equal(want, opened.Memory()), "content has changed")

	st = made.Tune(driver.MemoryOptions{Lock: true})
	if !st.Active.Lock { // the limit of whoever runs this test is lower
		require.ErrorContains(t, st.Refused[0], "RLIMIT_MEMLOCK")
		require.NotContains(t, look(made).Flags, "lo")
		return
	}
	// Pages that two mappings have count half in each.
	require.EqualValues(t, size/2, look(made).Locked)
	require.Contains(t, look(made).Flags, "lo")
	require.NotContains(t, look(opened).Flags, "lo")
	require.True(t, bytes.Equal(want, made.Memory()), "content has changed")
}
