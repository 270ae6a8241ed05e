// Package posixshm is the Linux backend of ZeroBuffer: segments in /dev/shm and semaphores in
// the format of a C library's named semaphores, made and used by system calls alone, without cgo.
// It meets the C++, C# and Python programs of the same protocol.
//
// A buffer named N consists of these objects (wire contract, section 1, in docs/protocol.md):
//
//	/dev/shm/N                          the segment
//	/dev/shm/sem.sem-w-N                tokens for frames, posted by the writer
//	/dev/shm/sem.sem-r-N                tokens for space, posted by the reader
//	/tmp/zerobuffer/N.lock              held by flock(2) while the reader lives (C++, Python)
//	$TMPDIR/zerobuffer/locks/N.lock     the same for C# ($TMPDIR defaults to /tmp)
//
// The semaphores are those of glibc. Programs that are linked with musl (Alpine) have others, named
// /dev/shm/sem-w-N and /dev/shm/sem-r-N. Open recognises them; for Create [Options] has CLibrary. A
// buffer has one kind: a writer in C that is linked with musl connects to a reader of this package
// only if that was told to make musl's.
//
// Segment and semaphores appear complete: they are made without a name and linked into place, so
// a killed program leaves no temporary files and nobody sees a half-made one. The pages of the
// segment are reserved first, so a full /dev/shm is an error of Create and never a SIGBUS later.
//
// # Who is alive
//
// A program of this module holds an open-file-description lock on a byte of the segment, which
// the kernel drops with the process and which is seen across PID namespaces. Peers of other
// languages hold none. For them the PID in the segment is judged: who may not be signalled lives,
// a zombie does not, and a number that is used again is not the peer. If the PID is none that is
// visible here, or that of a process that has not mapped the segment, the peer may be in another
// container: then a write lease (fcntl F_SETLEASE), dropped at once, tells whether anybody else
// has the segment open. Another user's segment grants no lease; then the peer counts as alive.
//
// # What a hostile peer can do
//
// Whoever may write to the objects may also truncate them, and an access to a page that is gone
// is a SIGBUS. Calls of package zerobuffer return [driver.ErrSegmentTruncated] then, and Check
// reports a segment that has shrunk. Code of the program that reads a view is protected by Frame.Do
// only. Give the objects to programs that you trust: the default mode is 0600.
//
// The package compiles on every target. Where it cannot work, Create and Open return an error
// that matches [errors.ErrUnsupported].
package posixshm
