package memfdshm

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

// The conversation between a writer's side (the client, whoever opens the buffer) and the reader's
// side (the server) consists of messages of one size over a SOCK_SEQPACKET connection, which keeps
// their boundaries. docs/backend-memfd.md lists them. The first 8 bytes are the same in every
// version.
const (
	messageSize = 40
	magic       = "ZBFD"
	version     = 1
)

// kind says what a message means. Letters C and S tell who sends it.
type kind uint8

const (
	_           kind = iota
	kindHello        // C: a is the client's PID. The first message of a connection.
	kindWelcome      // S: a is the size of the segment, b the offset of the semaphores, c the PID
	kindRefused      // S: a is the reason; then the connection is closed
	kindClaim        // C: may I have role?
	kindRelease      // C: I give role up
	kindOurs         // C: does anybody hold role?
	kindAlive        // C: is the peer in role, with PID a, alive?
	kindAnswer       // S: a is 1 for yes and 0 for no, id is that of the question
	kindEnd
)

// Why a server refuses a connection.
const (
	refusedVersion uint64 = iota + 1
	refusedUser
)

// message is one message, decoded.
type message struct {
	kind    kind
	role    driver.Role
	id      uint32 // of a question and its answer
	a, b, c uint64
}

// errMessage says that the peer does not keep to the protocol.
var errMessage = errors.New("not a message of the memfd handshake")

// versionError says that the peer speaks another version. It matches [layout.ErrIncompatible].
type versionError uint16

func (e versionError) Error() string {
	return fmt.Sprintf("the other side speaks version %d of the memfd handshake, this program "+
		"speaks %d: use the same release on both sides", uint16(e), version)
}

func (e versionError) Unwrap() error { return layout.ErrIncompatible }

// encode returns the bytes of a message.
func (m message) encode() []byte {
	b := make([]byte, messageSize)
	copy(b, magic)
	binary.LittleEndian.PutUint16(b[4:], version)
	b[6], b[7] = byte(m.kind), byte(m.role)
	binary.LittleEndian.PutUint32(b[8:], m.id)
	binary.LittleEndian.PutUint64(b[16:], m.a)
	binary.LittleEndian.PutUint64(b[24:], m.b)
	binary.LittleEndian.PutUint64(b[32:], m.c)
	return b
}

// decode reads a message that anybody may have sent.
func decode(b []byte) (message, error) {
	if len(b) < 8 || string(b[:4]) != magic {
		return message{}, errMessage
	}
	if v := binary.LittleEndian.Uint16(b[4:]); v != version {
		return message{}, versionError(v)
	}
	m := message{kind: kind(b[6]), role: driver.Role(b[7])}
	if len(b) != messageSize || m.kind == 0 || m.kind >= kindEnd || m.role > driver.Writer {
		return message{}, errMessage
	}
	m.id = binary.LittleEndian.Uint32(b[8:])
	m.a = binary.LittleEndian.Uint64(b[16:])
	m.b = binary.LittleEndian.Uint64(b[24:])
	m.c = binary.LittleEndian.Uint64(b[32:])
	return m, nil
}
