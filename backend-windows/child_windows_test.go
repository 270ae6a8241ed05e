package winshm

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/windows"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

// childEnv holds the command and its arguments for a copy of the test binary.
const childEnv = "WINSHM_TEST_CHILD"

// child is another process. The end of its input lets it go on.
type child struct {
	t   *testing.T
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// start runs a command of children in another process and kills it at the end of the test.
func start(t *testing.T, args ...string) *child {
	t.Helper()
	exe, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(exe, "-test.timeout=60s")
	cmd.Env = append(os.Environ(), childEnv+"="+strings.Join(args, " "))
	return run(t, cmd)
}

// run starts a program and waits until it says that it is ready.
func run(t *testing.T, cmd *exec.Cmd) *child {
	t.Helper()
	c := &child{t: t, cmd: cmd}
	cmd.Stderr = os.Stderr
	var err error
	c.in, err = cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	c.out = bufio.NewReader(out)
	require.NoError(t, cmd.Start())
	t.Cleanup(c.kill)
	return c
}

// ready waits for the line "ready".
func (c *child) ready() *child {
	c.t.Helper()
	require.Equal(c.t, "ready", c.line())
	return c
}

// line reads the next line that the child prints.
func (c *child) line() string {
	c.t.Helper()
	text, err := c.out.ReadString('\n')
	require.NoError(c.t, err, "the child has ended")
	return strings.TrimSpace(text)
}

func (c *child) pid() uint64 { return uint64(c.cmd.Process.Pid) }

// kill ends the child by TerminateProcess.
func (c *child) kill() {
	_ = c.cmd.Process.Kill()
	_ = c.cmd.Wait()
}

// end lets the child end by itself.
func (c *child) end() {
	c.t.Helper()
	require.NoError(c.t, c.in.Close())
	_, _ = io.Copy(io.Discard, c.out)
	require.NoError(c.t, c.cmd.Wait())
}

// runChild is the main function of the other process.
func runChild(args []string) int {
	if err := children[args[0]](args[1]); err != nil {
		fmt.Println("error:", args, err)
		return 1
	}
	return 0
}

// say prints a line and waits for the end of the input.
func say(line string) {
	fmt.Println(line)
	_, _ = io.Copy(io.Discard, os.Stdin)
}

var children = map[string]func(name string) error{
	"sleep": func(string) error { say("ready"); return nil },

	// hidden: a process that nobody may open.
	"hidden": func(string) error {
		sd, err := windows.SecurityDescriptorFromString("D:P(D;;GA;;;WD)")
		if err != nil {
			return err
		}
		dacl, _, err := sd.DACL()
		if err != nil {
			return err
		}
		err = windows.SetSecurityInfo(windows.CurrentProcess(), windows.SE_KERNEL_OBJECT,
			windows.DACL_SECURITY_INFORMATION|windows.PROTECTED_DACL_SECURITY_INFORMATION,
			nil, nil, dacl, nil)
		if err != nil {
			return err
		}
		say("ready")
		return nil
	},

	// reader: a reader of ours, which closes at the end.
	"reader": func(name string) error {
		r, err := zerobuffer.NewReader(New(nil), name, &zerobuffer.ReaderOptions{PayloadSize: 256})
		if err != nil {
			return err
		}
		say("ready")
		return r.Close()
	},

	// writer: a writer of ours, which closes at the end.
	"writer": func(name string) error {
		w, err := zerobuffer.NewWriter(New(nil), name, nil)
		if err != nil {
			return err
		}
		say("ready")
		return w.Close()
	},

	// full-writer: a writer of ours, which writes frames of 100 bytes until it blocks.
	"full-writer": func(name string) error {
		w, err := zerobuffer.NewWriter(New(nil), name, nil)
		if err != nil {
			return err
		}
		fmt.Println("ready")
		for {
			if err := w.WriteFrame(context.Background(), make([]byte, 100)); err != nil {
				return errors.Join(err, w.Close())
			}
		}
	},
}

// testConfig is a segment with a ring of 4096 bytes.
func testConfig() driver.Config {
	g := layout.Geometry{MetadataSize: 64, PayloadSize: 4096}
	return driver.Config{
		Size: g.SegmentSize(),
		Format: func(mem []byte, pid uint64) error {
			_, err := layout.Format(mem, g, pid)
			return err
		},
		Logger: slog.New(slog.DiscardHandler),
	}
}

// create makes a buffer that ends with the test.
func create(t *testing.T, b *Backend, name string) *channel {
	t.Helper()
	ch, err := b.Create(name, testConfig())
	require.NoError(t, err)
	return atEnd(t, ch)
}

// open opens a buffer until the end of the test.
func open(t *testing.T, b *Backend, name string) *channel {
	t.Helper()
	ch, err := b.Open(name, driver.Config{})
	require.NoError(t, err)
	return atEnd(t, ch)
}

func atEnd(t *testing.T, ch driver.Channel) *channel {
	t.Helper()
	t.Cleanup(func() { require.NoError(t, errors.Join(ch.Remove(), ch.Close())) })
	c, ok := ch.(*channel)
	require.True(t, ok)
	return c
}
