// Package memfdshm is the backend for Linux without named objects: a sealed memfd that the reader
// hands to its writer over a Unix socket.
package memfdshm
