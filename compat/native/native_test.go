package native

import (
	"errors"
	"runtime"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

func TestBackendOfThisPlatform(t *testing.T) {
	b := Backend()
	require.NotNil(t, b)
	require.NotEmpty(t, b.Name())
	if len(schemes) > 0 {
		require.NoError(t, Supported())
		require.Equal(t, Default(), Schemes()[0])
		return
	}
	require.ErrorIs(t, Supported(), errors.ErrUnsupported)
	require.Empty(t, Default())
	require.Empty(t, Schemes())
	_, _, err := Resolve("camera")
	require.ErrorIs(t, err, errors.ErrUnsupported)
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

// Each row of the table is a known scheme, and there once.
func TestSchemesAreKnown(t *testing.T) {
	require.Subset(t, known, Schemes())
	require.Len(t, slices.Compact(slices.Sorted(slices.Values(Schemes()))), len(schemes))
}

// Each backend once, whatever options its other schemes stand for.
func TestBackends(t *testing.T) {
	names := map[string]bool{}
	for _, scheme := range Schemes() {
		b, _, err := Resolve(scheme + ":camera")
		require.NoError(t, err)
		names[b.Name()] = true
	}
	require.Len(t, Backends(), len(names))
	for _, scheme := range Backends() {
		b, _, err := Resolve(scheme + ":camera")
		require.NoError(t, err)
		require.Equal(t, scheme, b.Name())
	}
}

func TestResolveSchemeOfAnotherBuild(t *testing.T) {
	for _, name := range known {
		b, buffer, err := Resolve(name + ":camera")
		if slices.Contains(Schemes(), name) {
			require.NoError(t, err)
			require.Equal(t, "camera", buffer)
			require.NotNil(t, b)
			continue
		}
		require.Nil(t, b)
		require.ErrorIs(t, err, errors.ErrUnsupported)
		require.NotErrorIs(t, err, driver.ErrInvalidName)
		for _, in := range Schemes() {
			require.ErrorContains(t, err, in)
		}
		require.ErrorContains(t, err, `"`+name+`:camera"`)
	}
}

func TestSimpleScheme(t *testing.T) {
	b, name, err := simple("any", func() driver.Backend { return unsupported{} }).resolve("a:b")
	require.NoError(t, err)
	require.Equal(t, unsupported{}, b)
	require.Equal(t, "a:b", name)
}

func TestSame(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"camera", "camera", true},
		{"memfd:camera", "memfd:camera", true},
		{"memfd:/run/app/camera", "memfd:/run/./app//camera", true},
		{"posix:camera", "posix-musl:camera", true},
		{"win:camera", "win-python:camera", true},
		{"win-global:camera", "win-cpp:camera", true},
		{"win:camera", "win-global:camera", false},
		{"camera", "camera2", false},
		{"posix:camera", "memfd:camera", false},
		{"memfd:camera", "memfd:@camera", false},
		{"left:camera", "right:camera", false},
	} {
		require.Equal(t, c.want, Same(c.a, c.b), "%q and %q", c.a, c.b)
		require.Equal(t, c.want, Same(c.b, c.a), "%q and %q", c.b, c.a)
	}
	if Default() != "" {
		require.True(t, Same("camera", Default()+":camera"))
	}
}

// Whatever comes in: either there is a backend and a good name, or one of the two errors.
func FuzzResolve(f *testing.F) {
	for _, address := range []string{
		"camera", "", ":", "posix:", "memfd:@", "memfd:@camera", "memfd:/", "memfd:/a/b", "memfd:a/b",
		"memfd:/a\x00b/c", "win:camera", "left:camera", "posix:memfd:camera", "memfd:\xff",
	} {
		f.Add(address)
	}
	f.Fuzz(func(t *testing.T, address string) {
		b, name, err := Resolve(address)
		if err == nil {
			if b == nil || driver.CheckName(name) != nil {
				t.Fatalf("%q gives %v and the name %q", address, b, name)
			}
			if !Same(address, Default()+":"+address) && !slices.Contains(known, schemeOf(address)) {
				t.Fatalf("%q is not short for the default scheme", address)
			}
			return
		}
		if b != nil || name != "" {
			t.Fatalf("%q gives %v and %q beside the error %v", address, b, name, err)
		}
		if errors.Is(err, driver.ErrInvalidName) == errors.Is(err, errors.ErrUnsupported) {
			t.Fatalf("%q gives the error %v", address, err)
		}
		if len(err.Error()) > 1000 {
			t.Fatalf("the error of a long address is long: %v", err)
		}
	})
}

func schemeOf(address string) string {
	name, _ := split(address)
	return name
}
