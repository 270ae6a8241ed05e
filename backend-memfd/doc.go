// Package memfdshm is the backend for Linux without named objects in /dev/shm: the buffer is a
// memfd, which the reader hands to its writer over a Unix socket.
//
//	r, err := zerobuffer.NewReader(memfdshm.New(nil), "camera", nil)
//
// One memfd holds the OIEB, the metadata, the ring and the words of both semaphores. It is sealed:
// nobody can shrink or grow it, so no peer can make the other fault by truncating it. The reader
// listens on a socket in a directory that only its user may enter; the writer connects, says hello
// and gets the descriptor. The connection stays open and is the sign of life: the system closes it
// when a process ends, however it ends, so a death is noticed at once, also across containers that
// share nothing but the directory with the socket.
//
// When both sides are killed, nothing stays behind but the path of the socket, and the next Create
// takes that over. With an abstract socket ([Options.Abstract]), or without one ([Options.Private],
// [Join]), nothing stays behind at all.
//
// Programs of other languages do not speak this handshake; towards them use package posixshm.
package memfdshm
