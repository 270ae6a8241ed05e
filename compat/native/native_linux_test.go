package native

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

func TestDefaultOfTheBuildTag(t *testing.T) {
	require.Equal(t, wantDefault, Default())
	require.Equal(t, wantDefault, Backend().Name())
	require.ElementsMatch(t, []string{"posix", "posix-musl", "memfd"}, Schemes())
}

func TestResolve(t *testing.T) {
	for _, c := range []struct{ address, backend, name string }{
		{"camera", Default(), "camera"},
		{"left:camera", Default(), "left:camera"},
		{":camera", Default(), ":camera"},
		{"POSIX:camera", Default(), "POSIX:camera"},
		{"posix:camera", "posix", "camera"},
		{"posix:posix:camera", "posix", "posix:camera"},
		{"posix:@camera", "posix", "@camera"},
		{"memfd:camera", "memfd", "camera"},
		{"memfd:left:camera", "memfd", "left:camera"},
		{"memfd:@camera", "memfd", "camera"},
		{"memfd:@@camera", "memfd", "@camera"},
		{"memfd:/run/app/camera", "memfd", "camera"},
		{"memfd:/run/app/@camera", "memfd", "@camera"},
		{"memfd:/camera", "memfd", "camera"},
	} {
		b, name, err := Resolve(c.address)
		require.NoError(t, err)
		require.Equal(t, c.backend, b.Name(), c.address)
		require.Equal(t, c.name, name, c.address)
	}
}

func TestResolveBadAddress(t *testing.T) {
	for _, c := range []struct{ address, text string }{
		{"", "empty"},
		{"posix:", "empty"},
		{"posix:a/b", "slash"},
		{"posix:/a", "slash"},
		{"posix:..", "directory"},
		{"memfd:", "empty"},
		{"memfd:@", "empty"},
		{"memfd:/", "empty"},
		{"memfd:/run/app/", "empty"},
		{"memfd:/run/app/..", "directory"},
		{"memfd:@a/b", "slash"},
		{"memfd:run/camera", "memfd:/some/dir/NAME"},
		{"memfd:./camera", "memfd:/some/dir/NAME"},
		{"memfd:/run\x00/camera", "NUL"},
		{"memfd:/run/" + strings.Repeat("n", 246), "246 bytes"},
	} {
		_, _, err := Resolve(c.address)
		require.ErrorIs(t, err, driver.ErrInvalidName, "%q", c.address)
		require.ErrorContains(t, err, c.text)
	}
}

// The address decides where the buffer is, and both sides find it by the same one.
func TestResolveFindsTheBuffer(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	name := fmt.Sprintf("zerobuffer-native-%d", os.Getpid())
	for address, path := range map[string]string{
		"posix:" + name:             "/dev/shm/" + name,
		"memfd:" + name:             filepath.Join(os.Getenv("XDG_RUNTIME_DIR"), "zerobuffer", name),
		"memfd:" + dir + "/" + name: filepath.Join(dir, name),
		"memfd:@" + name:            "@zerobuffer/" + name,
	} {
		t.Run(address[:6], func(t *testing.T) { moveFrame(t, address, path) })
	}
}

// moveFrame sends a frame through a buffer whose reader has path, or an abstract socket.
func moveFrame(t *testing.T, address, path string) {
	t.Helper()
	b, name, err := Resolve(address)
	require.NoError(t, err)
	r, err := zerobuffer.NewReader(b, name, &zerobuffer.ReaderOptions{PayloadSize: 4096})
	require.NoError(t, err)
	require.True(t, exists(t, path))
	b, name, err = Resolve(address)
	require.NoError(t, err)
	w, err := zerobuffer.NewWriter(b, name, nil)
	require.NoError(t, err)
	require.NoError(t, w.WriteFrame(t.Context(), []byte("by way of "+address)))
	frame, err := r.ReadFrame(t.Context())
	require.NoError(t, err)
	require.Equal(t, "by way of "+address, string(frame.Bytes()))
	frame.Release()
	require.NoError(t, w.Close())
	require.NoError(t, r.Close())
	require.False(t, exists(t, path))
}

// exists tells whether there is such a file, or such an abstract socket.
func exists(t *testing.T, path string) bool {
	t.Helper()
	if path[0] == '@' {
		sockets, err := os.ReadFile("/proc/net/unix")
		require.NoError(t, err)
		return strings.Contains(string(sockets), " "+path+"\n")
	}
	_, err := os.Lstat(path)
	return err == nil
}
