package drivertest

import (
	"slices"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
)

var memoryCases = []testCase{
	{
		"memory-reported", "prefault, huge pages and lock: what cannot be had stops neither side and " +
			"is reported", memoryReported,
	},
	{
		"memory-unchanged", "prefault, huge pages and lock change no byte of a buffer that is in use",
		memoryUnchanged,
	},
}

// allMemory asks for everything.
var allMemory = zerobuffer.MemoryOptions{Prefault: true, HugePages: true, Lock: true}

func memoryReported(c *C) {
	r := c.reader(zerobuffer.ReaderOptions{PayloadSize: 1024, Memory: allMemory})
	w, err := zerobuffer.NewWriter(c.h.New(c.t), c.name,
		&zerobuffer.WriterOptions{Memory: allMemory})
	c.must(err)
	defer w.Close()
	for side, st := range map[string]zerobuffer.MemoryStatus{
		"reader": r.Memory(), "writer": w.Memory(),
	} {
		c.reported(side, "Prefault", st.Active.Prefault, st)
		c.reported(side, "HugePages", st.Active.HugePages, st)
		c.reported(side, "Lock", st.Active.Lock, st)
	}
	for seq := uint64(1); seq <= 5; seq++ {
		c.write(w, seq, 500)
		c.read(r, seq, 500).Release()
	}
}

// reported fails unless an option is either in effect or refused, once and with a reason.
func (c *C) reported(side, option string, active bool, st zerobuffer.MemoryStatus) {
	c.Helper()
	var reasons []*zerobuffer.MemoryError
	for _, e := range st.Refused {
		if e.Option == option {
			reasons = append(reasons, e)
		}
	}
	switch {
	case active && len(reasons) == 0:
	case !active && len(reasons) == 1 && reasons[0].Err != nil:
	default:
		c.failf("option %s of the %s: active is %v, reasons are %v", option, side, active, reasons)
	}
}

func memoryUnchanged(c *C) {
	const frame = 1 << 20
	// There is room for a huge page.
	r := c.ring(5 << 20)
	w, p := c.writer(), c.channel()
	for seq := uint64(1); seq <= 3; seq++ {
		c.write(w, seq, frame)
	}
	held := c.read(r, 1, frame)
	before := slices.Clone(p.ch.Memory())
	second := c.channel() // another mapping, or the same one
	if st := second.ch.Tune(zerobuffer.MemoryOptions{}); st.Active != (zerobuffer.MemoryOptions{}) {
		c.failf("nothing was asked for, and %+v is active", st.Active)
	}
	second.ch.Tune(allMemory)
	if !slices.Equal(p.ch.Memory(), before) {
		c.failf("the segment has changed")
	}
	c.same(held.Bytes(), 1, frame)
	held.Release()
	c.read(r, 2, frame).Release()
	c.read(r, 3, frame).Release()
	c.write(w, 4, frame)
	c.read(r, 4, frame).Release()
}
