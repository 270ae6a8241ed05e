package winshm

import (
	"errors"
	"fmt"

	"golang.org/x/sys/windows"
)

// lookPause is how many milliseconds lie between two looks after a reader that cannot tell.
const lookPause = 200

// closing is the event by which a reader of ours tells that it has closed while its process lives
// on. A writer that rests in no call would otherwise keep the names of the semaphores in use.
// Readers of other languages have no such event: a writer looks after them now and then.
type closing struct {
	event   windows.Handle // 0 if there is none: the reader is a program of another language
	end     windows.Handle // ends the watch; 0 on the side of the reader
	watched bool           // a goroutine owns the handles
}

// make makes the event, on the side of the reader.
func (c *closing) make(name string, sa *windows.SecurityAttributes) error {
	h, err := windows.CreateEvent(sa, 1, 0, utf16Name(name))
	if err == nil {
		c.event = h
		return nil
	}
	if h != 0 {
		_ = windows.CloseHandle(h)
	}
	return leftover("event", name, err)
}

// prepare makes what a watch needs, so that it cannot fail when a claim is held already.
func (c *closing) prepare() error {
	end, err := windows.CreateEvent(nil, 1, 0, nil)
	if err != nil {
		return fmt.Errorf("create event: %w", err)
	}
	c.end = end
	return nil
}

// open opens the event, on the side of a writer.
func (c *closing) open(name string) error {
	h, err := windows.OpenEvent(windows.SYNCHRONIZE, false, utf16Name(name))
	if errors.Is(err, windows.ERROR_FILE_NOT_FOUND) {
		return nil
	}
	if err != nil {
		return openError("open", "event", name, err)
	}
	c.event = h
	return nil
}

// tell says that the reader has closed. Its other names are free by then.
func (c *closing) tell() {
	if c.event != 0 {
		_ = windows.SetEvent(c.event)
	}
}

// watch calls closed, from a goroutine, when the reader tells that it has closed. A reader that has
// no event cannot tell; then closed is called every now and then to look for itself. The goroutine
// owns the two handles from then on and ends after letGo.
func (c *closing) watch(closed func()) {
	if c.end == 0 || c.watched {
		return
	}
	c.watched = true
	event, end := c.event, c.end
	go func() {
		if event != 0 {
			await(end, event, closed)
			_ = windows.CloseHandle(event)
		} else {
			lookUntil(end, closed)
		}
		_ = windows.CloseHandle(end)
	}()
}

// await calls closed after the event, and returns after end.
func await(end, event windows.Handle, closed func()) {
	both := []windows.Handle{end, event}
	first, err := windows.WaitForMultipleObjects(both, false, windows.INFINITE)
	if err == nil && first == windows.WAIT_OBJECT_0+1 {
		closed()
		_, _ = windows.WaitForSingleObject(end, windows.INFINITE)
	}
}

// lookUntil calls look every lookPause until end.
func lookUntil(end windows.Handle, look func()) {
	for {
		first, err := windows.WaitForSingleObject(end, lookPause)
		if err != nil || first != uint32(windows.WAIT_TIMEOUT) {
			return
		}
		look()
	}
}

// letGo gives up the name. It does not wait for a call of closed.
func (c *closing) letGo() {
	if c.watched {
		_ = windows.SetEvent(c.end)
	} else {
		closeHandle(&c.event)
		closeHandle(&c.end)
	}
	*c = closing{}
}
