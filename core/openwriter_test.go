package zerobuffer_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

// TestOwnNumberDoesNotOutlastTheCall puts the PID of the writer into a buffer to which it is to
// connect, which may mean that it need only wait a moment: no call waits longer for that than it
// may, and those that have the time find out that it is another writer's.
func TestOwnNumberDoesNotOutlastTheCall(t *testing.T) {
	t.Parallel()
	g := newRig(t, zerobuffer.ReaderOptions{}, reconnecting)
	require.NoError(t, g.r.Close())
	_, err := g.w.TryWriteFrame([]byte{1})
	require.ErrorIs(t, err, zerobuffer.ErrReaderDead)
	g.renew(zerobuffer.ReaderOptions{})
	o := g.oieb()
	o.WriterPID.Store(g.writerP.PID())

	short, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	err = g.w.WriteFrame(short, []byte{1})
	requireErrors(t, err, zerobuffer.ErrReaderDead, context.DeadlineExceeded)
	short, cancel = context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err = zerobuffer.OpenWriter(short, g.writerP, bufferName, nil)
	requireErrors(t, err, zerobuffer.ErrWriterConnected, context.DeadlineExceeded)

	_, err = g.w.TryWriteFrame([]byte{1})
	require.ErrorIs(t, err, zerobuffer.ErrWriterConnected)
	require.ErrorIs(t, g.w.WriteFrame(t.Context(), []byte{1}), zerobuffer.ErrWriterConnected)
	_, err = zerobuffer.NewWriter(g.writerP, bufferName, nil)
	require.ErrorIs(t, err, zerobuffer.ErrWriterConnected)

	time.AfterFunc(50*time.Millisecond, func() { o.WriterPID.Store(0) }) // as the reader does
	require.NoError(t, g.w.WriteFrame(t.Context(), []byte{1}))
}

// loggingBackend has no buffer, and says so in the log.
type loggingBackend struct{ driver.Backend }

func (loggingBackend) Open(_ string, config driver.Config) (driver.Channel, error) {
	config.Logger.Warn("no buffer")
	return nil, driver.ErrNotFound
}

// TestOpenWriterLimitsItsLog looks for a buffer again and again, and logs no more for it than one
// Writer may in that time.
func TestOpenWriterLimitsItsLog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		log := new(logbook)
		_, err := zerobuffer.OpenWriter(ctx, loggingBackend{}, bufferName,
			&zerobuffer.WriterOptions{Logger: log.logger()})
		require.ErrorIs(t, err, zerobuffer.ErrBufferNotFound)
		require.LessOrEqual(t, len(log.all()), 200+10*10)
	})
}
