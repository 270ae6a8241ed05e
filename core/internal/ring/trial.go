package ring

const (
	// largeFrame is a payload from which on fewer than 16 frames make a short lap, so that the
	// hand-over between two laps counts.
	largeFrame = shortLap / 16
	// A trial measures trialBytes of each way, after settleBytes in which caches get used to it, and
	// restBytes later comes the next one.
	trialBytes  = 64 << 20
	settleBytes = 32 << 20
	restBytes   = 2 << 30
	// startBytes are written before the first trial: much is slower at first, such as page faults.
	startBytes = 256 << 20
	// clearlyFaster is how many times as fast the other way must be to be taken.
	clearlyFaster = 1.05
)

// trial finds out whether a fast Producer of large frames does better with short laps or without.
// With a small cache it is with them: all is still there. With a large one there is nothing to
// gain, and in laps of two frames no side gets ahead of the other, so each delay is one of both.
type trial struct {
	stage trialStage
	long  bool    // the way it goes: without short laps
	rate  float64 // of the way before, in bytes a nanosecond
	bytes uint64  // of this stage
	took  int64   // nanoseconds
}

type trialStage int

const (
	rests trialStage = iota
	measuresOld
	settles
	measuresNew
	trialStages
)

// lengths are the bytes of each stage.
var lengths = [trialStages]uint64{
	rests: restBytes, measuresOld: trialBytes, settles: settleBytes, measuresNew: trialBytes,
}

// begin has the first trial come soon. Until then laps are long.
func (t *trial) begin() { *t = trial{long: true, bytes: restBytes - startBytes} }

// add counts bytes that were written in so many nanoseconds.
func (t *trial) add(bytes uint64, took int64) {
	t.bytes += bytes
	t.took += took
	if t.bytes < lengths[t.stage] {
		return
	}
	rate := float64(t.bytes) / float64(t.took)
	switch t.stage {
	case measuresOld:
		t.rate, t.long = rate, !t.long
	case measuresNew:
		if rate < clearlyFaster*t.rate {
			t.long = !t.long
		}
	default:
	}
	t.stage = (t.stage + 1) % trialStages
	t.bytes, t.took = 0, 0
}
