package main

import (
	"errors"
	"fmt"
	"io/fs"
	"sync/atomic"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
)

// readerCmd makes a buffer and reads frames from it.
type readerCmd struct {
	Name      string      `arg:"" help:"Name or address of the buffer to make."`
	Frames    *frameCount `short:"n" placeholder:"N" help:"${reader_frames}"`
	Size      *byteSize   `short:"s" placeholder:"BYTES" help:"${reader_size}"`
	Verify    string      `default:"none" enum:"none,${patterns}" placeholder:"NAME" help:"${verify}"`
	Checksum  bool        `help:"${reader_checksum}"`
	Hash      bool        `help:"Tell the SHA-256 of all frames, one after the other."`
	Output    string      `short:"o" placeholder:"FILE" help:"${reader_output}"`
	BatchSize int         `default:"1" placeholder:"N" help:"${batch}"`
	ringOptions
	sideOptions
	commonOptions
}

// Validate is called by the parser.
func (c *readerCmd) Validate() error {
	errs := []error{c.commonOptions.check(), c.ringOptions.check(), checkBatch(c.BatchSize)}
	if c.Size != nil && *c.Size < 1 {
		errs = append(errs, errors.New("--size: a frame has at least 1 byte"))
	}
	return firstError(errs...)
}

func (c *readerCmd) count() frameCount {
	switch {
	case c.Frames != nil:
		return *c.Frames
	case c.Output != "":
		return -1
	default:
		return 1000
	}
}

// Run reads and prints the result.
func (c *readerCmd) Run(e *env) error {
	b, err := e.buffer(c.Name)
	if err != nil {
		return err
	}
	res := newResult("read", c.Name)
	if c.Size != nil {
		res.FrameSize = int64(*c.Size)
	}
	report := e.stdout
	if c.Output == "-" {
		report = e.stderr
	}
	return e.finish(res, &c.commonOptions, report, c.run(e, b, res))
}

func (c *readerCmd) run(e *env, b buffer, res *result) (err error) {
	s, err := c.sink(e, res)
	if err != nil {
		return err
	}
	defer func() { err = firstError(err, s.close()) }()
	r, err := e.newReader(b, &c.ringOptions, &c.sideOptions, &c.commonOptions)
	if err != nil {
		return err
	}
	defer func() { err = firstError(err, r.Close()) }()
	if err := c.read(e, r, s, res); err != nil {
		return err
	}
	if res.VerificationErrors > 0 {
		return &exitError{exitVerify, fmt.Errorf("verify: %d of %d frames are wrong; the first: %w",
			res.VerificationErrors, res.frames, s.firstBad)}
	}
	return nil
}

// newReader makes the buffer of a reader or a relay.
func (e *env) newReader(
	b buffer, ring *ringOptions, side *sideOptions, o *commonOptions,
) (*zerobuffer.Reader, error) {
	r, err := zerobuffer.NewReader(b.backend, b.name, &zerobuffer.ReaderOptions{
		PayloadSize:  int64(ring.BufferSize),
		MetadataSize: ring.metadataBlock(),
		ReadTimeout:  o.timeout(),
		Mode:         fs.FileMode(ring.Mode),
		Wait:         side.Wait,
		Memory:       side.memory(),
		Logger:       e.logger(o.Verbose),
	})
	if err != nil {
		return nil, connectError(b.address, err)
	}
	return r, nil
}

// read takes frames until there are no more, or as many as were asked for.
func (c *readerCmd) read(e *env, r *zerobuffer.Reader, s *sink, res *result) error {
	var done atomic.Int64
	total := c.count()
	defer e.startProgress(&c.commonOptions, "reading "+c.Name, total, &done)()
	batch := make([]zerobuffer.Frame, c.BatchSize)
	for total.left(res.frames) {
		n, err := r.ReadBatch(e.ctx, batch[:total.next(res.frames, c.BatchSize)])
		if sinkErr := s.take(r, batch[:n]); sinkErr != nil {
			return sinkErr
		}
		done.Store(res.frames)
		if err != nil {
			return e.endOfReading(total, res, err)
		}
	}
	return nil
}

// endOfReading decides whether the end of the frames is the end that was asked for.
func (e *env) endOfReading(total frameCount, res *result, err error) error {
	switch {
	case interrupted(e.ctx, err):
		return stopped(total, res, err)
	case errors.Is(err, zerobuffer.ErrWriterClosed) && total < 0:
		return nil
	case isTimeout(err) && res.frames == 0:
		err = fmt.Errorf("%w; start a writer, or wait longer with --timeout-ms", err)
	}
	return fmt.Errorf("frame %d%s: %w", res.frames+1, total.of(), err)
}
