package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/zerobuffer-go/zerobuffer/compat/native"
	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
)

// relayCmd makes the buffer IN, and writes what it reads there to the buffer OUT.
type relayCmd struct {
	In           string     `arg:"" name:"in" help:"${relay_in}"`
	Out          string     `arg:"" name:"out" help:"Name or address of the buffer to write to."`
	Frames       frameCount `short:"n" default:"-1" placeholder:"N" help:"${relay_frames}"`
	CreateOutput bool       `help:"${relay_create_output}"`
	Transform    string     `default:"none" enum:"${transforms}" help:"${relay_transform}"`
	XORKey       xorKey     `name:"xor-key" default:"255" placeholder:"BYTE" help:"${relay_xor_key}"`
	BatchSize    int        `default:"1" placeholder:"N" help:"${batch}"`
	LogInterval  int64      `placeholder:"N" help:"${relay_log}"`
	outputOptions
	ringOptions
	sideOptions
	commonOptions
}

// Validate is called by the parser.
func (c *relayCmd) Validate() error {
	errs := []error{
		c.commonOptions.check(), c.ringOptions.check(), checkBatch(c.BatchSize),
	}
	if native.Same(c.In, c.Out) {
		errs = append(errs, errors.New("relay: IN and OUT must be different buffers"))
	}
	if c.LogInterval < 0 {
		errs = append(errs, errors.New("--log-interval: must not be negative"))
	}
	return firstError(errs...)
}

// Run relays and prints the result.
func (c *relayCmd) Run(e *env) error {
	in, err := e.buffer(c.In)
	if err != nil {
		return err
	}
	out, err := e.buffer(c.Out)
	if err != nil {
		return err
	}
	res := newResult("relay", c.In)
	res.InputBuffer, res.OutputBuffer, res.Transform = c.In, c.Out, c.Transform
	if c.Verbose && c.LogInterval == 0 {
		c.LogInterval = 100
	}
	return e.finish(res, &c.commonOptions, e.stdout, c.run(e, in, out, res))
}

func (c *relayCmd) run(e *env, in, out buffer, res *result) (err error) {
	// The input first, so that its writer can connect while the output is awaited.
	r, err := e.newReader(in, &c.ringOptions, &c.sideOptions, &c.commonOptions)
	if err != nil {
		return err
	}
	defer func() { err = firstError(err, r.Close()) }()
	w, err := c.connect(e, out)
	if err != nil {
		return connectError(c.Out, err)
	}
	defer func() { err = firstError(err, w.Close()) }()
	err = c.relay(e, r, w, res)
	res.reconnected(w)
	if err != nil {
		return err
	}
	res.stop()
	return e.linger(w, c.linger(&c.commonOptions))
}

func (c *relayCmd) connect(e *env, out buffer) (*zerobuffer.Writer, error) {
	limit := c.timeout()
	if c.CreateOutput {
		limit = 0
	}
	ctx, cancel := within(e.ctx, limit)
	defer cancel()
	return zerobuffer.OpenWriter(ctx, out.backend, out.name, &zerobuffer.WriterOptions{
		WriteTimeout: c.timeout(),
		Wait:         c.Wait,
		Reconnect:    c.Reconnect,
		Memory:       c.memory(),
		Logger:       e.logger(c.Verbose),
	})
}

// relay forwards until the writer of the input closes, or as many as were asked for.
func (c *relayCmd) relay(
	e *env, r *zerobuffer.Reader, w *zerobuffer.Writer, res *result,
) error {
	var done atomic.Int64
	defer e.startProgress(&c.commonOptions, "relaying "+c.In, c.Frames, &done)()
	forward := &forwarder{env: e, r: r, w: w, change: c.change(), res: res}
	batch := make([]zerobuffer.Frame, c.BatchSize)
	for c.Frames.left(res.frames) {
		n, err := r.ReadBatch(e.ctx, batch[:c.Frames.next(res.frames, c.BatchSize)])
		before := res.frames
		if writeErr := forward.write(batch[:n]); writeErr != nil {
			if interrupted(e.ctx, writeErr) {
				return stopped(c.Frames, res, writeErr)
			}
			return fmt.Errorf("frame %d%s: %w", res.frames+1, c.Frames.of(), writeErr)
		}
		done.Store(res.frames)
		c.log(e, before, res)
		if err != nil {
			return e.endOfReading(c.Frames, res, err)
		}
	}
	return nil
}

// log tells how far it is each time the number of frames passes a multiple of the interval.
func (c *relayCmd) log(e *env, before int64, res *result) {
	if c.LogInterval > 0 && before/c.LogInterval != res.frames/c.LogInterval {
		seconds := time.Since(res.started).Seconds()
		_, _ = fmt.Fprintf(e.stderr, "relayed %d frames, %.1f MiB, %.1f MiB/s\n",
			res.frames, float64(res.bytes)/(1<<20), float64(res.bytes)/(1<<20)/seconds)
	}
}

// change returns the transform, nil for none.
func (c *relayCmd) change() func([]byte) {
	switch c.Transform {
	case "reverse":
		return slices.Reverse[[]byte]
	case "xor":
		key := byte(c.XORKey)
		return func(b []byte) { xor(b, key) }
	default:
		return nil
	}
}

// forwarder moves frames from one buffer to the other.
type forwarder struct {
	*env
	r       *zerobuffer.Reader
	w       *zerobuffer.Writer
	change  func([]byte)
	res     *result
	payload [][]byte
	hasMeta bool
}

// write changes frames where they lie, writes them and gives them back.
func (f *forwarder) write(frames []zerobuffer.Frame) error {
	if len(frames) == 0 {
		return nil
	}
	defer func() {
		for _, frame := range frames {
			frame.Release()
		}
	}()
	f.res.start()
	if err := f.metadata(); err != nil {
		return err
	}
	f.payload = f.payload[:0]
	for _, frame := range frames {
		data := frame.Bytes()
		if f.change != nil {
			f.change(data)
		}
		f.payload = append(f.payload, data)
	}
	n, err := f.w.WriteBatch(f.ctx, f.payload)
	for _, data := range f.payload[:n] {
		f.res.add(1, int64(len(data)))
	}
	return err
}

// metadata passes the metadata on as soon as there is some: before the first frame, unless the
// writer set it later.
func (f *forwarder) metadata() error {
	if f.hasMeta {
		return nil
	}
	metadata, err := f.r.Metadata()
	if errors.Is(err, zerobuffer.ErrNoMetadata) {
		return nil
	}
	if err != nil {
		return err
	}
	f.hasMeta = true
	n, err := f.setMetadata(f.w, metadata)
	f.res.MetadataSize = int64(n)
	return err
}

// xorKey is a byte, in any base that Go's literals have.
type xorKey uint8

// UnmarshalText implements [encoding.TextUnmarshaler].
func (k *xorKey) UnmarshalText(text []byte) error {
	value, err := strconv.ParseUint(string(text), 0, 8)
	if err != nil {
		return fmt.Errorf("parse key %q: use a byte, 0 to 255 or 0x00 to 0xff", text)
	}
	*k = xorKey(value)
	return nil
}
