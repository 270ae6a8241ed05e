package build

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"time"
)

// WinPeerEnv is the variable that names the C program, built from WinPeerSource, that the tests of
// backend-windows run beside ours.
const WinPeerEnv = "ZEROBUFFER_WINPEER"

const (
	winPeerSource = "backend-windows/testdata/peer.c"
	// Go programs import ProcessPrng from bcryptprimitives.dll, which Wine 8 does not have.
	prngSource = "internal/build/testdata/bcryptprimitives.c"
	mingw      = "x86_64-w64-mingw32-gcc"
	// winePackages are those of Debian.
	winePackages = "wine and gcc-mingw-w64-x86-64"
	noProgram    = "there is no such program inside Wine: "
)

// wineTarget is what runs under Wine.
var wineTarget = Target{"windows", "amd64"}

// unfitForWine is the one list of tests that are left out there.
var unfitForWine = []Unfit{
	{"TestCrossProcessREADMEExamples", noProgram + "go"},
	{"TestCrossProcessVideo", noProgram + "ffmpeg"},
	{"TestDecodeGivesWhatFFmpegHashes", noProgram + "ffmpeg"},
	{"TestSimilarLooksAtSomeNamesOnly", "Wine 8 cannot remove that many files of a directory"},
}

// WineHost is a Wine of our own: its files, its registry, its server, all below [CacheDir].
type WineHost struct {
	dir  string // absolute
	peer string // the C program
}

// SetUpWine finds Wine and a compiler for Windows, and makes what is missing below [CacheDir]. The
// caller ends it with [WineHost.End].
func SetUpWine(ctx context.Context) (*WineHost, error) {
	for _, tool := range []string{"wine", "wineserver", mingw} {
		if _, err := exec.LookPath(tool); err != nil {
			return nil, fmt.Errorf("find %s: %w; on Debian install %s", tool, err, winePackages)
		}
	}
	dir, err := filepath.Abs(filepath.Join(CacheDir, "wine"))
	if err != nil {
		return nil, fmt.Errorf("place Wine: %w", err)
	}
	h := &WineHost{dir: dir, peer: filepath.Join(dir, "peer.exe")}
	if err := os.MkdirAll(h.temp(), 0o700); err != nil {
		return nil, fmt.Errorf("make the directories of Wine: %w", err)
	}
	if err := h.install(ctx); err != nil {
		return nil, errors.Join(err, h.End())
	}
	return h, nil
}

// install makes the prefix, unless it is there, and builds the programs in C.
func (h *WineHost) install(ctx context.Context) error {
	quiet := Command{Env: h.Env(), Stdout: os.Stderr}
	system := filepath.Join(h.prefix(), "drive_c", "windows", "system32")
	if _, err := os.Stat(filepath.Join(h.prefix(), "system.reg")); err != nil {
		if err := quiet.Run(ctx, "wine", "wineboot", "--init"); err != nil {
			return err
		}
		if err := quiet.Run(ctx, "wineserver", "-w"); err != nil { // writes the registry
			return err
		}
	}
	err := quiet.Run(ctx, mingw, "-O2", "-Wall", "-shared",
		"-o", filepath.Join(system, "bcryptprimitives.dll"), prngSource, "-ladvapi32")
	if err != nil {
		return err
	}
	if err := quiet.Run(ctx, mingw, "-O2", "-Wall", "-o", h.peer, winPeerSource); err != nil {
		return err
	}
	// The server and the services that the first program starts keep its output open, for which
	// "go test" would wait. So they are started here, and stay until End, also while nothing runs
	// for as long as it takes to build all tests.
	if err := quiet.Run(ctx, "wineserver", "-p600"); err != nil {
		return err
	}
	return quiet.Run(ctx, "wine", "cmd", "/c", "exit")
}

func (h *WineHost) prefix() string { return filepath.Join(h.dir, "prefix") }

// temp is where the server of Wine keeps its socket and the memory of sections.
func (h *WineHost) temp() string { return filepath.Join(h.dir, "tmp") }

// Env is the environment for "go test -exec=wine" and for programs under this Wine.
func (h *WineHost) Env() []string {
	return []string{
		"GOOS=windows", "GOARCH=amd64", "CGO_ENABLED=0",
		"WINEPREFIX=" + h.prefix(), "WINEDEBUG=-all", "TMPDIR=" + h.temp(), "DISPLAY=",
		// No menus, no .NET, no HTML engine: each would ask for a download or write to $HOME.
		"WINEDLLOVERRIDES=winemenubuilder.exe,mscoree,mshtml=d",
		WinPeerEnv + "=Z:" + h.peer,
	}
}

// tests runs the tests of the packages under Wine.
func (h *WineHost) tests(packages []string, noSkip bool) TestRun {
	return TestRun{
		Packages: packages,
		Flags:    []string{"-exec=wine", "-count=1", "-timeout=4m", "-skip=" + skipPattern(unfitForWine)},
		Env:      h.Env(),
		NoSkip:   noSkip,
	}
}

// End ends the server of this Wine with all its programs, and removes what it keeps while it runs.
func (h *WineHost) End() error {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	c := Command{Env: h.Env(), Stdout: os.Stderr}
	_, _ = c.Output(ctx, "wineserver", "-k") // an error says that none runs
	_, err := c.Output(ctx, "wineserver", "-w")
	// After much work a server was seen to go on all the same, with its services.
	killByEnv("WINEPREFIX=" + h.prefix())
	return errors.Join(err, os.RemoveAll(h.temp()))
}

// wineRun changes a run of tests so that it happens under Wine. The caller calls end after the run.
func wineRun(ctx context.Context, t TestRun) (run TestRun, end func() error, err error) {
	h, err := SetUpWine(ctx)
	if err != nil {
		return t, nil, err
	}
	run = h.tests(t.Packages, t.NoSkip)
	run.Flags = append(run.Flags, t.Flags...)
	return run, h.End, nil
}

// Wine runs what can be run of the tests under Wine, then the demo for everybody to see.
func Wine(ctx context.Context) (err error) {
	if runtime.GOOS == "windows" {
		return errors.New(`this is Windows itself: run "go tool mage test" and "go tool mage demo"`)
	}
	h, err := SetUpWine(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.End()) }()
	all := []string{"./compat/..."}
	compat, err := Packages(ctx, all, "compat/interop")
	if err != nil {
		return err
	}
	packages := append([]string{"./core/...", "./backend-windows/...", "./examples/..."}, compat...)
	kills := h.tests([]string{"./backend-windows"}, Strict())
	kills.Flags = append(kills.Flags, "-tags=zbsteps", "-run=^TestKillAtEveryPoint")
	err = RunTests(ctx, Lane{h.tests(packages, Strict()), kills})
	printUnfit("Wine", unfitForWine)
	if err != nil {
		return err
	}
	demo := filepath.Join(h.dir, "demo.exe")
	c := Command{Env: h.Env()}
	if err := c.Run(ctx, "go", "build", "-o", demo, "./examples/demo"); err != nil {
		return err
	}
	return c.Run(ctx, "wine", demo)
}

// lazyWine is a Wine that is set up when it is first needed.
type lazyWine struct {
	mu   sync.Mutex
	host *WineHost
}

func (l *lazyWine) setUp(ctx context.Context) (*WineHost, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.host != nil {
		return l.host, nil
	}
	var err error
	l.host, err = SetUpWine(ctx)
	return l.host, err
}

func (l *lazyWine) end() {
	if l.host == nil {
		return
	}
	if err := l.host.End(); err != nil {
		fmt.Fprintln(os.Stderr, "end Wine:", err)
	}
}
