package winshm

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/windows"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

const (
	// lockPatience is how long a lock file that somebody holds is asked for again: the scans of
	// peers open every lock file for a moment (wire contract, section 5).
	lockPatience = 50 * time.Millisecond
	lockPause    = time.Millisecond
)

// errLockHeld says that a lock file is held longer than a scan takes.
var errLockHeld = errors.New("lock file is held by another program")

// lockPath is where the lock file of a buffer is, in the form that has no limit of 260 characters
// and knows no names of devices.
func (b *Backend) lockPath(n *objectNames) (string, error) {
	dir := b.opts.TempDir
	if dir == "" {
		dir = os.TempDir()
	}
	path, err := filepath.Abs(filepath.Join(dir, n.lock))
	switch {
	case err != nil:
		return "", fmt.Errorf("place lock file: %w", err)
	case strings.HasPrefix(path, `\\?\`):
		return path, nil
	case strings.HasPrefix(path, `\\`):
		return `\\?\UNC` + path[1:], nil
	}
	return `\\?\` + path, nil
}

// acquireLock opens the lock file so that nobody else can, which is all the lock that the peers
// have, and so that it is removed when this process closes it or ends. The error matches
// errLockHeld when somebody holds it. Where there can be no lock file the handle is 0, with a note
// in the log: the objects themselves keep a second reader away.
func (b *Backend) acquireLock(n *objectNames, config *driver.Config) (windows.Handle, error) {
	path, err := b.lockPath(n)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(path), 0o700)
	}
	for start := time.Now(); err == nil; time.Sleep(lockPause) {
		var h windows.Handle
		h, err = windows.CreateFile(utf16Name(path), windows.GENERIC_READ|windows.GENERIC_WRITE, 0,
			nil, windows.OPEN_ALWAYS, windows.FILE_ATTRIBUTE_NORMAL|windows.FILE_FLAG_DELETE_ON_CLOSE,
			0)
		if err == nil || errors.Is(err, windows.ERROR_ALREADY_EXISTS) && h != 0 {
			return h, nil
		}
		// One that is just being removed may not be opened either.
		held := errors.Is(err, windows.ERROR_SHARING_VIOLATION)
		if !held && !errors.Is(err, windows.ERROR_ACCESS_DENIED) {
			break
		}
		if time.Since(start) < lockPatience {
			err = nil
		} else if held {
			return 0, fmt.Errorf("lock %s: %w", path, errLockHeld)
		}
	}
	config.Logger.Warn("cannot hold a lock file: programs of other languages do without it",
		"path", path, "error", err)
	return 0, nil
}
