package rawvideo

import (
	"bytes"
	"encoding/json"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
)

func TestFrameSize(t *testing.T) {
	for _, c := range []struct {
		pixels        string
		width, height int
		want          int
	}{
		{"yuv420p", 1920, 1080, 3_110_400},
		{"yuv420p", 5, 3, 15 + 2*3*2},
		{"bgr24", 640, 480, 921_600},
		{"rgb24", 1, 1, 3},
		{"gray", 640, 480, 307_200},
		{"rgba", 2, 2, 16},
		{"bgra", 2, 2, 16},
		{"h264", 2, 2, 0},
	} {
		f := Format{Pixels: c.pixels, Width: c.width, Height: c.height}
		if got := f.FrameSize(); got != c.want {
			t.Errorf("%+v: got %d bytes, want %d", f, got, c.want)
		}
	}
}

func TestCheck(t *testing.T) {
	require.NoError(t, Format{Pixels: "gray", Width: 1, Height: 1}.Check())
	require.ErrorContains(t, Format{Pixels: "h264", Width: 1, Height: 1}.Check(), "yuv420p")
	require.ErrorContains(t, Format{Pixels: "gray", Width: 0, Height: 1}.Check(), "0x1")
	require.ErrorContains(t, Format{Pixels: "gray", Width: 1, Height: 1 << 20}.Check(), "range")
}

func TestParseSize(t *testing.T) {
	w, h, err := ParseSize("1920x1080")
	require.NoError(t, err)
	require.Equal(t, [2]int{1920, 1080}, [2]int{w, h})
	for _, bad := range []string{
		"", "1920", "1920x", "x1080", "0x4", "-1x4", "4x4x4", "4x4 ", "axb",
	} {
		_, _, err := ParseSize(bad)
		require.Error(t, err, bad)
	}
}

func TestMetadataDescribesTheFormat(t *testing.T) {
	f := Format{Pixels: "bgr24", Width: 640, Height: 480, FrameRate: "30/1"}
	var got map[string]any
	require.NoError(t, json.Unmarshal(f.Metadata(), &got))
	want := map[string]any{
		"caps": "video/x-raw, format=(string)BGR, width=(int)640, height=(int)480, " +
			"framerate=(fraction)30/1",
		"type": "zerobuffer", "element_name": "writer",
		"width": 640.0, "height": 480.0, "pixel_format": "bgr24", "framerate": "30/1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	f.Pixels, f.FrameRate = "yuv420p", ""
	require.NotContains(t, string(f.Metadata()), "caps")
}

func TestReadFrame(t *testing.T) {
	stream := bytes.NewReader([]byte("aaabbbcc"))
	buf := make([]byte, 3)
	require.NoError(t, ReadFrame(stream, buf))
	require.NoError(t, ReadFrame(stream, buf))
	require.Equal(t, "bbb", string(buf))

	err := ReadFrame(stream, buf)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	if diff := cmp.Diff(&ShortFrameError{Got: 2, Size: 3}, err); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	require.ErrorContains(t, err, "1 bytes short")
	require.Equal(t, io.EOF, ReadFrame(stream, buf))
}
