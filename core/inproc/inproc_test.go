package inproc_test

import (
	"errors"
	"log/slog"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/inproc"
	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

// config is a small segment that layout has formatted.
func config() driver.Config {
	g := layout.Geometry{MetadataSize: 64, PayloadSize: 128}
	return driver.Config{
		Size: g.SegmentSize(),
		Format: func(mem []byte, pid uint64) error {
			_, err := layout.Format(mem, g, pid)
			return err
		},
		Logger: slog.New(slog.DiscardHandler),
	}
}

// create makes a buffer on a machine of its own.
func create(t testing.TB) driver.Channel {
	t.Helper()
	ch, err := inproc.New().Create("camera", config())
	require.NoError(t, err)
	return ch
}

func TestProcessPIDs(t *testing.T) {
	t.Parallel()
	m := inproc.NewMachine()
	a, b := m.Process(), m.Process()
	require.NotZero(t, a.PID())
	require.NotEqual(t, a.PID(), b.PID())
	require.Equal(t, "inproc", a.Name())
}

func TestProcessCreate(t *testing.T) {
	t.Parallel()
	m := inproc.NewMachine()
	p := m.Process()
	c := config()
	var zeroed bool
	format := c.Format
	c.Format = func(mem []byte, pid uint64) error {
		zeroed = true
		for _, b := range mem {
			zeroed = zeroed && b == 0
		}
		require.Equal(t, p.PID(), pid)
		return format(mem, pid)
	}
	ch, err := p.Create("camera", c)
	require.NoError(t, err)
	require.True(t, zeroed)
	require.Len(t, ch.Memory(), int(c.Size))
	require.Zero(t, uintptr(unsafe.Pointer(&ch.Memory()[0]))%8)
	require.True(t, ch.Liveness().Ours(driver.Reader))
	require.False(t, ch.Liveness().Ours(driver.Writer))
	opened, err := m.Process().Open("camera", config())
	require.NoError(t, err)
	require.Same(t, &ch.Memory()[0], &opened.Memory()[0])
}

func TestProcessErrors(t *testing.T) {
	t.Parallel()
	p := inproc.New()
	_, err := p.Open("camera", config())
	require.ErrorIs(t, err, driver.ErrNotFound)
	_, err = p.Open("a/b", config())
	require.ErrorIs(t, err, driver.ErrInvalidName)
	_, err = p.Create("a/b", config())
	require.ErrorIs(t, err, driver.ErrInvalidName)
	c := config()
	c.Size = 1 << 50
	_, err = p.Create("camera", c)
	require.ErrorIs(t, err, driver.ErrNoSpace)
	c = config()
	broken := errors.New("broken")
	c.Format = func([]byte, uint64) error { return broken }
	_, err = p.Create("camera", c)
	require.ErrorIs(t, err, broken)
	_, err = p.Open("camera", config())
	require.ErrorIs(t, err, driver.ErrNotFound, "something was left")
}

func TestProcessKill(t *testing.T) {
	t.Parallel()
	m := inproc.NewMachine()
	reader, writer := m.Process(), m.Process()
	ch, err := reader.Create("camera", config())
	require.NoError(t, err)
	_, err = m.Process().Create("camera", config())
	require.ErrorIs(t, err, driver.ErrReaderConnected)
	opened, err := writer.Open("camera", config())
	require.NoError(t, err)
	live := opened.Liveness()
	require.NoError(t, live.Claim(driver.Writer))
	require.True(t, live.Alive(driver.Reader, reader.PID()))
	require.True(t, live.Ours(driver.Reader))
	reader.Kill()
	require.False(t, live.Alive(driver.Reader, reader.PID()))
	require.False(t, live.Ours(driver.Reader))
	require.NoError(t, opened.Check(), "what a killed process has made stays")
	writer.Kill()
	require.False(t, ch.Liveness().Alive(driver.Writer, writer.PID()))
	next, err := m.Process().Create("camera", config())
	require.NoError(t, err)
	require.NotSame(t, &ch.Memory()[0], &next.Memory()[0])
	require.ErrorIs(t, opened.Check(), driver.ErrSegmentRemoved)
}

func TestChannelClaims(t *testing.T) {
	t.Parallel()
	m := inproc.NewMachine()
	ch, err := m.Process().Create("camera", config())
	require.NoError(t, err)
	a, err := m.Process().Open("camera", config())
	require.NoError(t, err)
	b, err := m.Process().Open("camera", config())
	require.NoError(t, err)
	require.ErrorIs(t, a.Liveness().Claim(driver.Reader), driver.ErrReaderConnected)
	require.NoError(t, a.Liveness().Claim(driver.Writer))
	require.ErrorIs(t, b.Liveness().Claim(driver.Writer), driver.ErrWriterConnected)
	require.True(t, b.Liveness().Alive(driver.Writer, 0), "a claim beats the PID")
	require.False(t, a.Liveness().Alive(driver.Writer, 0), "the own claim is no peer")
	require.NoError(t, b.Remove()) // holds no claim, and must not take that of a
	require.ErrorIs(t, b.Liveness().Claim(driver.Writer), driver.ErrWriterConnected)
	require.NoError(t, a.Remove())
	require.NoError(t, b.Liveness().Claim(driver.Writer))
	require.NoError(t, b.Check(), "only the owner removes the name")
	require.NoError(t, ch.Remove())
	require.ErrorIs(t, b.Check(), driver.ErrSegmentRemoved)
	require.NoError(t, errors.Join(a.Close(), b.Close(), ch.Close()))
}

// TestMachinesAreApart shows that a name means nothing on another machine.
func TestMachinesAreApart(t *testing.T) {
	t.Parallel()
	create(t)
	_, err := inproc.New().Open("camera", config())
	require.ErrorIs(t, err, driver.ErrNotFound)
}
