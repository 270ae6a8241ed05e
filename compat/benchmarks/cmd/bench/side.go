package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/zerobuffer-go/zerobuffer/compat/benchmarks/internal/profile"
	"github.com/zerobuffer-go/zerobuffer/compat/measure"
	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
)

// side is what one of the two processes of a measurement does. The Python peer gets the same, in
// the same JSON.
type side struct {
	Role     string        `json:"role"`    // one of roles
	Means    string        `json:"means"`   // how frames move: meansRing and so on
	Address  string        `json:"address"` // of the buffer or socket, without the name
	Name     string        `json:"name"`    // of the buffer or socket, unique
	Size     int           `json:"size"`
	Batch    int           `json:"batch"` // frames a call, or in a buffer of 64 KiB
	Ring     int64         `json:"ring"`
	Wait     waitMode      `json:"wait"`
	Rate     int           `json:"rate"`
	ZeroCopy bool          `json:"zero_copy"`
	Duration time.Duration `json:"duration"` // nanoseconds
	CPU      int           `json:"cpu"`      // to which to move, -1: anywhere
	Profile  string        `json:"profile"`  // directory for a CPU profile, none if empty
}

type waitMode = zerobuffer.WaitMode

const (
	meansRing   = "ring"
	meansSocket = "socket" // Unix or TCP
	meansPipe   = "pipe"
	meansShmipc = "shmipc"
)

// roles are what a side can do.
var roles = map[string]func(context.Context, side) (result, error){
	"receive":   receive,
	"send":      send,
	"ask":       ask,
	"echo":      echo,
	"watch":     watch,
	"pace":      pace,
	"idle-read": idleRead,
	"present":   present,
	"starve":    starve,
	"full":      full,
	"busy":      busy,
}

// runSide is a process of a measurement. text is the side in JSON.
func runSide(ctx context.Context, text string, stdin io.Reader, stdout, stderr io.Writer) int {
	var s side
	err := json.Unmarshal([]byte(text), &s)
	if err == nil && s.CPU >= 0 {
		err = pinTo(s.CPU)
	}
	ctx, cancel := measure.SecondContext(ctx, stdin)
	defer cancel()
	var r result
	if err == nil {
		role := roles[s.Role]
		if role == nil {
			err = fmt.Errorf("choose a role: there is no %q", s.Role)
		} else {
			r, err = profiled(ctx, s, role)
		}
	}
	if err == nil {
		err = json.NewEncoder(stdout).Encode(r)
	}
	if err != nil {
		if ctx.Err() == nil {
			fmt.Fprintf(stderr, "bench, %s of %s%s: %v\n", s.Role, s.Address, s.Means, err)
		}
		return 1
	}
	return 0
}

// profiled runs a role, and writes its CPU profile if that is asked for.
func profiled(
	ctx context.Context, s side, role func(context.Context, side) (result, error),
) (r result, err error) {
	name := profile.Writer
	if s.Role == "receive" || s.Role == "echo" || s.Role == "watch" || s.Role == "idle-read" {
		name = profile.Reader
	}
	stop, err := profile.Start(s.Profile, name)
	if err != nil {
		return result{}, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	return role(ctx, s)
}

// busy keeps a processor busy until it is told to end.
func busy(ctx context.Context, _ side) (result, error) {
	var s uint64
	for b := content(1 << 10); ctx.Err() == nil; {
		s += sum(b)
	}
	return result{Sum: s}, nil
}
