// Package rawvideo knows the layout of uncompressed video frames as ffmpeg's rawvideo format has
// them: how large a frame is, how frames follow each other in a stream, and the metadata that
// tells a reader what the bytes mean. It belongs to the tools of this module; its API is not
// stable.
package rawvideo

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// Format says what a frame's bytes mean.
type Format struct {
	// Pixels is ffmpeg's name of the pixel format, one of [PixelFormats].
	Pixels string
	// Width and Height are in pixels.
	Width, Height int
	// FrameRate is a fraction such as "30/1"; empty means unknown.
	FrameRate string
}

// pixelFormat describes one pixel format.
type pixelFormat struct {
	name string
	// bytes is the size of a pixel; 0 marks the planar format yuv420p.
	bytes int
	// caps is the name in GStreamer's caps, for the formats that peers read (wire contract,
	// section 9).
	caps string
}

var pixelFormats = []pixelFormat{
	{"bgr24", 3, "BGR"},
	{"rgb24", 3, "RGB"},
	{"gray", 1, "GRAY8"},
	{"rgba", 4, "RGBA"},
	{"bgra", 4, "BGRA"},
	{"yuv420p", 0, ""},
}

// PixelFormats lists the names that [Format.Pixels] may have.
func PixelFormats() []string {
	var names []string
	for _, f := range pixelFormats {
		names = append(names, f.name)
	}
	return names
}

// maxSide keeps the size of a frame far from overflow; no camera comes near it.
const maxSide = 1 << 16

// Check tells what is wrong with the format.
func (f Format) Check() error {
	_, err := f.lookup()
	if err != nil {
		return err
	}
	if f.Width < 1 || f.Height < 1 || f.Width > maxSide || f.Height > maxSide {
		return fmt.Errorf("check video format: %dx%d is out of range, a side has 1 to %d pixels",
			f.Width, f.Height, maxSide)
	}
	return nil
}

// FrameSize returns the number of bytes of a frame, 0 for a format that [Format.Check] refuses.
func (f Format) FrameSize() int {
	p, err := f.lookup()
	if err != nil {
		return 0
	}
	if p.bytes > 0 {
		return f.Width * f.Height * p.bytes
	}
	// Chroma planes have half the width and half the height, rounded up.
	return f.Width*f.Height + 2*((f.Width+1)/2)*((f.Height+1)/2)
}

func (f Format) lookup() (pixelFormat, error) {
	i := slices.IndexFunc(pixelFormats, func(p pixelFormat) bool { return p.name == f.Pixels })
	if i < 0 {
		return pixelFormat{}, fmt.Errorf("check video format: pixel format %q is unknown, use %s",
			f.Pixels, strings.Join(PixelFormats(), ", "))
	}
	return pixelFormats[i], nil
}

// ParseSize parses WIDTHxHEIGHT, such as 1920x1080.
func ParseSize(s string) (width, height int, err error) {
	w, h, _ := strings.Cut(s, "x")
	width, errW := strconv.Atoi(w)
	height, errH := strconv.Atoi(h)
	if errW != nil || errH != nil || width < 1 || height < 1 {
		return 0, 0, fmt.Errorf("parse video size %q: use WIDTHxHEIGHT, such as 1920x1080", s)
	}
	return width, height, nil
}

// ShortFrameError says that a stream ended inside a frame. It matches [io.ErrUnexpectedEOF].
type ShortFrameError struct {
	// Got bytes of the last frame came, of Size.
	Got, Size int
}

// Error gives the numbers and the usual cause.
func (e *ShortFrameError) Error() string {
	return fmt.Sprintf("read frame: input ended %d bytes short of a frame of %d (got %d); "+
		"check the frame size and the pixel format", e.Size-e.Got, e.Size, e.Got)
}

// Unwrap returns [io.ErrUnexpectedEOF].
func (e *ShortFrameError) Unwrap() error { return io.ErrUnexpectedEOF }

// ReadFrame fills buf with the next frame of a stream. It returns [io.EOF] at the end of the
// stream, and a [*ShortFrameError] when the stream ends inside the frame.
func ReadFrame(r io.Reader, buf []byte) error {
	n, err := io.ReadFull(r, buf)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return &ShortFrameError{Got: n, Size: len(buf)}
	}
	return err
}
