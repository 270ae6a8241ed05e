//go:build linux

package interop

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
)

// metadataSizes go up to what a block of 1024 bytes holds beside its length word.
var metadataSizes = []int{1, 7, 8, 100, 1016}

func TestPythonReaderMetadata(t *testing.T) {
	for _, size := range metadataSizes {
		t.Run(fmt.Sprintf("metadata-%d", size), func(t *testing.T) {
			name := newName(t, pythonLeaves...)
			p := startPeer(t)
			p.call("reader", args{"name": name, "payload": 4096, "metadata": 1024})
			w := newWriter(t, name)
			require.Empty(t, p.call("metadata", nil).Metadata, "before it is set")
			require.NoError(t, w.SetMetadata(content(9, size)))
			require.Equal(t, content(9, size), p.call("metadata", nil).Metadata)
			require.ErrorIs(t, w.SetMetadata([]byte("again")), zerobuffer.ErrMetadataSet)
			s := fixed(100)
			s.write(t, watched(t), w, 0, 1)
			p.call("read", args{"sizes": s, "n": 1})
			require.Equal(t, content(9, size), p.call("metadata", nil).Metadata, "after a frame")
		})
	}
}

func TestPythonReaderMetadataTooLarge(t *testing.T) {
	name := newName(t, pythonLeaves...)
	p := startPeer(t)
	p.call("reader", args{"name": name, "payload": 4096, "metadata": 1024})
	w := newWriter(t, name)
	require.ErrorIs(t, w.SetMetadata(content(0, 1017)), zerobuffer.ErrMetadataTooLarge)
	require.Empty(t, p.call("metadata", nil).Metadata)
	require.NoError(t, w.SetMetadata([]byte("smaller")), "it is not used up")
	require.Equal(t, []byte("smaller"), p.call("metadata", nil).Metadata)
}

func TestPythonWriterMetadata(t *testing.T) {
	for _, size := range metadataSizes {
		t.Run(fmt.Sprintf("metadata-%d", size), func(t *testing.T) {
			name := newName(t)
			p := startPeer(t)
			r, err := zerobuffer.NewReader(backend, name,
				&zerobuffer.ReaderOptions{PayloadSize: 4096, MetadataSize: 1024})
			require.NoError(t, err)
			defer r.Close()
			_, err = r.Metadata()
			require.ErrorIs(t, err, zerobuffer.ErrNoMetadata)
			p.call("writer", args{"name": name})
			p.send("set_metadata", args{"data": content(9, size)})
			got, err := r.WaitMetadata(watched(t))
			require.NoError(t, err)
			require.Equal(t, content(9, size), got)
			p.recv()
			again := args{"data": []byte("again")}
			p.fails("set_metadata", again, "MetadataAlreadyWrittenException")
		})
	}
}

// The peer publishes metadata of length 0, at which the readers of Python and C++ raise. Ours says
// that there is none, and does not make any itself.
func TestPythonWriterMetadataEmpty(t *testing.T) {
	name := newName(t)
	p := startPeer(t)
	r := newReader(t, name, 4096)
	p.call("writer", args{"name": name})
	p.call("set_metadata", args{"data": ""})
	_, err := r.Metadata()
	require.ErrorIs(t, err, zerobuffer.ErrNoMetadata)
	s := fixed(100)
	p.call("write", args{"sizes": s, "n": 3})
	s.read(t, watched(t), r, 0, 3)
}

// Whatever SetMetadata says to an empty slice, the peer must still see none.
func TestPythonReaderMetadataEmpty(t *testing.T) {
	name := newName(t, pythonLeaves...)
	p := startPeer(t)
	p.call("reader", args{"name": name, "payload": 4096})
	w := newWriter(t, name)
	_ = w.SetMetadata(nil)
	require.Empty(t, p.call("metadata", nil).Metadata)
}

// A buffer without a metadata block cannot be made by the peer, but be used.
func TestPythonWriterNoMetadataBlock(t *testing.T) {
	name := newName(t)
	p := startPeer(t)
	r, err := zerobuffer.NewReader(backend, name,
		&zerobuffer.ReaderOptions{PayloadSize: 4096, MetadataSize: -1})
	require.NoError(t, err)
	defer r.Close()
	p.call("writer", args{"name": name})
	data := []byte("x")
	p.fails("set_metadata", args{"data": data}, "ZeroBufferException")
	s := mixed(1, 1000)
	p.send("write", args{"sizes": s, "n": 100})
	s.read(t, watched(t), r, 0, 100)
	p.recv()
}
