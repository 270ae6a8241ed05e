//go:build linux

package interop

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// oddNames are names that must work with the peer; the number keeps them apart from others.
func oddNames() map[string]string {
	unique := fmt.Sprintf("zbi-%d-%d", os.Getpid(), names.Add(1))
	return map[string]string{
		"dots":        "camera.front.v1.2." + unique,
		"dashes":      "--camera-front--" + unique + "-",
		"underscores": "_camera_front_" + unique,
		"uuid":        "6f9619ff-8b86-d011-b42d-00c04fc964ff-" + unique,
		"hidden":      "." + unique,
		"lock-suffix": unique + ".lock",
		"spaces":      "front camera " + unique,
		"letters":     "caméra-カメラ-" + unique,
		"longest":     unique + strings.Repeat("x", 245-len(unique)),
	}
}

func TestPythonReaderNames(t *testing.T) {
	for kind, name := range oddNames() {
		t.Run(kind, func(t *testing.T) {
			useName(t, name, pythonLeaves...)
			p := startPeer(t)
			p.call("reader", args{"name": name, "payload": 4096})
			w := newWriter(t, name)
			s := mixed(1, 1000)
			p.send("read", args{"sizes": s, "n": 50})
			s.write(t, watched(t), w, 0, 50)
			p.recv()
		})
	}
}

func TestPythonWriterNames(t *testing.T) {
	for kind, name := range oddNames() {
		t.Run(kind, func(t *testing.T) {
			useName(t, name)
			p := startPeer(t)
			r := newReader(t, name, 4096)
			p.call("writer", args{"name": name})
			s := mixed(1, 1000)
			p.send("write", args{"sizes": s, "n": 50})
			s.read(t, watched(t), r, 0, 50)
			p.recv()
		})
	}
}
