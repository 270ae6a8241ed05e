package main

import (
	"context"
	"errors"
	"io"
	"os"

	"github.com/zerobuffer-go/zerobuffer/compat/internal/pattern"
	"github.com/zerobuffer-go/zerobuffer/compat/rawvideo"
	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
)

// source is where the frames of a writer come from.
type source interface {
	// write moves up to limit frames into the buffer and returns how many went. The error is
	// [io.EOF] when there are no more.
	write(ctx context.Context, w *zerobuffer.Writer, limit int) (int, error)
	close()
}

// describe returns the size of a frame and the metadata.
func (c *writerCmd) describe() (size int, metadata []byte, err error) {
	size = 1024
	if c.Size != nil {
		size = int(*c.Size)
	}
	if c.Video != "" {
		format := rawvideo.Format{Pixels: c.PixelFormat, FrameRate: c.Framerate}
		if format.Width, format.Height, err = rawvideo.ParseSize(c.Video); err == nil {
			err = format.Check()
		}
		if err != nil {
			return 0, nil, usageError("--video: %w", err)
		}
		size, metadata = format.FrameSize(), format.Metadata()
	}
	switch {
	case c.Metadata != "":
		metadata = []byte(c.Metadata)
	case c.MetadataFile != "":
		metadata, err = readMetadataFile(c.MetadataFile)
	}
	return size, metadata, err
}

// source opens what the options name.
func (c *writerCmd) source(e *env, size int) (source, error) {
	switch {
	case c.Stdin || c.Input == "-":
		return newStreamSource(e.stdin, nil, size, c.BatchSize), nil
	case c.Input != "":
		file, err := os.Open(c.Input)
		if err != nil {
			return nil, usageError("--input: %w", err)
		}
		return newStreamSource(file, file, size, c.BatchSize), nil
	}
	p, err := pattern.Parse(c.Pattern)
	if err != nil {
		return nil, usageError("--pattern: %w", err)
	}
	return newPatternSource(p, size, c.BatchSize), nil
}

// patternSource makes the frames of a pattern.
type patternSource struct {
	pattern pattern.Pattern
	size    int
	frame   uint64
	batch   [][]byte
}

func newPatternSource(p pattern.Pattern, size, batch int) *patternSource {
	s := &patternSource{pattern: p, size: size}
	if batch > 1 {
		s.batch = make([][]byte, batch)
		for i := range s.batch {
			s.batch[i] = make([]byte, size)
		}
	}
	return s
}

func (s *patternSource) write(ctx context.Context, w *zerobuffer.Writer, limit int) (int, error) {
	if s.batch == nil {
		return s.writeInPlace(ctx, w)
	}
	frames := s.batch[:limit]
	for i, b := range frames {
		s.pattern.Fill(b, s.frame+uint64(i))
	}
	n, err := w.WriteBatch(ctx, frames)
	s.frame += uint64(n)
	return n, err
}

// writeInPlace makes one frame where the reader will see it, without a copy.
func (s *patternSource) writeInPlace(ctx context.Context, w *zerobuffer.Writer) (int, error) {
	for {
		buf, err := w.Reserve(ctx, s.size)
		if err != nil {
			return 0, err
		}
		s.pattern.Fill(buf, s.frame)
		switch err := w.Commit(s.size); {
		case errors.Is(err, zerobuffer.ErrReaderDead):
			continue // Reserve says whether there is another buffer for the frame
		case err != nil:
			return 0, err
		}
		s.frame++
		return 1, nil
	}
}

func (s *patternSource) close() {}

// streamSource cuts a stream into frames. A goroutine reads ahead into buffers of its own and not
// into the ring: a read from a pipe cannot be cancelled, and it must not hold a place in shared
// memory while a signal ends the command. Reading ahead also overlaps with writing.
type streamSource struct {
	empty, full chan []byte
	closer      io.Closer
	// err is why there are no more frames; it is set before full is closed.
	err   error
	batch [][]byte
}

func newStreamSource(r io.Reader, closer io.Closer, size, batch int) *streamSource {
	s := &streamSource{
		empty:  make(chan []byte, batch+1),
		full:   make(chan []byte, batch+1),
		closer: closer,
	}
	for range batch + 1 {
		s.empty <- make([]byte, size)
	}
	go s.readAhead(r)
	return s
}

func (s *streamSource) readAhead(r io.Reader) {
	defer close(s.full)
	for buf := range s.empty {
		if s.err = rawvideo.ReadFrame(r, buf); s.err != nil {
			return
		}
		s.full <- buf
	}
}

func (s *streamSource) write(ctx context.Context, w *zerobuffer.Writer, limit int) (int, error) {
	if err := s.collect(ctx, limit); err != nil {
		return 0, err
	}
	n, err := w.WriteBatch(ctx, s.batch)
	for _, buf := range s.batch {
		s.empty <- buf
	}
	return n, err
}

// collect waits for a frame and takes up to limit that are there.
func (s *streamSource) collect(ctx context.Context, limit int) error {
	s.batch = s.batch[:0]
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case buf, ok := <-s.full:
		if !ok {
			return s.err
		}
		s.batch = append(s.batch, buf)
	}
	for len(s.batch) < limit {
		select {
		case buf, ok := <-s.full:
			if !ok {
				return nil // the next call reports it
			}
			s.batch = append(s.batch, buf)
		default:
			return nil
		}
	}
	return nil
}

func (s *streamSource) close() {
	close(s.empty)
	if s.closer != nil {
		_ = s.closer.Close()
	}
}
