package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zerobuffer-go/zerobuffer/compat/benchmarks/internal/report"
	"github.com/zerobuffer-go/zerobuffer/compat/native"
)

func TestMain(m *testing.M) {
	if os.Getenv(sideVariable) != "" {
		main()
	}
	os.Exit(m.Run())
}

func call(ctx context.Context, args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = run(ctx, args, &out, &errs)
	return code, out.String(), errs.String()
}

func needBackend(t *testing.T) {
	t.Helper()
	if err := native.Supported(); err != nil {
		t.Skip(err)
	}
}

// newBench is a run that a test steers. It may be short of limits and of the Python peer.
func newBench(t *testing.T, args ...string) *bench {
	t.Helper()
	needBackend(t)
	o := &options{
		Measure: []string{"round-trip", "one-way", "reserve", "paced", "idle", "loaded", "one-cpu"},
		Sizes:   []int{64}, Duration: 40 * time.Millisecond, Rounds: 1, Transports: args,
	}
	require.NoError(t, o.check())
	b := &bench{options: o, stderr: os.Stderr, processors: twoProcessors()}
	require.NoError(t, b.prepare(t.Context()))
	t.Cleanup(func() { require.NoError(t, b.clean()) })
	return b
}

// Whatever there is moves frames in every measure; each run compares counts and sums by itself.
func TestCrossProcessMeasuresEverything(t *testing.T) {
	var only []string
	if testing.Short() {
		only = []string{native.Default(), dashed(pipe)}
	}
	b := newBench(t, only...)
	seen, counted := map[string]bool{}, map[string]bool{}
	var awake []string // whose time on processors is told
	for _, j := range b.jobs() {
		if j.longer > 1 && j.rate != 1000 && j.measure != "idle" {
			continue // too slow for a test
		}
		figures, err := b.inRounds(t.Context(), j)
		require.NoError(t, err)
		require.NotEmpty(t, figures)
		for _, f := range figures {
			seen[f.Measure+", "+strings.TrimSuffix(f.Transport, " reader")] = true
			require.Len(t, f.Rounds, 1)
			if f.Measure == "paced" && f.Metric == "cpu/frame" {
				awake = append(awake, f.Transport)
			}
			if f.Metric == allocsFrame {
				counted[f.Measure+", "+f.Transport] = true
				continue // 0 is good
			}
			// Not every clock sees the time on processors of so short a run.
			if f.Rounds[0] <= 0 && !strings.HasPrefix(f.Metric, "cpu") {
				t.Errorf("%+v", f)
			}
		}
	}
	for _, measure := range measures {
		name := measure + ", " + b.kinds[0].label
		if !seen[name] {
			t.Errorf("%s was not measured, but %v", name, seen)
		}
	}
	require.Contains(t, awake, b.kinds[0].label)
	for _, measure := range allocsMeasures {
		require.True(t, counted[measure+", "+b.kinds[0].label], "allocations, %s", measure)
		require.False(t, counted[measure+", "+pipe])
		require.False(t, counted[measure+", "+goPython])
	}
	if haveStreams {
		require.True(t, seen["one way, pipe"])
		require.Contains(t, awake, pipe)
	}
	if haveShmipc && !testing.Short() {
		for _, measure := range []string{roundTrip, oneWay, "paced"} {
			require.True(t, seen[measure+", "+shmipcGo], measure)
		}
	}
}

func TestCrossProcessReport(t *testing.T) {
	needBackend(t)
	// Wine does not remove directories the way that TempDir asks for.
	file := filepath.Join(os.TempDir(), uniqueName()+".json")
	t.Cleanup(func() { require.NoError(t, os.Remove(file)) })
	scheme := native.Default()
	code, stdout, stderr := call(t.Context(), "--duration=40ms", "--rounds=2", "--sizes=64",
		"--measure=one-way,idle", "--backends="+scheme, "--transports="+scheme, "--json="+file)
	require.Equal(t, 0, code, stderr)
	require.Contains(t, stdout, "\none way, 64 B ")
	require.Contains(t, stdout, "\n"+scheme+" ")
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	var got report.Report
	require.NoError(t, json.Unmarshal(text, &got))
	require.Equal(t, 2, got.Settings.Rounds)
	require.Equal(t, runtime.NumCPU(), got.Machine.CPUs)
	var batches []int
	for _, f := range got.Figures {
		require.Len(t, f.Rounds, map[string]int{oneWay: 2, "idle": 1}[f.Measure], f.Measure)
		if f.Metric == "frames/s" {
			batches = append(batches, f.Batch)
		}
	}
	require.Equal(t, []int{0, 0, batch}, batches)
}

func TestWithoutCompiler(t *testing.T) {
	t.Setenv("PATH", "")
	var stderr bytes.Buffer
	b := &bench{options: &options{}, stderr: &stderr}
	require.NoError(t, b.prepare(t.Context()))
	t.Cleanup(func() { require.NoError(t, b.clean()) })
	require.Contains(t, stderr.String(), "without the limits")
	require.False(t, b.can(limit(memcpy, "memcpy")))
}

// A frame that is lost or torn ends the run.
func TestCombineComparesBothSides(t *testing.T) {
	way := job{measure: oneWay}
	good := result{Frames: 2, Sum: 5, Rate: 1, CPU: 1, Allocs: 3}
	r, err := combine(way, [2]result{good, good})
	require.NoError(t, err)
	require.InDelta(t, 2, r.CPU, 0)
	require.InDelta(t, 6, r.Allocs, 0)
	_, err = combine(way, [2]result{good, {Frames: 3, Sum: 5}})
	require.EqualError(t, err, "count frames: 3 were sent, 2 received")
	_, err = combine(way, [2]result{good, {Frames: 2, Sum: 6}})
	require.EqualError(t, err, "compare sums: 6 was sent, 5 received")
	_, err = combine(way, [2]result{{Frames: 2, Sum: 5}, good})
	require.ErrorContains(t, err, "too short")
}

// Each transport takes its turn in each round, every other round in reverse order.
func TestRoundsAreInterleaved(t *testing.T) {
	b := newBench(t, native.Default())
	b.Rounds, b.Duration = 2, 4*time.Millisecond
	names = 0
	j := b.jobs()[0]
	figures, err := b.inRounds(t.Context(), j)
	require.NoError(t, err)
	require.Equal(t, 2*len(j.entrants), names)
	require.Len(t, figures, len(j.metricsOf(j.entrants[0]))*len(j.entrants))
}

// TestSumAddsWords compares it with a loop that adds them one by one.
func TestSumAddsWords(t *testing.T) {
	b := make([]byte, 400)
	for i := range b {
		b[i] = byte(31 * i)
	}
	for from := range 9 {
		for to := from; to <= len(b); to++ {
			var want uint64
			rest := b[from:to]
			for ; len(rest) >= 8; rest = rest[8:] {
				want += word(rest)
			}
			for _, c := range rest {
				want += uint64(c)
			}
			require.Equal(t, want, sum(b[from:to]), "%d..%d", from, to)
		}
	}
}

func TestSumSeesEveryByte(t *testing.T) {
	for _, size := range []int{8, 64, 1000, 1027} {
		frame := content(size)
		base := sum(frame)
		for i := range frame {
			frame[i]++
			if sum(frame) == base {
				t.Errorf("size %d: byte %d does not count", size, i)
			}
			frame[i]--
		}
		setNumber(frame, 77)
		require.Equal(t, base+77, sum(frame))
		require.EqualValues(t, 77, number(frame))
	}
	require.Zero(t, testing.AllocsPerRun(10, func() { sum(make([]byte, 64)) }))
}

// Frames that come while it warms up do not count for the speed, unless there are no others.
func TestMeterWarmsUp(t *testing.T) {
	slow, m := newMeter(4<<20, time.Hour), newMeter(4<<20, 20*time.Millisecond)
	require.EqualValues(t, 4, m.every)
	for range 41 {
		m.add(1)
		slow.add(1)
		time.Sleep(time.Millisecond)
	}
	require.Greater(t, m.from, int64(1))
	require.Equal(t, int64(41), m.to)
	r := m.result()
	require.EqualValues(t, 41, r.Frames)
	require.EqualValues(t, 41, r.Sum)
	require.Positive(t, r.Rate)
	require.LessOrEqual(t, r.Rate, 1000.0)
	require.Positive(t, slow.result().Rate)
	require.EqualValues(t, 1, slow.from)
}

func TestInterrupted(t *testing.T) {
	needBackend(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	code, _, stderr := call(ctx, "--sizes=64", "--transports="+native.Default())
	require.Equal(t, 130, code)
	require.True(t, strings.HasSuffix(stderr, "bench: stopped\n"), stderr)
}

func TestBadArguments(t *testing.T) {
	for _, c := range []struct{ arg, want string }{
		{"--duration=0s", "--duration"},
		{"--duration=long", "--duration"},
		{"extra", "unexpected argument extra"},
		{"--what", "unknown flag --what"},
		{"--rounds=0", "--rounds"},
		{"--sizes=100", "--sizes: 100"},
		{"--sizes=8388608", "--sizes: 8388608"},
		{"--measure=all", "--measure"},
		{"--transports=carrier-pigeon", `--transports: "carrier-pigeon" is none of bare-ping-pong`},
		{"--transports=carrier-pigeon", ", unix-socket, pipe, tcp, shmipc-go, python, "},
		{"--backends=memfd:a/", "--backends"},
	} {
		code, _, stderr := call(t.Context(), c.arg)
		require.Equal(t, 2, code, c.arg)
		require.Contains(t, stderr, "bench: ")
		require.Contains(t, stderr, c.want)
	}
}

func TestHelpNamesAllChoices(t *testing.T) {
	code, stdout, stderr := call(t.Context(), "--help")
	require.Equal(t, 0, code, stderr)
	for _, word := range slices.Concat([]string{"--[no-]pin", "elsewhere", "--quick"}, measures) {
		require.Contains(t, strings.Join(strings.Fields(stdout), " "), dashed(word))
	}
}

func TestSideSaysWhatIsWrong(t *testing.T) {
	for text, want := range map[string]string{
		`{"role":"dance","cpu":-1}`:                    `there is no "dance"`,
		`{"role":"send","means":"telegraph","cpu":-1}`: `there is no means "telegraph"`,
		`nonsense`: "invalid character",
	} {
		open, end, err := os.Pipe() // the first process is still there
		require.NoError(t, err)
		var stdout, stderr bytes.Buffer
		require.Equal(t, 1, runSide(t.Context(), text, open, &stdout, &stderr))
		require.NoError(t, errors.Join(end.Close(), open.Close()))
		require.Contains(t, stderr.String(), want)
		require.Empty(t, stdout.String())
	}
}
