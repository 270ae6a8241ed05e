// Package report holds what a run of the benchmarks found, and prints it: as a table, as JSON, in
// the format of Go's benchmarks, and as plots.
package report

// Report is everything that one run measured.
type Report struct {
	Machine  Machine  `json:"machine"`
	Settings Settings `json:"settings"`
	Figures  []Figure `json:"figures"`
}

// Machine says where the run was made and with which versions.
type Machine struct {
	CPU      string            `json:"cpu"`
	CPUs     int               `json:"cpus"`
	Kernel   string            `json:"kernel"`
	Go       string            `json:"go"`
	Versions map[string]string `json:"versions"` // zerobuffer commit, gcc, shmipc-go, Python, zerobuffer-ipc
}

// Settings are the choices of the run.
type Settings struct {
	Duration string `json:"duration"` // of one measurement, all rounds together
	Rounds   int    `json:"rounds"`
	Pinned   bool   `json:"pinned"` // each process to a processor of its own
}

// Figure is one number about one transport: the values of all rounds.
type Figure struct {
	Measure   string    `json:"measure"`             // "round trip", "one way", "paced", "reserve", "idle", "loaded", "one cpu"
	Transport string    `json:"transport"`           // "posix", "posix block", "memfd", "bare ping-pong", "bare slot ring", "bare transfer", "futex ping-pong", "memcpy", "unix socket", "pipe", "tcp", "shmipc-go", "python", "go-python", "python-go"
	Size      int       `json:"size"`                // bytes of payload
	Batch     int       `json:"batch,omitempty"`     // frames a call, 0 or 1: frame by frame
	Ring      int64     `json:"ring,omitempty"`      // bytes, 0: default
	Rate      int       `json:"rate,omitempty"`      // frames/s of a paced measurement
	ZeroCopy  bool      `json:"zero_copy,omitempty"` // not every byte was written and read
	Metric    string    `json:"metric"`              // "p50", "p99", "p99.9" (ns), "frames/s", "GB/s", "cpu/frame" (ns), "cpu" (share of a core), "ns/frame", "allocs/frame"
	Rounds    []float64 `json:"rounds"`              // one value a round, in order
}
