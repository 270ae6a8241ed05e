//go:build linux

package interop

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
)

// helperVariable makes the test binary a second Go process, which a test can kill.
const helperVariable = "ZEROBUFFER_INTEROP_HELPER"

// The frames of helpers.
var helperSizes = mixed(7, 3000)

const helperPayload = 16384

// helper is the main function of such a process: it does n frames from first on, says so on
// stdout, and stays until its stdin ends or it is killed. It holds the last frame that it read.
func helper(role string, a []string) int {
	name := a[0]
	first, _ := strconv.Atoi(a[1])
	n, _ := strconv.Atoi(a[2])
	do := helperWrite
	switch role {
	case "reader":
		do = helperRead
	case "video":
		do = helperVideo
	case "follower":
		do = helperFollow
	}
	if err := do(name, first, n); err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

func helperWrite(name string, first, n int) error {
	w, err := zerobuffer.NewWriter(backend, name, nil)
	if err != nil {
		return err
	}
	fmt.Println("open")
	for i := first; i < first+n; i++ {
		if err := w.WriteFrame(context.Background(), helperSizes.frame(i)); err != nil {
			return err
		}
	}
	fmt.Println("done")
	_, _ = os.Stdin.Read(make([]byte, 1))
	return w.Close()
}

// helperFollow writes without end, in one buffer of the name after the other, and says the number
// of the frame that is the first in a new one.
func helperFollow(name string, first, _ int) error {
	w, err := zerobuffer.NewWriter(backend, name, &zerobuffer.WriterOptions{Reconnect: true})
	if err != nil {
		return err
	}
	fmt.Println("open")
	for i, buffers := first, uint64(0); ; i++ {
		if err := w.WriteFrame(context.Background(), helperSizes.frame(i)); err != nil {
			return err
		}
		if n := w.Stats().Reconnects; n != buffers {
			buffers = n
			fmt.Println(i)
		}
	}
}

func helperRead(name string, first, n int) error {
	r, err := zerobuffer.NewReader(backend, name,
		&zerobuffer.ReaderOptions{PayloadSize: helperPayload})
	if err != nil {
		return err
	}
	fmt.Println("open")
	var frame zerobuffer.Frame
	for i := first; i < first+n; i++ {
		frame.Release()
		if frame, err = r.ReadFrame(context.Background()); err != nil {
			return err
		}
		if !bytes.Equal(frame.Bytes(), helperSizes.frame(i)) {
			return fmt.Errorf("frame %d is wrong", i)
		}
	}
	fmt.Println("done")
	_, _ = os.Stdin.Read(make([]byte, 1))
	return r.Close()
}

// child is a running helper.
type child struct {
	t   *testing.T
	cmd *exec.Cmd
	in  io.Closer
	out *bufio.Scanner
}

// startChild starts a helper for the frames first..first+n-1 and waits until it has its side of
// the buffer. It is killed at the end of the test.
func startChild(t *testing.T, role, name string, first, n int) *child {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(context.Background(), watchdog)
	cmd := exec.CommandContext(ctx, self, name, strconv.Itoa(first), strconv.Itoa(n))
	cmd.Env = append(os.Environ(), helperVariable+"="+role)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	c := &child{t: t, cmd: cmd, in: in, out: bufio.NewScanner(out)}
	t.Cleanup(func() { c.kill(); cancel() })
	c.wait("open")
	return c
}

// wait waits until the helper says the given word.
func (c *child) wait(word string) {
	c.t.Helper()
	require.True(c.t, c.out.Scan(), "helper ended")
	require.Equal(c.t, word, c.out.Text())
}

// number waits until the helper says a number.
func (c *child) number() int {
	c.t.Helper()
	require.True(c.t, c.out.Scan(), "helper ended")
	n, err := strconv.Atoi(c.out.Text())
	require.NoError(c.t, err)
	return n
}

// finish ends the helper by the end of its input: it closes its side.
func (c *child) finish() {
	c.t.Helper()
	require.NoError(c.t, c.in.Close())
	require.NoError(c.t, c.cmd.Wait())
}

// kill ends the helper by SIGKILL and waits until it is gone.
func (c *child) kill() {
	_ = c.cmd.Process.Kill()
	_ = c.cmd.Wait()
}
