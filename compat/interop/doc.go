// Package interop holds the tests against the real Python peer, zerobuffer-ipc from PyPI. There is
// nothing to import: a test starts a Python process (testdata/peer.py), which does with the peer's
// library what the test tells it, and compares every byte of every frame on both sides.
//
// `go tool mage interop` makes the virtual environment and runs them. Without it they are skipped,
// unless ZEROBUFFER_NOSKIP=1 says that this machine must be able to run them. They read:
//
//	ZEROBUFFER_PYTHON   a Python interpreter that can import zerobuffer
//	ZEROBUFFER_FFMPEG   ffmpeg, for the tests with a real video
//	ZEROBUFFER_VIDEO    the video, 640 x 272
//
// Where the peer is faulty (wire contract, section 5), the test says so and avoids that path only.
package interop
