package native

import (
	"errors"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

func TestBackendOfThisPlatform(t *testing.T) {
	b := Backend()
	require.NotNil(t, b)
	require.NotEmpty(t, b.Name())
	if runtime.GOOS == "linux" || runtime.GOOS == "windows" {
		require.NoError(t, Supported())
		return
	}
	require.ErrorIs(t, Supported(), errors.ErrUnsupported)
}

func TestUnsupportedNamesThePlatform(t *testing.T) {
	var b driver.Backend = unsupported{}
	_, create := b.Create("n", driver.Config{})
	_, open := b.Open("n", driver.Config{})
	for _, err := range []error{create, open} {
		require.ErrorIs(t, err, errors.ErrUnsupported)
		require.ErrorContains(t, err, runtime.GOOS+"/"+runtime.GOARCH)
	}
}
