package zerobuffer_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/inproc"
)

// tuneSpy is a backend that can lock memory, or says so, and notes what it was asked.
type tuneSpy struct {
	driver.Backend
	asked []driver.MemoryOptions
}

func (b *tuneSpy) Create(name string, config driver.Config) (driver.Channel, error) {
	ch, err := b.Backend.Create(name, config)
	return &tuneSpyChannel{ch, b}, err
}

func (b *tuneSpy) Open(name string, config driver.Config) (driver.Channel, error) {
	ch, err := b.Backend.Open(name, config)
	return &tuneSpyChannel{ch, b}, err
}

type tuneSpyChannel struct {
	driver.Channel
	spy *tuneSpy
}

var errNoHugePages = errors.New("no huge pages today")

func (c *tuneSpyChannel) Tune(o driver.MemoryOptions) driver.MemoryStatus {
	c.spy.asked = append(c.spy.asked, o)
	return driver.MemorySteps{
		Lock: func() *driver.MemoryError { return nil },
		HugePages: func() *driver.MemoryError {
			return &driver.MemoryError{Err: errNoHugePages, Hint: "try tomorrow"}
		},
	}.Tune(o)
}

func TestMemoryReported(t *testing.T) {
	log := &logbook{}
	b := &tuneSpy{Backend: inproc.New()}
	all := zerobuffer.MemoryOptions{Prefault: true, HugePages: true, Lock: true}
	r, err := zerobuffer.NewReader(b, "camera",
		&zerobuffer.ReaderOptions{Memory: all, Logger: log.logger()})
	require.NoError(t, err)
	defer r.Close()
	w, err := zerobuffer.NewWriter(b, "camera",
		&zerobuffer.WriterOptions{Memory: zerobuffer.MemoryOptions{HugePages: true}})
	require.NoError(t, err)
	defer w.Close()
	require.Empty(t, cmp.Diff([]driver.MemoryOptions{all, {HugePages: true}}, b.asked))

	st := r.Memory()
	require.Empty(t, cmp.Diff(zerobuffer.MemoryOptions{Lock: true}, st.Active))
	require.Len(t, st.Refused, 2)
	require.ErrorIs(t, st.Refused[0], errNoHugePages)
	require.EqualError(t, st.Refused[0],
		"use memory option HugePages: no huge pages today; try tomorrow")
	require.Equal(t, "Prefault", st.Refused[1].Option)
	require.ErrorIs(t, st.Refused[1], errors.ErrUnsupported)
	warnings := 0
	for _, entry := range log.all() {
		if entry == "WARN memory option is not in effect" {
			warnings++
		}
	}
	require.Equal(t, 2, warnings, "one for each refusal: %q", log.all())

	st.Refused[0] = nil // a copy
	require.NotNil(t, r.Memory().Refused[0])
	require.Empty(t, cmp.Diff(zerobuffer.MemoryOptions{}, w.Memory().Active))
	require.Len(t, w.Memory().Refused, 1)
}

// A writer that does not get through, and one that asks for nothing, do no work on the mapping.
func TestMemoryOnlyWhenConnected(t *testing.T) {
	b := &tuneSpy{Backend: inproc.New()}
	r, err := zerobuffer.NewReader(b, "camera", nil)
	require.NoError(t, err)
	defer r.Close()
	first, err := zerobuffer.NewWriter(b, "camera", nil)
	require.NoError(t, err)
	defer first.Close()
	opts := &zerobuffer.WriterOptions{Memory: zerobuffer.MemoryOptions{Lock: true}}
	_, err = zerobuffer.NewWriter(b, "camera", opts)
	require.ErrorIs(t, err, zerobuffer.ErrWriterConnected)
	require.Empty(t, b.asked)
	require.Empty(t, cmp.Diff(zerobuffer.MemoryStatus{}, r.Memory()))
	require.NoError(t, first.Close())
	second, err := zerobuffer.NewWriter(b, "camera", opts)
	require.NoError(t, err)
	defer second.Close()
	require.Len(t, b.asked, 1)
	require.NoError(t, second.Close())
	require.Empty(t, cmp.Diff(zerobuffer.MemoryStatus{Active: opts.Memory}, second.Memory()))
}
