//go:build linux

package death

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/drivertest/testproc"
)

// survivor KIND DIR NAME STATES: is in each of the states on a buffer of its own, says "ready" when
// it has met the other side of each, and then a line for each state that ends: its name, when that
// was, and why. Then it says "done" and how late it was run itself, and after a step does it all
// again with the next name.
func survivor(args []string) error {
	p := place{args[0], args[1]}
	for round := 0; ; round++ {
		late := testproc.Lateness()
		if err := survive(p, fmt.Sprintf("%s-%d-", args[2], round), choose(args[3])); err != nil {
			return err
		}
		testproc.Say("done %d", late())
	}
}

func survive(p place, name string, all []state) error {
	met, lines := make(chan error), make(chan string)
	defer time.AfterFunc(watchdog, func() {
		fmt.Println("error: a call hangs")
		os.Exit(1)
	}).Stop()
	for _, st := range all {
		go func() {
			s, err := st.open(p.backend(), name+st.name)
			if err == nil {
				err = st.meet(s)
			}
			met <- err
			if err != nil {
				return
			}
			err = st.wait(s)
			line := fmt.Sprintf("%s %d %s", st.name, monotonic(), describe(err))
			if err := st.clean(p, name, s); err != nil {
				line = fmt.Sprintf("%s 0 clean up: %v", st.name, err)
			}
			lines <- line
		}()
	}
	for range all {
		if err := <-met; err != nil {
			return err
		}
	}
	fmt.Println("ready")
	for range all {
		fmt.Println(<-lines)
	}
	return nil
}

// clean ends the survivor's side, and takes away what a killed reader has left.
func (st state) clean(p place, name string, s side) error {
	if err := s.close(); err != nil || st.reader {
		return err
	}
	r, err := zerobuffer.NewReader(p.backend(), name+st.name, readerOptions())
	switch {
	case errors.Is(err, zerobuffer.ErrReaderConnected):
		return nil // it lives, and cleans up itself
	case errors.Is(err, zerobuffer.ErrPermission):
		return nil // it was another user, and the test cleans up
	}
	if err == nil {
		err = r.Close()
	}
	return err
}

// describe names what an error matches, and gives its text.
func describe(err error) string {
	for kind, want := range map[string]error{
		"writer-dead": zerobuffer.ErrWriterDead, "reader-dead": zerobuffer.ErrReaderDead,
		"removed": zerobuffer.ErrSegmentRemoved,
	} {
		if errors.Is(err, want) && !errors.Is(err, zerobuffer.ErrReaderClosed) {
			return kind + ": " + err.Error()
		}
	}
	if err == nil {
		return "went-on: "
	}
	return "other: " + err.Error()
}

// victim KIND DIR NAME STATES CLAIMS: is the other side of each state. It says "made" when its
// readers are there, "ready" when its writers have written one frame, and after the next step does
// what lets a blocked survivor go on. Unless CLAIMS is "ours" it is a program that holds no lock.
func victim(args []string) error {
	p := place{args[0], args[1]}
	time.AfterFunc(2*watchdog, func() { os.Exit(1) }) // it outlives no test that hangs
	var sides []side
	for _, st := range choose(args[3]) {
		if st.reader {
			continue
		}
		r, err := zerobuffer.NewReader(p.foreign(args[4]), args[2]+st.name, readerOptions())
		if err != nil {
			return err
		}
		sides = append(sides, side{r: r})
	}
	testproc.Say("made")
	for _, st := range choose(args[3]) {
		if !st.reader || st.group == alone {
			continue
		}
		w, err := zerobuffer.OpenWriter(background, p.foreign(args[4]), args[2]+st.name, nil)
		if err == nil {
			err = w.WriteFrame(background, []byte{1})
		}
		if err != nil {
			return err
		}
		sides = append(sides, side{w: w})
	}
	testproc.Say("ready %d", os.Getpid())
	defer runtime.KeepAlive(sides)
	for _, s := range sides {
		if err := s.goOn(); err != nil {
			return err
		}
	}
	testproc.Say("went on")
	var errs []error
	for _, s := range sides {
		errs = append(errs, s.close())
	}
	return errors.Join(errs...)
}

// goOn does what each state of the other side may wait for.
func (s side) goOn() error {
	if s.w != nil {
		err := s.w.SetMetadata([]byte("caps"))
		if err == nil {
			err = s.w.WriteFrame(background, []byte{2})
		}
		return err
	}
	for {
		f, ok, err := s.r.TryReadFrame()
		if errors.Is(err, zerobuffer.ErrWriterClosed) {
			return nil // the survivor has gone on, and has ended
		}
		if !ok || err != nil {
			return err
		}
		f.Release()
	}
}

// foreign is the backend of a program of ours, or of one that holds no lock and has nothing but its
// PID in the segment.
func (p place) foreign(claims string) driver.Backend {
	if claims == "ours" {
		return p.backend()
	}
	return unclaimed{p.backend()}
}

type unclaimed struct{ driver.Backend }

func (u unclaimed) Create(name string, config driver.Config) (driver.Channel, error) {
	ch, err := u.Backend.Create(name, config)
	if err != nil {
		return nil, err
	}
	ch.Liveness().Disclaim(driver.Reader)
	return unclaimedChannel{ch}, nil
}

func (u unclaimed) Open(name string, config driver.Config) (driver.Channel, error) {
	ch, err := u.Backend.Open(name, config)
	return unclaimedChannel{ch}, err
}

type unclaimedChannel struct{ driver.Channel }

func (c unclaimedChannel) Liveness() driver.Liveness {
	return unclaimedLiveness{c.Channel.Liveness()}
}

type unclaimedLiveness struct{ driver.Liveness }

func (unclaimedLiveness) Claim(driver.Role) error { return nil }

// sleeper says "ready" and waits to be killed.
func sleeper([]string) error { testproc.Say("ready"); return nil }
