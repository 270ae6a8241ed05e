package testproc

import (
	"errors"
	"runtime"
	"syscall"
	"testing"
)

// PrivateMounts runs test with an empty tmpfs on each of dirs, writable for everybody and sticky,
// in a mount namespace of its own. What the machine has there is neither seen nor touched. The
// namespace is that of one thread: it holds for test itself and for the children that it starts,
// not for its goroutines and subtests. It needs root.
func PrivateMounts(t *testing.T, dirs []string, test func()) {
	t.Helper()
	if syscall.Geteuid() != 0 {
		t.Skip("needs root for mounts of its own")
	}
	done := make(chan error, 1)
	go func() {
		// Never unlocked: the thread ends with the goroutine, and the mounts with the thread.
		runtime.LockOSThread()
		ended := errors.New("the test has ended early")
		defer func() { done <- ended }()
		if err := mountAll(dirs); err != nil {
			ended = err
			return
		}
		test()
		ended = nil
	}()
	if err := <-done; err != nil && !t.Failed() {
		t.Fatalf("private mounts: %v", err)
	}
}

func mountAll(dirs []string) error {
	if err := syscall.Unshare(syscall.CLONE_NEWNS | syscall.CLONE_FS); err != nil {
		return err
	}
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return err
	}
	for _, dir := range dirs {
		if err := syscall.Mount("test", dir, "tmpfs", 0, "mode=1777,size=64M"); err != nil {
			return err
		}
	}
	return nil
}

// AsUser makes a prepared child run as another user with no other groups.
func (c *Child) AsUser(uid uint32) *Child {
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	return c
}
