package main

import (
	"bytes"
	"encoding/binary"

	"github.com/zerobuffer-go/zerobuffer/compat/rawvideo"
)

const (
	width, height = 1920, 1080
	// step is how far the picture moves from frame to frame, in pixels.
	step = 8
)

// format is the usual one of decoders: 3,110,400 bytes a frame.
var format = rawvideo.Format{Pixels: "yuv420p", Width: width, Height: height}

// stampSize is the size of what each frame carries in its first pixels.
const stampSize = 24

// stamp tells which frame this is, and when it was made.
type stamp struct {
	number uint64
	// begun is when the camera began to write the frame, done when it handed it over; both are
	// in the time of measure.Now.
	begun, done int64
}

func (s stamp) put(frame []byte) {
	binary.LittleEndian.PutUint64(frame[0:], s.number)
	binary.LittleEndian.PutUint64(frame[8:], uint64(s.begun))
	binary.LittleEndian.PutUint64(frame[16:], uint64(s.done))
}

func stampOf(frame []byte) stamp {
	return stamp{
		number: binary.LittleEndian.Uint64(frame[0:]),
		begun:  int64(binary.LittleEndian.Uint64(frame[8:])),
		done:   int64(binary.LittleEndian.Uint64(frame[16:])),
	}
}

// picture is a moving test picture. It is drawn once, a line wider than a frame: each frame is a
// window into it that starts a bit further on, so that making a frame costs no more than a copy.
type picture struct{ y, u, v plane }

// plane is one component of the picture, with the width of its lines.
type plane struct {
	pixels        []byte
	width, height int
}

// newPicture draws eight colour bars that get brighter downwards.
func newPicture() *picture {
	bars := [8][3]byte{
		{235, 128, 128},
		{210, 16, 146},
		{170, 166, 16},
		{145, 54, 34},
		{106, 202, 222},
		{81, 90, 240},
		{41, 240, 110},
		{30, 128, 128},
	}
	draw := func(component, w, h int) plane {
		p := plane{make([]byte, w*(h+1)), w, h}
		for i := range p.pixels {
			x, y := i%w, i/w
			value := int(bars[x*8/w][component])
			if component == 0 {
				value = value * (h + y) / (2*h + 1)
			}
			p.pixels[i] = byte(value)
		}
		return p
	}
	return &picture{
		draw(0, width, height), draw(1, width/2, height/2), draw(2, width/2, height/2),
	}
}

// window returns the pixels of the plane in frame n.
func (p plane) window(n uint64, move int) []byte {
	start := int(n * uint64(move) % uint64(p.width))
	return p.pixels[start : start+p.width*p.height]
}

// planes returns the three parts of frame n, in their order.
func (p *picture) planes(n uint64) [3][]byte {
	return [3][]byte{p.y.window(n, step), p.u.window(n, step/2), p.v.window(n, step/2)}
}

// draw writes frame n, without its stamp.
func (p *picture) draw(frame []byte, n uint64) {
	for _, part := range p.planes(n) {
		frame = frame[copy(frame, part):]
	}
}

// matches compares every byte of a frame, but for its stamp, with what draw(n) writes.
func (p *picture) matches(frame []byte, n uint64) bool {
	if len(frame) != format.FrameSize() {
		return false
	}
	at := stampSize
	for _, part := range p.planes(n) {
		part = part[at:]
		frame = frame[at:]
		if !bytes.Equal(frame[:len(part)], part) {
			return false
		}
		frame = frame[len(part):]
		at = 0
	}
	return true
}
