package main

import (
	"strings"

	"github.com/alecthomas/kong"

	"github.com/zerobuffer-go/zerobuffer/compat/rawvideo"
)

// texts are the choices and the help texts that are too long for their struct tags.
var texts = kong.Vars{
	"patterns":      "sequential,random,zero,ones",
	"transforms":    "none,reverse,xor",
	"pixel_formats": strings.Join(rawvideo.PixelFormats(), ","),

	"timeout": "How long to wait for the other side: to connect, for a frame, for room; " +
		"0 is for ever",
	"linger": "How long to wait at the end until all is read. Default: as --timeout-ms.",
	"reconnect": "When the reader of the output has gone, wait --timeout-ms for the next one and " +
		"go on in its buffer. What was unread in the old buffer is lost.",
	"batch": "Frames that are handed over at once",

	"ring_buffer_size":   "Size of the ring that this command makes, such as 16MiB",
	"ring_metadata_size": "Size of its block for metadata",
	"ring_mode":          "Permissions of its objects, in octal",

	"wait": "How to wait for the other side: adaptive (spin for a moment, then block), " +
		"block, or spin.",
	"memory_prefault": "Fill in the page table of this process at once, " +
		"not at the first access to each page.",
	"memory_huge_pages": "Have the memory of the buffer made of huge pages.",
	"memory_lock":       "Keep the memory of the buffer out of swap.",

	"writer_frames":        "Number of frames, -1 for no limit. Default: 1000, or the whole input.",
	"writer_size":          "Size of a frame. Default: 1024.",
	"writer_metadata":      "Metadata to set before the first frame.",
	"writer_metadata_file": "File whose content is the metadata.",
	"bytes":                "Bytes of the frames",
	"writer_stdin":         "Write the raw frames that come on standard input.",
	"writer_input":         "Write the raw frames of a file, - for standard input.",
	"writer_video":         "Frames are video of this size: sets frame size and metadata.",
	"writer_pixel_format":  "Pixels of --video",
	"writer_framerate":     "Rate of --video that the metadata tells, such as 30/1.",

	"reader_frames": "Number of frames, -1 for all until the writer closes. " +
		"Default: 1000, or all with --output.",
	"reader_size":     "Size that every frame must have. Default: any.",
	"verify":          "Check the bytes of each frame",
	"reader_checksum": "Tell the MD5 of each frame (of the first 100) and the SHA-256 of all.",
	"reader_output": "Write the raw frames to a file, - for standard output " +
		"(results then go to stderr).",

	"relay_in":     "Name or address of the buffer to make and to read from.",
	"relay_frames": "Number of frames, -1 for all until the writer closes",
	"relay_create_output": "Wait without limit for the reader of OUT. " +
		"(The reader of a buffer makes it: nothing else can be created.)",
	"relay_transform": "Change each frame",
	"relay_xor_key":   "Key of the transform xor",
	"relay_log": "Say on stderr how far it is after each N frames. " +
		"Default: with -v 100, else never.",
}

// describe adds the choices and the default to the help of an option.
func describe(v *kong.Value) string {
	text := v.Help
	if v.Enum != "" {
		text += ": " + strings.ReplaceAll(v.Enum, ",", ", ")
	}
	if v.HasDefault {
		text += " (default " + v.Default + ")."
	}
	return text
}
