package posixshm

import (
	"golang.org/x/sys/unix"

	"github.com/zerobuffer-go/zerobuffer/core/crashpoint"
	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

// The bytes of the segment that carry the claims, far behind its end. They are frozen for all
// releases (wire contract, section 5).
const readerByte = 1 << 62

func claimRange(role driver.Role, kind int16) *unix.Flock_t {
	return &unix.Flock_t{
		Type:   kind,
		Whence: unix.SEEK_SET,
		Start:  readerByte + int64(role),
		Len:    1,
	}
}

// setClaim locks the byte of role for the open file description fd. It is unix.EAGAIN if another
// description, of this process or another, holds it.
func setClaim(fd int, role driver.Role) error {
	err := retry(func() error {
		return unix.FcntlFlock(uintptr(fd), unix.F_OFD_SETLK, claimRange(role, unix.F_WRLCK))
	})
	crashpoint.At("lock-byte")
	if err == unix.EACCES {
		return unix.EAGAIN
	}
	return err
}

// dropClaim unlocks the byte of role.
func dropClaim(fd int, role driver.Role) {
	_ = retry(func() error {
		return unix.FcntlFlock(uintptr(fd), unix.F_OFD_SETLK, claimRange(role, unix.F_UNLCK))
	})
	crashpoint.At("unlock-byte")
}

// claimedByOther tells whether another description than fd holds the byte of role.
func claimedByOther(fd int, role driver.Role) bool {
	l := claimRange(role, unix.F_WRLCK)
	err := retry(func() error { return unix.FcntlFlock(uintptr(fd), unix.F_OFD_GETLK, l) })
	return err == nil && l.Type != unix.F_UNLCK
}

// lease is the answer to the question whether anybody else has a segment open or mapped.
type lease int

const (
	// leaseGranted says that nobody has. Whoever opens it now waits for dropLease.
	leaseGranted lease = iota
	// leaseRefused says that somebody has, in whatever namespace.
	leaseRefused
	// leaseUnsupported says nothing: another user's file, or leases are switched off.
	leaseUnsupported
)

// takeLease asks for a write lease on the file of fd, which the kernel grants only to the one
// open file description of a file; a mapping keeps the description that it was made with.
func takeLease(fd int) lease {
	// An opener makes the kernel signal the holder. The default is SIGIO, which ends a process
	// that has no handler; SIGURG is ignored by default and harmless to Go.
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETSIG, int(unix.SIGURG)); err != nil {
		return leaseUnsupported
	}
	_, err := unix.FcntlInt(uintptr(fd), unix.F_SETLEASE, unix.F_WRLCK)
	crashpoint.At("lease")
	switch err {
	case nil:
		return leaseGranted
	case unix.EAGAIN, unix.EBUSY:
		return leaseRefused
	}
	return leaseUnsupported
}

func dropLease(fd int) { _, _ = unix.FcntlInt(uintptr(fd), unix.F_SETLEASE, unix.F_UNLCK) }

// askLease takes the lease and drops it at once.
func askLease(fd int) lease {
	answer := takeLease(fd)
	if answer == leaseGranted {
		dropLease(fd)
	}
	return answer
}
