package winshm

import (
	"errors"
	"runtime"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

// The names are part of the wire contract, section 1.
func TestNamesOfEachLanguage(t *testing.T) {
	for opts, want := range map[Options]objectNames{
		{}: {
			segment: "cam", sems: [2]string{"sem-w-cam", "sem-r-cam"},
			claims: [2]string{"zbgo-r-cam", "zbgo-w-cam"}, waits: "zbgo-n-cam", closing: "zbgo-c-cam",
			lock: `zerobuffer\locks\cam.lock`,
		},
		{Global: true}: {
			segment: `Global\cam`, sems: [2]string{`Global\sem-w-cam`, `Global\sem-r-cam`},
			claims: [2]string{`Global\zbgo-r-cam`, `Global\zbgo-w-cam`},
			waits:  `Global\zbgo-n-cam`, closing: `Global\zbgo-c-cam`, lock: `zerobuffer\locks\cam.lock`,
		},
		{Names: Python}: {
			segment: "cam", sems: [2]string{`Global\sem-w-cam`, `Global\sem-r-cam`},
			claims: [2]string{"zbgo-r-cam", "zbgo-w-cam"}, waits: "zbgo-n-cam", closing: "zbgo-c-cam",
			lock: "cam.lock",
		},
		{Names: CPP}: {
			segment: `Global\cam`, sems: [2]string{`Global\sem-/sem-w-cam`, `Global\sem-/sem-r-cam`},
			claims: [2]string{`Global\zbgo-r-cam`, `Global\zbgo-w-cam`},
			waits:  `Global\zbgo-n-cam`, closing: `Global\zbgo-c-cam`, lock: `zerobuffer\cam.lock`,
		},
	} {
		got, err := namesOf("cam", &opts)
		require.NoError(t, err)
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(objectNames{})); diff != "" {
			t.Errorf("%+v: (-want +got)\n%s", opts, diff)
		}
	}
}

func TestNamesThatCannotBeFiles(t *testing.T) {
	for _, name := range []string{"a:b", "a*", "?", `"a"`, "<a", "a>", "a|b", `a\b`, "a/b", ""} {
		_, err := namesOf(name, &Options{})
		require.ErrorIs(t, err, driver.ErrInvalidName, name)
	}
	for _, name := range []string{"CON", "nul", "a.", "a ", "é", strings.Repeat("x", 245)} {
		_, err := namesOf(name, &Options{Names: CSharp})
		require.NoError(t, err, name)
	}
}

// A buffer of such a name would have an object of another buffer as its segment.
func TestNamesOfOurOwnObjects(t *testing.T) {
	for _, names := range []Names{CSharp, Python, CPP} {
		for _, name := range []string{"zbgo-", "zbgo-n-cam", "zbgo-r-cam", "zbgo-w-cam", "zbgo-c-cam"} {
			_, err := namesOf(name, &Options{Names: names})
			require.ErrorIs(t, err, driver.ErrInvalidName, name)
			require.ErrorContains(t, err, `start with "zbgo-"`)
		}
		_, err := namesOf("zbgo", &Options{Names: names})
		require.NoError(t, err)
	}
}

// The C++ programs' names are longer, so less is left for ours.
func TestNamesThatAreTooLong(t *testing.T) {
	cpp := &Options{Names: CPP}
	_, err := namesOf(strings.Repeat("x", 241), cpp)
	require.NoError(t, err)
	_, err = namesOf(strings.Repeat("x", 242), cpp)
	require.ErrorIs(t, err, driver.ErrInvalidName)
	require.ErrorContains(t, err, "1 characters too long")
	_, err = namesOf(strings.Repeat("é", 122), cpp)
	require.NoError(t, err, "characters count, not bytes")
}

func FuzzNames(f *testing.F) {
	f.Add("camera", uint8(0), false)
	f.Add(strings.Repeat("x", 245), uint8(2), true)
	f.Add("a:b", uint8(1), false)
	f.Fuzz(func(t *testing.T, name string, names uint8, inGlobal bool) {
		n, err := namesOf(name, &Options{Names: Names(names), Global: inGlobal})
		if err != nil {
			require.ErrorIs(t, err, driver.ErrInvalidName)
			return
		}
		seen := map[string]bool{}
		for _, object := range []string{
			n.segment, n.sems[0], n.sems[1], n.claims[0], n.claims[1], n.waits, n.closing,
		} {
			require.LessOrEqual(t, len(utf16.Encode([]rune(object))), maxObjectName)
			require.NotContains(t, object, "\x00")
			require.NotContains(t, strings.TrimPrefix(object, global), `\`)
			require.False(t, seen[object], "%q twice", object)
			seen[object] = true
		}
		require.True(t, strings.HasSuffix(n.lock, name+".lock"))
	})
}

func TestNamesString(t *testing.T) {
	require.Equal(t, "C#", CSharp.String())
	require.Equal(t, "Python", Python.String())
	require.Equal(t, "C++", CPP.String())
	require.Equal(t, "unknown", Names(9).String())
	require.Equal(t, "win", New(nil).Name())
}

func TestOtherSystems(t *testing.T) {
	if runtime.GOOS == "windows" {
		_, err := New(nil).Open("winshm-test-nothing", driver.Config{})
		require.NotErrorIs(t, err, errors.ErrUnsupported)
		return
	}
	_, create := New(nil).Create("n", driver.Config{})
	_, open := New(nil).Open("n", driver.Config{})
	for _, err := range []error{create, open} {
		require.ErrorIs(t, err, errors.ErrUnsupported)
		require.ErrorContains(t, err, runtime.GOOS+"/"+runtime.GOARCH)
	}
}
