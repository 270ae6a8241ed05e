// Package winshm is the Windows backend of ZeroBuffer: a named section backed by the page file and
// two named semaphores. It meets the C++, C# and Python programs of the same protocol.
//
// A buffer named N consists of these objects (wire contract, section 1, in docs/protocol.md); the
// names are those of the C# programs unless [Options] says otherwise:
//
//	N                                   the segment
//	sem-w-N                             tokens for frames, posted by the writer
//	sem-r-N                             tokens for space, posted by the reader
//	%TEMP%\zerobuffer\locks\N.lock      held open, not shared, while the reader lives
//
// Programs of this module add objects that the others do not look at:
//
//	zbgo-r-N, zbgo-w-N                  events: the claims of the reader and of the writer
//	zbgo-c-N                            event: the reader has closed
//	zbgo-n-N                            a section of one page: how many wait on each semaphore
//
// Windows removes a name with its last handle. So nothing is ever left behind by a killed program,
// and nothing can be replaced while somebody holds it. Only the reader keeps a handle of the
// section: a view stays mapped without one, so a writer of ours does not keep the name in use.
//
// # Who is alive
//
// A claim is a named event that only one process can make, and that ends with it. For programs of
// other languages the PID in the segment is judged, by a handle of the process that is kept from
// the first sight on: a number that is used again is not the peer. A process that may not be
// opened counts as alive.
//
// # What is not seen
//
// A semaphore of Windows does not tell how many wait on it. Waits of programs of this module are
// counted beside it while they hold a claim; those of other programs are not seen. What follows
// from that is in docs/backend-windows.md.
//
// The package compiles on every target. Where it cannot work, Create and Open return an error
// that matches [errors.ErrUnsupported].
package winshm
