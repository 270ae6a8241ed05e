// Package interop holds the tests against the real Python peer, zerobuffer-ipc from PyPI, and
// against a small peer in C. There is nothing to import: a test starts a Python process
// (testdata/peer.py), which does with the peer's library what the test tells it, or a program of
// testdata/peer.c, and both sides compare every byte of every frame.
//
// `go tool mage interop` makes the virtual environment, compiles the C peer, and runs the tests.
// Without it they are skipped, unless ZEROBUFFER_NOSKIP=1 says that this machine must be able to
// run them. They read:
//
//	ZEROBUFFER_PYTHON           a Python interpreter that can import zerobuffer
//	ZEROBUFFER_FFMPEG           ffmpeg, for the tests with a real video
//	ZEROBUFFER_VIDEO            the video, 640 x 272
//	ZEROBUFFER_PEER_GLIBC       testdata/peer.c, linked with glibc
//	ZEROBUFFER_PEER_MUSL        the same with musl before 1.2.4, whose semaphores are other ones
//	ZEROBUFFER_PEER_NEWER_MUSL  the same with musl since 1.2.4
//
// Where the peer is faulty (wire contract, section 5), the test says so and avoids that path only.
package interop
