package main

import "time"

// every is how many frames go by between two looks at the clock, which costs as much as a small
// frame. It is the same in the limits.
func every(size int) int64 { return int64(min(max(1<<20/size, 4), 128)) }

// meter counts the frames that a receiver gets, and looks at the clock now and then. Frames of the
// time to warm up, in which pages are touched for the first time, do not count for the speed.
type meter struct {
	warm              time.Duration
	every, next       int64
	frames            int64
	sum               uint64
	first, begin, end time.Time
	from, to          int64         // frames at begin and at end
	used              time.Duration // on processors, at the first frame
	heap              heap
}

// newMeter returns a meter for frames of a size that come for about the duration d.
func newMeter(size int, d time.Duration) *meter {
	return &meter{warm: d / 10, every: every(size), next: 1}
}

// add counts a frame with a sum.
func (m *meter) add(sum uint64) {
	m.sum += sum
	m.frames++
	if m.frames == m.next {
		m.look()
	}
}

func (m *meter) look() {
	m.next += m.every
	now := time.Now()
	switch {
	case m.first.IsZero():
		m.heap.begin(m.frames)
		m.first, m.used = time.Now(), usage()
	case !m.begin.IsZero():
		m.end, m.to = now, m.frames
	case now.Sub(m.first) >= m.warm:
		m.heap.begin(m.frames)
		m.begin, m.from = time.Now(), m.frames
	}
}

// result is called when the last frame has come.
func (m *meter) result() result {
	if m.end.IsZero() { // few frames came: all count but the first, which started the clock
		m.begin, m.from = m.first, 1
		m.end, m.to = time.Now(), m.frames
	}
	r := result{Frames: m.frames, Sum: m.sum, Allocs: m.heap.perFrame(m.frames)}
	if took := m.end.Sub(m.begin); m.to > m.from && took > 0 {
		r.Rate = float64(m.to-m.from) / took.Seconds()
	}
	if m.frames > 0 {
		r.CPU = float64(usage()-m.used) / float64(m.frames)
	}
	return r
}

// pump is the other end: it says when a sender has sent long enough.
type pump struct {
	begin, end  time.Time // of what counts for allocations, and of all
	warm        bool
	every, next int64
	frames      int64
	sum         uint64
	base        uint64 // the sum of a frame without its number
	used        time.Duration
	heap        heap
}

func newPump(frame []byte, d time.Duration) *pump {
	setNumber(frame, 0)
	p := &pump{every: every(len(frame)), base: sum(frame), used: usage()}
	p.heap.begin(0)
	now := time.Now()
	p.begin, p.end = now.Add(d/10), now.Add(d)
	return p
}

// more tells whether to send another frame. At least two are sent.
func (p *pump) more() bool {
	if p.frames < p.next || p.frames < 2 {
		return true
	}
	p.next = p.frames + p.every
	now := time.Now()
	if !p.warm && !now.Before(p.begin) {
		p.warm = true
		p.heap.begin(p.frames)
	}
	return now.Before(p.end)
}

// mark gives the frame its number and counts it.
func (p *pump) mark(frame []byte) {
	n := uint64(p.frames)
	setNumber(frame, n)
	p.sum += p.base + n
	p.frames++
}

func (p *pump) result() result {
	return result{
		Frames: p.frames, Sum: p.sum, CPU: float64(usage()-p.used) / float64(p.frames),
		Allocs: p.heap.perFrame(p.frames),
	}
}
