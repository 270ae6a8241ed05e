package build

import (
	"context"
	"errors"
	"path/filepath"
	"strconv"
)

// profiled are the measurements of [Profile]: each frame counts, the way there and back counts, and
// the bytes count.
var profiled = []struct {
	measure string
	size    int
}{
	{"one-way", 64},
	{"round-trip", 64},
	{"one-way", 3_110_400},
}

// Profile makes CPU profiles of both processes of some measurements, and prints the functions that
// take the most. The profiles stay below [CacheDir], for "go tool pprof".
func Profile(ctx context.Context) error {
	var errs []error
	for _, p := range profiled {
		size := strconv.Itoa(p.size)
		dir := filepath.Join(CacheDir, "profile", p.measure+"-"+size)
		err := runBench(ctx, "--profile="+dir, "--measure="+p.measure, "--sizes="+size,
			"--transports=posix", "--rounds=1", "--duration=5s")
		if err != nil {
			errs = append(errs, err)
			continue
		}
		for _, name := range []string{"reader", "writer"} {
			errs = append(errs, Command{}.Run(ctx, "go", "tool", "pprof", "-top", "-nodecount=25",
				filepath.Join(dir, name+".pprof")))
		}
	}
	return errors.Join(errs...)
}
