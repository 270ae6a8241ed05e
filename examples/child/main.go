// Command child gets frames from a child process, and picks the backend itself: a memfd that
// nobody but the child can reach, where the system has that, and else the default backend of the
// platform with a name that no other buffer has.
//
//	go run ./examples/child [-named]
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"time"

	memfdshm "github.com/zerobuffer-go/zerobuffer/backend-memfd"
	"github.com/zerobuffer-go/zerobuffer/compat/native"
	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

// inherited is the descriptor that a child gets as the first of [exec.Cmd.ExtraFiles].
const inherited = 3

func main() {
	named := flag.Bool("named", false, "use a name, as systems without memfd do")
	write := flag.String("write", "", "used for the child: the address of the buffer, or - for a "+
		"buffer whose socket is inherited")
	flag.Parse()
	run := func() error { return read(*named) }
	if *write != "" {
		run = func() error { return writeTo(*write) }
	}
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

// read starts a child and reads what it writes.
func read(named bool) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	child := exec.Command(self)
	child.Stderr = os.Stderr
	var r *zerobuffer.Reader
	if !named {
		r, err = private(child)
	}
	if named || errors.Is(err, errors.ErrUnsupported) {
		r, err = byName(child)
	}
	if err != nil {
		return err
	}
	defer r.Close()
	err = child.Start()
	for _, f := range child.ExtraFiles {
		f.Close() // the child has its own now; while we had one too, it would not seem to die
	}
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for frame, err := range r.Frames(ctx) {
		if err != nil {
			return errors.Join(err, child.Process.Kill(), child.Wait())
		}
		fmt.Printf("frame %d: %s\n", frame.Sequence(), frame.Bytes())
		frame.Release()
	}
	return child.Wait()
}

// private makes a buffer in a memfd without a name anywhere. The child inherits the connection.
func private(child *exec.Cmd) (*zerobuffer.Reader, error) {
	backend := memfdshm.New(&memfdshm.Options{Private: true})
	r, err := zerobuffer.NewReader(backend, "frames", nil)
	if err != nil {
		return nil, err
	}
	invitation, err := backend.Invite("frames")
	if err != nil {
		return nil, errors.Join(err, r.Close())
	}
	child.ExtraFiles = []*os.File{invitation}
	child.Args = append(child.Args, "-write", "-")
	fmt.Println("backend memfd: only the child can reach the buffer")
	return r, nil
}

// byName makes a buffer with the default backend and tells the child its name.
func byName(child *exec.Cmd) (*zerobuffer.Reader, error) {
	name := "zerobuffer-" + rand.Text()
	r, err := zerobuffer.NewReader(native.Backend(), name, nil)
	if err != nil {
		return nil, err
	}
	child.Args = append(child.Args, "-write", name)
	fmt.Printf("backend %s: the child is told the name\n", native.Backend().Name())
	return r, nil
}

// writeTo is the child.
func writeTo(address string) error {
	var backend driver.Backend
	name := "frames"
	if address == "-" {
		backend = memfdshm.Join(os.NewFile(inherited, "invitation"))
	} else {
		var err error
		if backend, name, err = native.Resolve(address); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	w, err := zerobuffer.OpenWriter(ctx, backend, name, nil)
	if err != nil {
		return err
	}
	defer w.Close()
	for i := range 3 {
		if err := w.WriteFrame(ctx, fmt.Appendf(nil, "hello %d from the child", i)); err != nil {
			return err
		}
	}
	return nil
}
