package winshm

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/windows"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/drivertest"
	"github.com/zerobuffer-go/zerobuffer/core/drivertest/testproc"
)

// children are the commands of the other process.
var children = map[string]testproc.Command{
	"ends": func([]string) error { return nil },

	"side": drivertest.ChildCommand(func([]string) driver.Backend { return New(nil) }),

	// asks: two threads whose first question for the memory comes at the same time.
	"asks": func([]string) error {
		if err := procGlobalMemoryStatusEx.Find(); err != nil {
			return err
		}
		var begin, end sync.WaitGroup
		errs := make([]error, 2)
		begin.Add(len(errs))
		for i := range errs {
			end.Go(func() {
				begin.Done()
				begin.Wait()
				errs[i] = checkSpace(4096, 4096)
			})
		}
		end.Wait()
		return errors.Join(errs...)
	},

	"sleep": func([]string) error { testproc.Say("ready"); return nil },

	// hidden: a process that nobody may open.
	"hidden": func([]string) error {
		sd, err := windows.SecurityDescriptorFromString("D:P(D;;GA;;;WD)")
		if err != nil {
			return err
		}
		dacl, _, err := sd.DACL()
		if err != nil {
			return err
		}
		err = windows.SetSecurityInfo(windows.CurrentProcess(), windows.SE_KERNEL_OBJECT,
			windows.DACL_SECURITY_INFORMATION|windows.PROTECTED_DACL_SECURITY_INFORMATION,
			nil, nil, dacl, nil)
		if err != nil {
			return err
		}
		testproc.Say("ready")
		return nil
	},

	// reader: a reader of ours, which closes at the end.
	"reader": func(args []string) error {
		r, err := zerobuffer.NewReader(New(nil), args[0], &zerobuffer.ReaderOptions{PayloadSize: 256})
		if err != nil {
			return err
		}
		testproc.Say("ready")
		return r.Close()
	},

	// writer: a writer of ours, which closes at the end.
	"writer": func(args []string) error {
		w, err := zerobuffer.NewWriter(New(nil), args[0], nil)
		if err != nil {
			return err
		}
		testproc.Say("ready")
		return w.Close()
	},

	// full-writer: a writer of ours, which writes frames of 100 bytes until it blocks.
	"full-writer": func(args []string) error {
		w, err := zerobuffer.NewWriter(New(nil), args[0], nil)
		if err != nil {
			return err
		}
		fmt.Println("ready")
		for {
			if err := w.WriteFrame(context.Background(), make([]byte, 100)); err != nil {
				return errors.Join(err, w.Close())
			}
		}
	},
}

// create makes a buffer that ends with the test, as soon as the name is free.
func create(t *testing.T, b *Backend, name string) *channel {
	t.Helper()
	return atEnd(t, createFree(t, b, name))
}

// createFree makes a buffer. What is in the way of another process or goroutine may take longer to
// vanish on a busy machine than Create waits; that it never does is found by the watchdog.
func createFree(t *testing.T, b *Backend, name string) (ch driver.Channel) {
	t.Helper()
	untilFree(t, func() (err error) {
		ch, err = b.Create(name, drivertest.Config(1<<13))
		return err
	})
	return ch
}

// untilFree repeats a create while the name is in use.
func untilFree(t *testing.T, create func() error) {
	t.Helper()
	for begin := time.Now(); ; {
		err := create()
		if errors.Is(err, fs.ErrExist) && time.Since(begin) < watchdog {
			continue
		}
		require.NoError(t, err)
		return
	}
}

// open opens a buffer until the end of the test.
func open(t *testing.T, b *Backend, name string) *channel {
	t.Helper()
	ch, err := b.Open(name, driver.Config{})
	require.NoError(t, err)
	return atEnd(t, ch)
}

func atEnd(t *testing.T, ch driver.Channel) *channel {
	t.Helper()
	t.Cleanup(func() { require.NoError(t, errors.Join(ch.Remove(), ch.Close())) })
	c, ok := ch.(*channel)
	require.True(t, ok)
	return c
}
