package main

import "runtime"

// heap counts the allocations of this process. A look at them stops all its threads for a moment,
// so there is one where counting begins, before the clock is read, and one at the end.
type heap struct {
	stats  runtime.MemStats // here, so that a look does not allocate
	before uint64
	frames int64
}

// begin starts to count, at a number of frames. It may be called again, to start later.
func (h *heap) begin(frames int64) {
	runtime.ReadMemStats(&h.stats)
	h.before, h.frames = h.stats.Mallocs, frames
}

// perFrame is what was allocated for each frame since begin.
func (h *heap) perFrame(frames int64) float64 {
	runtime.ReadMemStats(&h.stats)
	return float64(h.stats.Mallocs-h.before) / float64(max(frames-h.frames, 1))
}
