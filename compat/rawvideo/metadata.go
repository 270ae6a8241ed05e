package rawvideo

import (
	"encoding/json"
	"fmt"
)

// Metadata is what a buffer's metadata says about its frames, as JSON.
type Metadata struct {
	// Caps is the description that consumers of camera streams read (wire contract, section 9);
	// it is empty for formats that they do not know.
	Caps string `json:"caps,omitempty"`
	// Type and ElementName say what wrote the stream.
	Type        string `json:"type"`
	ElementName string `json:"element_name"`
	// Width, Height and PixelFormat repeat the caps in plain keys.
	Width       int    `json:"width"`
	Height      int    `json:"height"`
	PixelFormat string `json:"pixel_format"`
	FrameRate   string `json:"framerate,omitempty"`
}

// Metadata returns the JSON that describes the format.
func (f Format) Metadata() []byte {
	m := Metadata{
		Caps:        f.caps(),
		Type:        "zerobuffer",
		ElementName: "writer",
		Width:       f.Width,
		Height:      f.Height,
		PixelFormat: f.Pixels,
		FrameRate:   f.FrameRate,
	}
	text, err := json.Marshal(m)
	if err != nil {
		panic(err) // strings and integers only
	}
	return text
}

// caps writes the types out: readers do not understand "width=640" without "(int)".
func (f Format) caps() string {
	p, err := f.lookup()
	if err != nil || p.caps == "" {
		return ""
	}
	s := fmt.Sprintf("video/x-raw, format=(string)%s, width=(int)%d, height=(int)%d",
		p.caps, f.Width, f.Height)
	if f.FrameRate != "" {
		s += ", framerate=(fraction)" + f.FrameRate
	}
	return s
}
