package build

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
)

// cPeerSource is a peer of our own, linked with each C library whose semaphores ours speaks.
const cPeerSource = "compat/interop/testdata/peer.c"

// cPeer is one of the programs that are made of it.
type cPeer struct {
	name     string
	variable string   // tells the tests where the program is
	compiler []string // with what comes before the flags for all
	install  string   // what to install if the compiler is missing
}

// cPeers are the programs, compiled with the Python of the virtual environment where the compiler
// comes from there. Debian's musl is 1.2.3; zig carries 1.2.5, whose semaphores are different.
func cPeers(python string) []cPeer {
	arch := map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[runtime.GOARCH]
	zig := []string{python, "-m", "ziglang", "cc", "-target", arch + "-linux-musl", "-static"}
	return []cPeer{
		{"glibc", "ZEROBUFFER_PEER_GLIBC", []string{"gcc", "-pthread"}, "gcc and libc6-dev"},
		{"musl", "ZEROBUFFER_PEER_MUSL", []string{"musl-gcc", "-static"}, "gcc and musl-tools"},
		{"newer-musl", "ZEROBUFFER_PEER_NEWER_MUSL", zig, "ziglang of " + Requirements},
	}
}

// path is where the program lies if it was made of the source, and in the way, that hold now.
func (c cPeer) path() (string, error) {
	text, err := os.ReadFile(cPeerSource)
	if err != nil {
		return "", fmt.Errorf("read the C peer: %w", err)
	}
	requirements, err := requirementsHash()
	if err != nil {
		return "", err
	}
	text = fmt.Appendf(text, "%q %s", c.compiler, requirements)
	name := fmt.Sprintf("peer-%s-%.8x", c.name, sha256.Sum256(text))
	path, err := filepath.Abs(filepath.Join(CacheDir, "interop", name))
	if err != nil {
		return "", fmt.Errorf("place the C peer: %w", err)
	}
	return path, nil
}

// env is the variable with the path of the program, or nothing if it was not built.
func (c cPeer) env() []string {
	path, err := c.path()
	if err != nil {
		return nil
	}
	if _, err := os.Stat(path); err != nil {
		return nil
	}
	return []string{c.variable + "=" + path}
}

// errNoCompiler says that a program cannot be made on this machine.
var errNoCompiler = errors.New("no compiler for the C peer")

func (c cPeer) build(ctx context.Context) error {
	if len(c.env()) > 0 {
		return nil
	}
	if _, err := exec.LookPath(c.compiler[0]); err != nil {
		return fmt.Errorf("%w with %s: %w; install %s", errNoCompiler, c.name, err, c.install)
	}
	path, err := c.path()
	if err != nil {
		return err
	}
	cache, err := filepath.Abs(filepath.Join(CacheDir, "zig"))
	if err != nil {
		return fmt.Errorf("place the cache of zig: %w", err)
	}
	quiet := Command{
		Stdout: os.Stderr,
		Env:    []string{"ZIG_GLOBAL_CACHE_DIR=" + cache, "ZIG_LOCAL_CACHE_DIR=" + cache},
	}
	half := path + ".tmp" // so that a compiler that is interrupted leaves nothing that looks whole
	args := slices.Concat(c.compiler[1:], []string{
		"-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-o", half, cPeerSource,
	})
	if err := quiet.Run(ctx, c.compiler[0], args...); err != nil {
		return err
	}
	if err := os.Rename(half, path); err != nil {
		return fmt.Errorf("place the C peer: %w", err)
	}
	return nil
}

// buildC makes the programs that are missing. Where nothing may be skipped a missing compiler is
// an error, else the tests with that program are skipped.
func (p Peers) buildC(ctx context.Context) error {
	for _, c := range cPeers(p.Python) {
		err := c.build(ctx)
		if errors.Is(err, errNoCompiler) && !Strict() {
			fmt.Fprintln(os.Stderr, err)
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// HasC tells whether all programs of the C peer are there.
func (p Peers) HasC() bool {
	for _, c := range cPeers(p.Python) {
		if len(c.env()) == 0 {
			return false
		}
	}
	return true
}
