package testproc

import (
	"fmt"
	"net"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// Plant has another user put something at path, where a program will look for an object of its
// own, and returns the child that did it: it lives on until the end of the test, and goes on at
// Step. The package has [PlantCommand] among its commands as "plant".
//
// Kinds are file, empty, zeros, directory, open-directory, pipe, link (a symbolic link to target),
// hard-link (to a new file of that user), locked (a file, with flock), leased (a file, with a lease
// that is not given up), dead-socket, socket, and copy (of the file target).
func Plant(t testing.TB, uid uint32, kind, path, target string) *Child {
	t.Helper()
	c := Prepare(t, "plant", kind, path, target).AsUser(uid)
	c.Begin()
	return c.Ready()
}

// PlantCommand is the child of [Plant].
func PlantCommand(args []string) error {
	kind, path, target := args[0], args[1], args[2]
	syscall.Umask(0)
	plant := planters[kind]
	if plant == nil {
		return fmt.Errorf("no kind %q", kind)
	}
	// What stands there and is this user's goes.
	_, _ = os.Remove(path), os.Remove(path+linked)
	keep, err := plant(path, target)
	if err != nil {
		return err
	}
	Say("ready")
	runtime.KeepAlive(keep) // open, as long as the child waits
	return nil
}

const (
	plantedText = "something else entirely"
	// linked is the other name of a hard link.
	linked = "-linked"
)

var planters = map[string]func(path, target string) (keep any, err error){
	"file":  func(path, _ string) (any, error) { return nil, write(path, plantedText) },
	"empty": func(path, _ string) (any, error) { return nil, write(path, "") },
	"zeros": func(path, _ string) (any, error) {
		return nil, write(path, strings.Repeat("\x00", 4096))
	},
	"copy": func(path, target string) (any, error) {
		b, err := os.ReadFile(target)
		if err != nil {
			return nil, err
		}
		return nil, write(path, string(b))
	},
	"directory":      func(path, _ string) (any, error) { return nil, os.Mkdir(path, 0o755) },
	"open-directory": func(path, _ string) (any, error) { return nil, os.Mkdir(path, 0o777) },
	"pipe":           func(path, _ string) (any, error) { return nil, syscall.Mkfifo(path, 0o666) },
	"link":           func(path, target string) (any, error) { return nil, os.Symlink(target, path) },
	"hard-link": func(path, _ string) (any, error) {
		if err := write(path+linked, plantedText); err != nil {
			return nil, err
		}
		return nil, os.Link(path+linked, path)
	},
	"locked": func(path, _ string) (any, error) {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
		if err != nil {
			return nil, err
		}
		return f, syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	},
	"leased": func(path, _ string) (any, error) {
		signal.Ignore(syscall.SIGIO) // with which it is asked to let go
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
		if err != nil {
			return nil, err
		}
		const setLease = 1024 // F_SETLEASE
		_, _, code := syscall.Syscall(syscall.SYS_FCNTL, f.Fd(), setLease, syscall.F_WRLCK)
		if code != 0 {
			return nil, code
		}
		return f, nil
	},
	"dead-socket": func(path, _ string) (any, error) {
		l, err := net.ListenUnix("unixpacket", &net.UnixAddr{Name: path, Net: "unixpacket"})
		if err != nil {
			return nil, err
		}
		l.SetUnlinkOnClose(false)
		return nil, l.Close()
	},
	"socket": func(path, _ string) (any, error) {
		return net.ListenUnix("unixpacket", &net.UnixAddr{Name: path, Net: "unixpacket"})
	},
}

func write(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.WriteString(text)
	return err
}
