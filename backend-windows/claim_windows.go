package winshm

import (
	"errors"
	"time"

	"golang.org/x/sys/windows"
)

const (
	// claimPatience is how long a claim that is taken is asked for again: who looks at it holds
	// it for a moment.
	claimPatience = 30 * time.Millisecond
	claimPause    = time.Millisecond
)

// errClaimed says that somebody else holds the claim.
var errClaimed = errors.New("claim is held")

// makeClaim makes the event that stands for a role. It is errClaimed when somebody holds it.
func makeClaim(name string, sa *windows.SecurityAttributes) (windows.Handle, error) {
	for start := time.Now(); ; time.Sleep(claimPause) {
		h, err := windows.CreateEvent(sa, 1, 0, utf16Name(name))
		if err == nil {
			return h, nil
		}
		if h != 0 {
			_ = windows.CloseHandle(h)
		}
		if !errors.Is(err, windows.ERROR_ALREADY_EXISTS) {
			return 0, openError("create", "event", name, err)
		}
		if time.Since(start) > claimPatience {
			return 0, errClaimed
		}
	}
}

// claimed tells whether somebody holds the claim. One that may not be opened is held.
func claimed(name *uint16) bool {
	h, err := windows.OpenEvent(windows.SYNCHRONIZE, false, name)
	if err == nil {
		_ = windows.CloseHandle(h)
		return true
	}
	return errors.Is(err, windows.ERROR_ACCESS_DENIED)
}
