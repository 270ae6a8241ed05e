//go:build linux

package death

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/drivertest/testproc"
)

// memoryGroup makes a control group with a limit of memory below the one of this process, and
// returns its directory.
func memoryGroup(t *testing.T, limit int) string {
	t.Helper()
	needRoot(t)
	parent, file := ownGroup(t)
	dir := filepath.Join(parent, strings.Trim(newName(), "/"))
	err := os.Mkdir(dir, 0o755)
	if err == nil {
		t.Cleanup(func() { removeGroup(t, dir) })
		err = os.WriteFile(filepath.Join(dir, file), []byte(strconv.Itoa(limit)), 0)
	}
	if err != nil {
		text := fmt.Sprintf("this machine lets nobody make a control group below %s: %v", parent, err)
		if os.Getenv("ZEROBUFFER_NOSKIP") == "1" {
			t.Fatal(text)
		}
		t.Skip(text)
	}
	return dir
}

// ownGroup returns the directory below which a group can be made that controls memory, and the name
// of the file with the limit.
func ownGroup(t *testing.T) (dir, limitFile string) {
	t.Helper()
	text, err := os.ReadFile("/proc/self/cgroup")
	require.NoError(t, err)
	for line := range strings.Lines(string(text)) {
		// number:controllers:path
		f := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(f) == 3 && f[1] == "memory" {
			return "/sys/fs/cgroup/memory/" + f[2], "memory.limit_in_bytes"
		}
	}
	// In version 2 a group with processes has no children that control memory: use the topmost.
	return "/sys/fs/cgroup", "memory.max"
}

// removeGroup removes a group when the kernel has taken the last process off.
func removeGroup(t *testing.T, dir string) {
	var err error
	for range 1000 {
		if err = unix.Rmdir(dir); err == nil {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Errorf("remove %s: %v", dir, err)
}

// limited GROUP KIND DIR NAME SIZE...: joins a control group, and then says for each size how a
// buffer of that size could be made and used up to its last byte.
func limited(args []string) error {
	self := strconv.Itoa(os.Getpid())
	if err := os.WriteFile(filepath.Join(args[0], "cgroup.procs"), []byte(self), 0); err != nil {
		return err
	}
	p := place{args[1], args[2]}
	for _, text := range args[4:] {
		size, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return err
		}
		err = useAll(p.backend(), args[3], size)
		if space, ok := errors.AsType[*driver.NoSpaceError](err); ok {
			testproc.Say("no space: need %d, %s has %d free; %s", space.Need, space.Where, space.Free,
				space.Hint)
			continue
		}
		testproc.Say("%v", err)
	}
	return nil
}

// useAll makes a buffer and writes every byte of its ring.
func useAll(b driver.Backend, name string, size int64) error {
	r, err := zerobuffer.NewReader(b, name, &zerobuffer.ReaderOptions{PayloadSize: size})
	if err != nil {
		return err
	}
	w, err := zerobuffer.NewWriter(b, name, nil)
	if err == nil {
		err = w.WriteFrame(background, make([]byte, w.MaxFrameSize()))
		err = errors.Join(err, w.Close())
	}
	return errors.Join(err, r.Close())
}

// TestControlGroupLimitCrossProcess makes buffers that are larger than the control group of the
// process allows: an error that names the group, and not the end of the process by the OOM killer,
// as for any process that touches such memory.
func TestControlGroupLimitCrossProcess(t *testing.T) {
	t.Parallel()
	limit := 64 << 20
	if raceEnabled {
		limit = 768 << 20 // it takes many times the memory
	}
	group := memoryGroup(t, limit)
	for _, kind := range []string{"posix", "memfd"} {
		t.Run(kind, func(t *testing.T) {
			p := newPlace(t, kind)
			tooMuch, fits := limit+limit/2, limit/8*3
			if raceEnabled {
				fits = 24 << 20
			}
			c := begin(t, nil, "limited", group, p.kind, p.dir, newName(),
				strconv.Itoa(tooMuch), strconv.Itoa(fits), strconv.Itoa(limit), strconv.Itoa(fits))
			for _, size := range []int{tooMuch, fits, limit, fits} {
				line := c.Line()
				if size == fits {
					require.Equal(t, "<nil>", line)
				} else {
					require.Contains(t, line, "no space: need "+strconv.Itoa(size)[:2])
					require.Contains(t, line, "control group "+group+" has ")
					require.Contains(t, line, "PayloadSize")
				}
				t.Log(line)
				c.Step()
			}
			c.End()
		})
	}
}
