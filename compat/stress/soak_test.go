//go:build linux

package stress

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A writer and a reader at full speed, one of which is killed every second and replaced, as long as
// SOAK says: four pairs at once, so that with each backend each side is the one that survives. No
// frame is lost, and neither in the survivors nor on the machine does anything grow.
func TestSoakCrossProcess(t *testing.T) {
	length := 6 * time.Second
	if text := os.Getenv("SOAK"); text != "" {
		var err error
		length, err = time.ParseDuration(text)
		require.NoError(t, err)
	}
	every := min(time.Second, length/24)
	var pairs []*pair
	for i := range simpleKinds {
		p := newPlace(t, i)
		pairs = append(pairs, newPair(t, p, "reader"), newPair(t, p, "writer"))
	}
	for _, p := range pairs {
		for hung := time.Now().Add(watchdog); p.shared.words[soakRead].Load() == 0; {
			require.True(t, time.Now().Before(hung), "no frames come")
			time.Sleep(time.Millisecond)
		}
	}
	kills := 0
	for end := time.Now().Add(length); time.Now().Before(end); {
		time.Sleep(every)
		for _, p := range pairs {
			p.sample(t)
			p.kill(t)
			kills++
		}
	}
	for _, p := range pairs {
		p.sample(t)
		p.end(t)
		p.requireFlat(t)
		t.Logf("%s, %s survives: %d frames, %d MB, %d sessions; %v", kinds[p.place.kind].name,
			p.role, p.shared.words[soakRead].Load(), p.shared.words[soakBytes].Load()>>20,
			p.shared.words[soakSession].Load(), p.samples[len(p.samples)-1])
		require.Positive(t, p.shared.words[soakRead].Load())
	}
	t.Logf("%v, %d kills", length, kills)
}

// pair is a writer and a reader of one buffer.
type pair struct {
	place    place
	name     string
	shared   *area
	role     string // of the survivor
	survivor *program
	victim   *program
	samples  []sample
}

func newPair(t *testing.T, where place, survivor string) *pair {
	t.Helper()
	p := &pair{place: where, role: survivor}
	p.name = fmt.Sprintf("%ssoak-%s-%s", prefix, kinds[where.kind].name, survivor)
	p.shared = newArea(t, soakWords)
	t.Cleanup(p.shared.close)
	p.survivor = p.start(t, survivor)
	p.victim = p.start(t, p.other())
	t.Cleanup(func() { p.survivor.kill(); p.victim.kill() })
	return p
}

func (p *pair) other() string {
	if p.role == "reader" {
		return "writer"
	}
	return "reader"
}

func (p *pair) start(t *testing.T, role string) *program {
	t.Helper()
	return launch(t, p.shared, "soak", append(p.place.args(), p.name, role)...)
}

// kill kills the victim and starts a fresh process in its place.
func (p *pair) kill(t *testing.T) {
	t.Helper()
	p.victim.kill()
	require.Contains(t, p.victim.err.Error(), "killed", "it has printed what is wrong")
	p.victim = p.start(t, p.other())
}

// end lets the writer end first, so that the reader has to read everything.
func (p *pair) end(t *testing.T) {
	t.Helper()
	writer, reader := p.victim, p.survivor
	if p.role == "writer" {
		writer, reader = reader, writer
	}
	writer.finish()
	writer.join(t)
	reader.finish()
	reader.join(t)
	p.place.requireGone(t, p.name)
}

// sample is what a survivor, and the machine, have of everything that could leak.
type sample struct {
	memory      int // KiB that belong to the process alone
	descriptors int
	mappings    int
	goroutines  int
	objects     int // files of the buffer
}

func (s sample) String() string {
	return fmt.Sprintf("%d KiB, %d descriptors, %d mappings, %d goroutines, %d objects",
		s.memory, s.descriptors, s.mappings, s.goroutines, s.objects)
}

func (p *pair) sample(t *testing.T) {
	t.Helper()
	proc := fmt.Sprintf("/proc/%d/", p.survivor.PID())
	s := sample{goroutines: int(p.shared.words[soakGoroutines].Load())}
	status, err := os.ReadFile(proc + "status")
	require.NoError(t, err)
	_, rest, _ := strings.Cut(string(status), "RssAnon:")
	s.memory, err = strconv.Atoi(strings.Fields(rest)[0])
	require.NoError(t, err, "the survivor has ended: it has printed what is wrong")
	fds, err := os.ReadDir(proc + "fd")
	require.NoError(t, err)
	s.descriptors = len(fds)
	maps, err := os.ReadFile(proc + "maps")
	require.NoError(t, err)
	s.mappings = strings.Count(string(maps), "\n")
	for _, dir := range []string{"/dev/shm", p.place.dir} {
		_ = filepath.WalkDir(dir, func(path string, _ fs.DirEntry, _ error) error {
			if strings.Contains(filepath.Base(path), p.name) {
				s.objects++
			}
			return nil // what has just gone is no error
		})
	}
	all, _ := p.place.paths(p.name)
	require.LessOrEqual(t, s.objects, len(all), "files of the buffer")
	p.samples = append(p.samples, s)
}

// requireFlat compares the end of the run with its begin, without its very first moments. What was
// just being opened or closed may show in any one sample, and what leaks does so at each kill.
func (p *pair) requireFlat(t *testing.T) {
	t.Helper()
	quarter := max(len(p.samples)/4, 1)
	first, last := p.samples[1:1+quarter], p.samples[len(p.samples)-quarter:]
	for what, c := range map[string]struct {
		of    func(s sample) int
		slack int
	}{
		"memory in KiB": {func(s sample) int { return s.memory }, 4096},
		"descriptors":   {func(s sample) int { return s.descriptors }, 2},
		"mappings":      {func(s sample) int { return s.mappings }, 8}, // the runtime has its own
		"goroutines":    {func(s sample) int { return s.goroutines }, 4},
	} {
		most, least := 0, int(^uint(0)>>1)
		for _, s := range first {
			most = max(most, c.of(s))
		}
		for _, s := range last {
			least = min(least, c.of(s))
		}
		require.LessOrEqual(t, least, most+c.slack, "%s, %s survives: %s grow: %v",
			kinds[p.place.kind].name, p.role, what, p.samples)
	}
}
