package driver_test

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

// TestErrorsMatchStandardLibrary checks the kinds, and that they do not match each other.
func TestErrorsMatchStandardLibrary(t *testing.T) {
	t.Parallel()
	all := []error{fs.ErrNotExist, fs.ErrExist, fs.ErrPermission, fs.ErrInvalid}
	for _, c := range []struct {
		err  error
		want error // nil for none
	}{
		{driver.ErrNotFound, fs.ErrNotExist},
		{driver.ErrNotReady, fs.ErrNotExist},
		{driver.ErrReaderConnected, fs.ErrExist},
		{driver.ErrWriterConnected, fs.ErrExist},
		{driver.ErrInvalidName, fs.ErrInvalid},
		{driver.ErrPermission, fs.ErrPermission},
		{driver.ErrNoSpace, nil},
		{driver.ErrSegmentRemoved, nil},
		{driver.ErrOverflow, nil},
	} {
		for _, std := range all {
			wrapped := fmt.Errorf("open: %w", c.err)
			if c.want != nil && errors.Is(std, c.want) {
				require.ErrorIs(t, wrapped, std)
			} else {
				require.NotErrorIs(t, wrapped, std)
			}
		}
		require.NotEmpty(t, c.err.Error())
	}
	require.ErrorIs(t, driver.ErrNotReady, driver.ErrNotFound)
	require.NotErrorIs(t, driver.ErrNotFound, driver.ErrNotReady)
	require.NotErrorIs(t, driver.ErrReaderConnected, driver.ErrWriterConnected)
}

func TestNoSpaceError(t *testing.T) {
	t.Parallel()
	err := error(&driver.NoSpaceError{Need: 100, Free: 64, Where: "/dev/shm", Hint: "use --shm-size"})
	require.ErrorIs(t, err, driver.ErrNoSpace)
	want := "not enough shared memory: need 100 bytes, /dev/shm has 64 free; use --shm-size"
	require.EqualError(t, err, want)
}

func TestRoleString(t *testing.T) {
	t.Parallel()
	require.Equal(t, "reader", driver.Reader.String())
	require.Equal(t, "writer", driver.Writer.String())
}
