package winshm

import (
	"errors"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/windows"
)

// skip ends a test that cannot run here; where nothing may be skipped it has failed.
func skip(t *testing.T, reason string) {
	t.Helper()
	if os.Getenv("ZEROBUFFER_NOSKIP") == "1" {
		t.Fatalf("%s, and nothing may be skipped", reason)
	}
	t.Skip(reason)
}

// needRights skips a test whose reader makes a section below Global\, where this account may not:
// an ordinary one may not.
func needRights(t *testing.T, opts *Options) {
	t.Helper()
	n, err := namesOf(newName(), opts)
	require.NoError(t, err)
	if !isGlobal(n.segment) {
		return
	}
	h, err := makeSection(n.segment, 4096, nil)
	closeHandle(&h)
	if errors.Is(err, windows.ERROR_ACCESS_DENIED) {
		skip(t, "a section below Global\\ needs the right SeCreateGlobalPrivilege: run the tests as "+
			"administrator or as a service")
	}
	require.NoError(t, err)
}

// needTwoNamespaces skips a test of names that differ only in Global\: in session 0, where services
// run, it makes no difference.
func needTwoNamespaces(t *testing.T) {
	t.Helper()
	name := newName()
	h, err := windows.CreateEvent(nil, 0, 0, utf16Name(name))
	require.NoError(t, err)
	defer closeHandle(&h)
	same, err := windows.OpenEvent(windows.SYNCHRONIZE, false, utf16Name(global+name))
	closeHandle(&same)
	if err == nil {
		skip(t, "names below Global\\ and those of the session are the same in session 0")
	}
}
