package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
)

// writerCmd writes frames into a buffer that a reader has made.
type writerCmd struct {
	Name         string      `arg:"" help:"Name or address of the buffer."`
	Frames       *frameCount `short:"n" placeholder:"N" help:"${writer_frames}"`
	Size         *byteSize   `short:"s" placeholder:"BYTES" xor:"size" help:"${writer_size}"`
	Metadata     string      `short:"m" xor:"metadata" placeholder:"TEXT" help:"${writer_metadata}"`
	MetadataFile string      `xor:"metadata" placeholder:"FILE" help:"${writer_metadata_file}"`
	Pattern      string      `default:"sequential" enum:"${patterns}" placeholder:"NAME" help:"${bytes}"`
	Stdin        bool        `xor:"source" help:"${writer_stdin}"`
	Input        string      `xor:"source" placeholder:"FILE" help:"${writer_input}"`
	Video        string      `xor:"size" placeholder:"WxH" help:"${writer_video}"`
	PixelFormat  string      `default:"bgr24" enum:"${pixel_formats}" help:"${writer_pixel_format}"`
	Framerate    string      `placeholder:"N/D" help:"${writer_framerate}"`
	DelayMS      int64       `name:"delay-ms" placeholder:"MS" help:"Pause between frames."`
	BatchSize    int         `default:"1" placeholder:"N" help:"${batch}"`
	outputOptions
	sideOptions
	commonOptions
}

// Validate is called by the parser.
func (c *writerCmd) Validate() error {
	errs := []error{c.check(), checkBatch(c.BatchSize)}
	if c.Size != nil && *c.Size < 1 {
		errs = append(errs, errors.New("--size: a frame has at least 1 byte"))
	}
	if c.DelayMS < 0 {
		errs = append(errs, errors.New("--delay-ms: must not be negative"))
	}
	if c.fromStream() && c.Size == nil && c.Video == "" {
		errs = append(errs, errors.New(
			"raw input: say how large a frame is, with --size BYTES or --video WIDTHxHEIGHT"))
	}
	if c.Framerate != "" && c.Video == "" {
		errs = append(errs, errors.New("--framerate: needs --video"))
	}
	return firstError(errs...)
}

func (c *writerCmd) fromStream() bool { return c.Stdin || c.Input != "" }

func (c *writerCmd) count() frameCount {
	switch {
	case c.Frames != nil:
		return *c.Frames
	case c.fromStream():
		return -1
	default:
		return 1000
	}
}

// Run writes and prints the result.
func (c *writerCmd) Run(e *env) error {
	b, err := e.buffer(c.Name)
	if err != nil {
		return err
	}
	res := newResult("write", c.Name)
	return e.finish(res, &c.commonOptions, e.stdout, c.run(e, b, res))
}

func (c *writerCmd) run(e *env, b buffer, res *result) error {
	size, metadata, err := c.describe()
	if err != nil {
		return err
	}
	res.FrameSize = int64(size)
	src, err := c.source(e, size)
	if err != nil {
		return err
	}
	defer src.close()
	w, err := c.connect(e, b)
	if err != nil {
		return connectError(c.Name, err)
	}
	err = c.transfer(e, w, src, metadata, res)
	res.reconnected(w)
	if closeErr := w.Close(); err == nil {
		err = closeErr
	}
	return err
}

func (c *writerCmd) connect(e *env, b buffer) (*zerobuffer.Writer, error) {
	ctx, cancel := within(e.ctx, c.timeout())
	defer cancel()
	return zerobuffer.OpenWriter(ctx, b.backend, b.name, &zerobuffer.WriterOptions{
		WriteTimeout: c.timeout(),
		Wait:         c.Wait,
		Reconnect:    c.Reconnect,
		Memory:       c.memory(),
		Logger:       e.logger(c.Verbose),
	})
}

func (c *writerCmd) transfer(
	e *env, w *zerobuffer.Writer, src source, metadata []byte, res *result,
) error {
	if len(metadata) > 0 {
		set, err := e.setMetadata(w, metadata)
		if err != nil {
			return err
		}
		res.MetadataSize = int64(set)
	}
	if err := c.write(e, w, src, res); err != nil {
		return err
	}
	res.stop()
	return e.linger(w, c.linger(&c.commonOptions))
}

// write moves frames until there are no more, or as many as were asked for.
func (c *writerCmd) write(e *env, w *zerobuffer.Writer, src source, res *result) error {
	var done atomic.Int64
	total := c.count()
	defer e.startProgress(&c.commonOptions, "writing "+c.Name, total, &done)()
	res.start()
	for total.left(res.frames) {
		if err := pause(e.ctx, c.DelayMS, res.frames > 0); err != nil {
			return stopped(total, res, err)
		}
		n, err := src.write(e.ctx, w, total.next(res.frames, c.BatchSize))
		res.add(int64(n), int64(n)*res.FrameSize)
		done.Store(res.frames)
		switch {
		case errors.Is(err, io.EOF) && total < 0:
			return nil
		case errors.Is(err, io.EOF):
			return fmt.Errorf("write frame %d%s: input has ended", res.frames+1, total.of())
		case interrupted(e.ctx, err):
			return stopped(total, res, err)
		case err != nil:
			return fmt.Errorf("frame %d%s: %w", res.frames+1, total.of(), err)
		}
	}
	return nil
}

// stopped is the end by a signal: what was asked for is done only if there was no limit.
func stopped(total frameCount, res *result, cause error) error {
	if total < 0 {
		return nil
	}
	return fmt.Errorf("interrupted after frame %d%s: %w", res.frames, total.of(), cause)
}

// pause waits between frames.
func pause(ctx context.Context, ms int64, notFirst bool) error {
	if ms == 0 || !notFirst {
		return context.Cause(ctx)
	}
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(time.Duration(ms) * time.Millisecond):
		return nil
	}
}

// setMetadata sets the metadata and returns its size. A writer before this one may have set it;
// it cannot be replaced, and is most likely the same.
func (e *env) setMetadata(w *zerobuffer.Writer, metadata []byte) (int, error) {
	err := w.SetMetadata(metadata)
	if errors.Is(err, zerobuffer.ErrMetadataSet) {
		e.warn("buffer %s keeps the metadata that an earlier writer has set", w.Name())
		return 0, nil
	}
	return len(metadata), err
}

// linger waits until everything is read, so that readers that stop at the writer's end lose
// nothing. At the limit the rest stays in the buffer, which is the reader's.
func (e *env) linger(w *zerobuffer.Writer, limit time.Duration) error {
	if limit <= 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(e.ctx, limit)
	defer cancel()
	err := w.WaitDrained(ctx)
	switch {
	case interrupted(e.ctx, err):
		return nil
	case isTimeout(err):
		e.warn("the reader has not read everything after %v; the rest waits in the buffer", limit)
		return nil
	case err != nil:
		return fmt.Errorf("wait until all is read: %w", err)
	default:
		return nil
	}
}

// readMetadataFile returns the content of a file for --metadata-file.
func readMetadataFile(name string) ([]byte, error) {
	content, err := os.ReadFile(name)
	switch {
	case err != nil:
		return nil, usageError("--metadata-file: %w", err)
	case len(content) == 0:
		return nil, usageError("--metadata-file %s: is empty, metadata must not be", name)
	}
	return content, nil
}
