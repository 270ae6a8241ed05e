package winshm

import (
	"errors"
	"fmt"
	"math"

	"golang.org/x/sys/windows"
)

// process is a handle of a process, which keeps its number from being used again.
type process struct{ handle windows.Handle }

var (
	errNoProcess = errors.New("there is no such process")
	errHidden    = errors.New("process may not be looked at")
)

// openProcess opens the process of that number. It is errNoProcess if there is none, and errHidden
// if it lives and belongs to somebody else.
func openProcess(pid uint64) (*process, error) {
	if pid == 0 || pid > math.MaxUint32 {
		return nil, errNoProcess
	}
	h, err := windows.OpenProcess(
		windows.SYNCHRONIZE|windows.PROCESS_QUERY_LIMITED_INFORMATION, false, uint32(pid))
	switch {
	case errors.Is(err, windows.ERROR_INVALID_PARAMETER):
		return nil, errNoProcess
	case errors.Is(err, windows.ERROR_ACCESS_DENIED):
		return nil, errHidden
	case err != nil:
		return nil, fmt.Errorf("open process %d: %w", pid, err)
	}
	// Windows leaves the lowest two bits of the number out of account.
	if id, err := windows.GetProcessId(h); err == nil && uint64(id) != pid {
		_ = windows.CloseHandle(h)
		return nil, errNoProcess
	}
	return &process{h}, nil
}

// ended tells whether the process has ended, whoever still has a handle of it.
func (p *process) ended() bool {
	event, err := windows.WaitForSingleObject(p.handle, 0)
	return err == nil && event == windows.WAIT_OBJECT_0
}

func (p *process) close() {
	if p != nil {
		_ = windows.CloseHandle(p.handle)
	}
}

// aliveProcess tells whether a process of that number lives.
func aliveProcess(pid uint64) bool {
	p, err := openProcess(pid)
	if err != nil {
		return !errors.Is(err, errNoProcess)
	}
	defer p.close()
	return !p.ended()
}
