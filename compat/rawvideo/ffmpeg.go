package rawvideo

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
)

// Probe asks ffmpeg for the size and the rate of a video's frames. The pixel format is yuv420p,
// to which [Decode] and [Hash] convert where the video has another. ffmpeg is the path of the
// program.
func Probe(ctx context.Context, ffmpeg, video string) (Format, error) {
	// The header of this format is a line of text, which says what ffprobe would.
	out, err := output(ctx, ffmpeg, "-i", video, "-frames:v", "1",
		"-pix_fmt", "yuv420p", "-f", "yuv4mpegpipe", "-")
	if err != nil {
		return Format{}, err
	}
	line, _, _ := bytes.Cut(out, []byte("\n"))
	return parseHeader(string(line))
}

// parseHeader reads a line such as "YUV4MPEG2 W640 H360 F25:1 Ip A1:1 C420mpeg2".
func parseHeader(line string) (Format, error) {
	f := Format{Pixels: "yuv420p"}
	fields := strings.Fields(line)
	if len(fields) == 0 || fields[0] != "YUV4MPEG2" {
		return f, fmt.Errorf("probe video: ffmpeg printed %.40q, want a YUV4MPEG2 header", line)
	}
	for _, field := range fields[1:] {
		var err error
		switch value := field[1:]; field[0] {
		case 'W':
			f.Width, err = strconv.Atoi(value)
		case 'H':
			f.Height, err = strconv.Atoi(value)
		case 'F':
			f.FrameRate = strings.Replace(value, ":", "/", 1)
		}
		if err != nil {
			return f, fmt.Errorf("probe video: header %q: %w", line, err)
		}
	}
	return f, f.Check()
}

// Decode runs ffmpeg and returns the stream of raw frames that it prints. Close waits for the end
// of ffmpeg and returns its error; after a read to the end that is the proof that the stream is
// whole.
func Decode(ctx context.Context, ffmpeg, video string, f Format) (io.ReadCloser, error) {
	d := &decoder{cmd: command(ctx, ffmpeg, decodeArgs(video, f, "rawvideo")...)}
	d.cmd.Stderr = &d.stderr
	var err error
	if d.ReadCloser, err = d.cmd.StdoutPipe(); err != nil {
		return nil, fmt.Errorf("decode video: %w", err)
	}
	if err := d.cmd.Start(); err != nil {
		return nil, fmt.Errorf("decode video: %w", err)
	}
	return d, nil
}

// Hash lets ffmpeg itself compute the SHA-256 of all frames that [Decode] gives, in hexadecimal:
// a second opinion that shares no code with this module.
func Hash(ctx context.Context, ffmpeg, video string, f Format) (string, error) {
	out, err := output(ctx, ffmpeg, decodeArgs(video, f, "hash", "-hash", "sha256")...)
	if err != nil {
		return "", err
	}
	_, sum, ok := strings.Cut(strings.TrimSpace(string(out)), "=")
	if !ok {
		return "", fmt.Errorf("hash video: ffmpeg printed %.80q, want SHA256=sum", out)
	}
	return strings.ToLower(sum), nil
}

type decoder struct {
	io.ReadCloser
	cmd    *exec.Cmd
	stderr bytes.Buffer
}

func (d *decoder) Close() error {
	_ = d.ReadCloser.Close() // ffmpeg notices, if it has more to say
	return ffmpegError(d.cmd.Wait(), &d.stderr)
}

// decodeArgs are the arguments that make ffmpeg print raw frames in the given output format. No
// frame is dropped or doubled to keep a rate.
func decodeArgs(video string, f Format, output string, more ...string) []string {
	args := []string{
		"-i", video, "-map", "0:v:0", "-fps_mode", "passthrough",
		"-c:v", "rawvideo", "-pix_fmt", f.Pixels, "-f", output,
	}
	return append(append(args, more...), "-")
}

// command keeps ffmpeg from asking questions and from chatting.
func command(ctx context.Context, ffmpeg string, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, ffmpeg, append([]string{"-nostdin", "-v", "error"}, args...)...)
}

func output(ctx context.Context, ffmpeg string, args ...string) ([]byte, error) {
	var stdout, stderr bytes.Buffer
	cmd := command(ctx, ffmpeg, args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := ffmpegError(cmd.Run(), &stderr)
	return stdout.Bytes(), err
}

// ffmpegError adds what ffmpeg said to the way it ended.
func ffmpegError(err error, stderr *bytes.Buffer) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("run ffmpeg: %w: %s", err, strings.TrimSpace(stderr.String()))
}
