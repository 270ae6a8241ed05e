package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zerobuffer-go/zerobuffer/compat/native"
	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/inproc"
)

// asCommand makes the test binary behave as the command itself.
const asCommand = "ZEROBUFFER_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		main()
		return
	}
	code := m.Run()
	if left := leftovers(); code == 0 && len(left) > 0 {
		fmt.Fprintf(os.Stderr, "left behind: %v\n", left)
		code = 1
	}
	os.Exit(code)
}

// prefix is in the name of every buffer of this test process.
var prefix = fmt.Sprintf("zerobuffer-test-%d", os.Getpid())

// leftovers lists what the tests should have removed.
func leftovers() []string {
	var left []string
	for _, dir := range []string{
		"/dev/shm", "/tmp/zerobuffer", "/tmp/zerobuffer/locks", // posix
		fmt.Sprintf("/tmp/zerobuffer-%d", os.Geteuid()), // memfd
		filepath.Join(os.Getenv("XDG_RUNTIME_DIR"), "zerobuffer"),
	} {
		found, _ := filepath.Glob(filepath.Join(dir, "*"+prefix+"*"))
		left = append(left, found...)
	}
	return left
}

// tempFile is the path of a file that the test may make. It and its directory are removed by name
// first: under Wine 8 os.RemoveAll removes nothing but what os.Remove can.
func tempFile(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	t.Cleanup(func() { _, _ = os.Remove(path), os.Remove(dir) })
	return path
}

var counter atomic.Int64

// newName returns the name of a buffer that no other test uses.
func newName() string { return fmt.Sprintf("%s-%d", prefix, counter.Add(1)) }

// backend is the one of the platform, or the one that works everywhere.
var backend = func() driver.Backend {
	if native.Supported() == nil {
		return native.Backend()
	}
	return inproc.New()
}()

// resolve is what the commands of the tests use.
func resolve(address string) (driver.Backend, string, error) {
	if native.Supported() == nil {
		return native.Resolve(address)
	}
	return backend, address, driver.CheckName(address)
}

// output is a buffer that may be read while a command writes to it.
type output struct {
	lock chan struct{}
	buf  bytes.Buffer
}

func newOutput() *output { return &output{lock: make(chan struct{}, 1)} }

func (o *output) Write(b []byte) (int, error) {
	o.lock <- struct{}{}
	defer func() { <-o.lock }()
	return o.buf.Write(b)
}

func (o *output) String() string {
	o.lock <- struct{}{}
	defer func() { <-o.lock }()
	return o.buf.String()
}

// running is a command in the background.
type running struct {
	t              *testing.T
	args           []string
	code           chan int
	stdout, stderr *output
	cancel         context.CancelFunc
}

// start runs a command line in the background. A watchdog stops it when a test hangs.
func start(t *testing.T, stdin io.Reader, args ...string) *running {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	c := &running{t, args, make(chan int, 1), newOutput(), newOutput(), cancel}
	go func() { c.code <- runWith(ctx, resolve, args, stdin, c.stdout, c.stderr) }()
	t.Cleanup(cancel)
	return c
}

// exits waits for the end of the command and compares its exit code.
func (c *running) exits(code int) *running {
	c.t.Helper()
	if got := <-c.code; got != code {
		c.t.Fatalf("%v: exit code %d, want %d\nstdout: %s\nstderr: %s",
			c.args, got, code, c.stdout, c.stderr)
	}
	return c
}

// json decodes what the command printed.
func (c *running) json() map[string]any {
	c.t.Helper()
	var fields map[string]any
	require.NoError(c.t, json.Unmarshal([]byte(c.stdout.String()), &fields), c.stdout.String())
	return fields
}

// small keeps the rings of the tests small.
const small = "--buffer-size=64KiB"

// call runs a command line to its end.
func call(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	c := start(t, strings.NewReader(""), args...)
	return <-c.code, c.stdout.String(), c.stderr.String()
}

func TestHelp(t *testing.T) {
	for _, args := range [][]string{{"--help"}, {"-h"}, {"writer", "--help"}, {"relay", "-h"}} {
		code, stdout, stderr := call(t, args...)
		require.Equal(t, exitOK, code)
		require.Empty(t, stderr)
		require.Contains(t, stdout, "Usage: zerobuffer")
	}
}

func TestVersion(t *testing.T) {
	code, stdout, _ := call(t, "version")
	require.Equal(t, exitOK, code)
	require.Contains(t, stdout, "protocol 1.0.0")
	require.Contains(t, stdout, runtime.GOOS+"/"+runtime.GOARCH)
	for _, backend := range native.Schemes() {
		require.Contains(t, stdout, backend)
	}
	if native.Default() != "" {
		require.Contains(t, stdout, native.Default()+" (default)")
	}

	code, stdout, _ = call(t, "version", "--json-output")
	require.Equal(t, exitOK, code)
	var got build
	require.NoError(t, json.Unmarshal([]byte(stdout), &got))
	require.Equal(t, runtime.GOOS+"/"+runtime.GOARCH, got.Platform)
	require.Equal(t, "1.0.0", got.Protocol)
	require.Equal(t, native.Default(), got.DefaultBackend)
	require.ElementsMatch(t, native.Schemes(), got.Backends)
}

func TestBadArguments(t *testing.T) {
	for name, c := range map[string]struct{ args, want string }{
		"no-command":       {"", "expected one of"},
		"unknown-command":  {"copy a", "copy"},
		"no-name":          {"writer", "<name>"},
		"bad-name-out":     {`relay a b\c`, "backslash"},
		"bad-name":         {`reader a\b`, "backslash"},
		"unknown-option":   {"reader a --fast", "--fast"},
		"bad-pattern":      {"writer a --pattern stripes", "sequential"},
		"bad-verify":       {"reader a --verify stripes", "sequential"},
		"bad-size":         {"writer a -s huge", "64KiB"},
		"zero-size":        {"writer a -s 0", "at least 1 byte"},
		"reader-zero-size": {"reader a -s 0", "at least 1 byte"},
		"bad-frames":       {"reader a -n many", "many"},
		"bad-timeout":      {"reader a --timeout-ms -1", "milliseconds"},
		"bad-delay":        {"writer a --delay-ms -1", "negative"},
		"bad-batch":        {"writer a --batch-size 0", "--batch-size"},
		"bad-mode":         {"reader a --mode 999", "octal"},
		"bad-ring":         {"reader a --buffer-size 1", "64 bytes"},
		"two-metadata":     {"writer a -m x --metadata-file y", "can't be used together"},
		"no-metadata-file": {"writer a --metadata-file /nowhere/at/all", "/nowhere/at/all"},
		"size-and-video":   {"writer a -s 5 --video 2x2", "can't be used together"},
		"stdin-and-input":  {"writer a --stdin --input f -s 5", "can't be used together"},
		"stdin-no-size":    {"writer a --stdin", "--video"},
		"no-input":         {"writer a --input /nowhere/at/all -s 5", "/nowhere/at/all"},
		"bad-video":        {"writer a --video 5", "WIDTHxHEIGHT"},
		"lonely-framerate": {"writer a --framerate 30/1", "--video"},
		"no-output":        {"reader a --output /nowhere/at/all", "/nowhere/at/all"},
		"relay-one-name":   {"relay a", "<out>"},
		"relay-same-name":  {"relay a a", "different"},
		"relay-transform":  {"relay a b --transform sort", "reverse"},
		"relay-key":        {"relay a b --xor-key 256", "0xff"},
		"relay-log":        {"relay a b --log-interval -1", "negative"},
	} {
		t.Run(name, func(t *testing.T) {
			code, stdout, stderr := call(t, strings.Fields(c.args)...)
			require.Equal(t, exitUsage, code, stderr)
			require.Empty(t, stdout)
			require.Contains(t, stderr, c.want)
		})
	}
}

func TestByteSize(t *testing.T) {
	for text, want := range map[string]byteSize{
		"0": 0, "4096": 4096, "4096B": 4096, "64K": 65536, "64KiB": 65536, "64kb": 65536,
		"1.5MB": 3 << 19, "256 MiB": 256 << 20, "2G": 2 << 30, "1TiB": 1 << 40,
	} {
		var got byteSize
		require.NoError(t, got.UnmarshalText([]byte(text)), text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{"", "B", "-1", "1X", "MiB", "NaN", "1e30", "K4"} {
		require.Error(t, new(byteSize).UnmarshalText([]byte(text)), text)
	}
}
