//go:build linux

package interop

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	posixshm "github.com/zerobuffer-go/zerobuffer/backend-posix"
	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
)

// cLibrary is a C library that the peer of testdata/peer.c is linked with.
type cLibrary struct {
	name     string
	variable string // leads to the program
	kind     posixshm.CLibrary
}

var cLibraries = []cLibrary{
	{"glibc", "ZEROBUFFER_PEER_GLIBC", posixshm.Glibc},
	{"musl-1.2.3", "ZEROBUFFER_PEER_MUSL", posixshm.Musl},
	{"musl-1.2.5", "ZEROBUFFER_PEER_NEWER_MUSL", posixshm.Musl},
}

// forLibraries runs a test with the peer of each library. Ours uses one backend for all of them: it
// recognises what a C reader has made, and what its own readers make it is told.
func forLibraries(t *testing.T, test func(t *testing.T, l cLibrary)) {
	for _, l := range cLibraries {
		t.Run(l.name, func(t *testing.T) {
			need(t, l.variable)
			test(t, l)
		})
	}
}

// newReader makes a buffer with the semaphores of the library.
func (l cLibrary) newReader(t *testing.T, name string, payload int) *zerobuffer.Reader {
	t.Helper()
	r, err := zerobuffer.NewReader(posixshm.New(&posixshm.Options{CLibrary: l.kind}), name,
		&zerobuffer.ReaderOptions{PayloadSize: int64(payload)})
	require.NoError(t, err)
	t.Cleanup(func() { _ = r.Close() })
	return r
}

// job is what the C peer is to do.
type job struct {
	role            string
	name            string
	ring            int // of a reader
	first, count    int
	smallest, large int
	timeout         int // ms of one sem_timedwait; 0 is longer than the watchdog
}

func (j job) args() []string {
	if j.timeout == 0 {
		j.timeout = 1000 * int(10*watchdog.Seconds())
	}
	a := []string{j.role, j.name}
	for _, n := range []int{j.ring, j.first, j.count, j.smallest, j.large, j.timeout} {
		a = append(a, strconv.Itoa(n))
	}
	return a
}

// frame is what the C peer writes as frame i, and expects.
func (j job) frame(i int) []byte {
	b := make([]byte, j.smallest+i*7919%(j.large-j.smallest+1))
	for k := range b {
		b[k] = byte(i + k)
	}
	return b
}

func (j job) write(t *testing.T, w *zerobuffer.Writer, first, n int) {
	t.Helper()
	ctx := watched(t)
	for i := first; i < first+n; i++ {
		if err := w.WriteFrame(ctx, j.frame(i)); err != nil {
			t.Fatalf("write frame %d: %v\n%s", i, err, state(j.name))
		}
	}
}

func (j job) read(t *testing.T, r *zerobuffer.Reader, first, n int) {
	t.Helper()
	ctx := watched(t)
	for i := first; i < first+n; i++ {
		frame, err := r.ReadFrame(ctx)
		if err != nil {
			t.Fatalf("read frame %d: %v\n%s", i, err, state(j.name))
		}
		if !bytes.Equal(frame.Bytes(), j.frame(i)) {
			t.Fatalf("frame %d of %d bytes is wrong", i, frame.Len())
		}
		frame.Release()
	}
}

// cProcess is a running C peer.
type cProcess struct {
	t      *testing.T
	cmd    *exec.Cmd
	in     io.Closer
	out    *bufio.Scanner
	stderr bytes.Buffer
	ended  bool
}

// start starts the C peer and waits until it has its side of the buffer. It closes when the test
// is over.
func (l cLibrary) start(t *testing.T, j job) *cProcess {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), watchdog)
	p := &cProcess{t: t, cmd: exec.CommandContext(ctx, need(t, l.variable), j.args()...)}
	p.cmd.Stderr = &p.stderr
	in, err := p.cmd.StdinPipe()
	require.NoError(t, err)
	out, err := p.cmd.StdoutPipe()
	require.NoError(t, err)
	p.in, p.out = in, bufio.NewScanner(out)
	require.NoError(t, p.cmd.Start())
	t.Cleanup(func() { p.kill(); cancel() })
	p.says("open")
	return p
}

// says waits for a line of the peer.
func (p *cProcess) says(format string, args ...any) {
	p.t.Helper()
	if !p.out.Scan() {
		err := p.cmd.Wait()
		p.ended = true
		p.t.Fatalf("C peer: %v: %s", err, &p.stderr)
	}
	require.Equal(p.t, fmt.Sprintf(format, args...), p.out.Text())
}

// close lets the peer close its side and waits for its end.
func (p *cProcess) close() {
	p.t.Helper()
	_ = p.in.Close()
	p.ended = true
	require.NoError(p.t, p.cmd.Wait(), "C peer: %s", &p.stderr)
}

// kill ends the peer by SIGKILL, unless it has ended, and waits until it is gone.
func (p *cProcess) kill() {
	if p.ended {
		return
	}
	p.ended = true
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}
