//go:build mage

// The targets of the repository. "go tool mage" lists them, "go tool mage TARGET" runs one.
// What they do is in internal/build; here are their names, their time budgets, and their flags.
package main

import (
	"context"
	"errors"
	"os"
	"slices"
	"time"

	"github.com/zerobuffer-go/zerobuffer/internal/build"
)

// Demo sends frames from one process to another and shows what happened.
func Demo(ctx context.Context) error {
	return build.Within(ctx, "demo", 5*time.Minute, func(ctx context.Context) error {
		return build.Command{}.Run(ctx, "go", "run", "./examples/demo")
	})
}

// Test runs all tests; Go is enough. ZEROBUFFER_REQUIRE=1 or CI=true: nothing may be skipped.
func Test(ctx context.Context) error {
	return build.Within(ctx, "test", 15*time.Minute, func(ctx context.Context) error {
		peers, ok := build.FindPeers()
		strict := build.Strict()
		flags := []string{"-timeout=8m"}
		if strict {
			var err error
			if peers, err = build.InstallPeers(ctx); err != nil {
				return err
			}
			ok, flags = true, append(flags, "-count=1")
		}
		var env []string
		if ok {
			env = peers.Env()
		}
		rest, err := build.Packages(ctx, []string{"work"}, "compat/interop")
		if err != nil {
			return err
		}
		run := func(name string, packages []string, more ...string) build.TestRun {
			return build.TestRun{
				Name: name, Packages: packages, Flags: slices.Concat(flags, more), Env: env, NoSkip: strict,
			}
		}
		// The tag zbsteps adds stops, in the ring between any two stores; memfd changes the default.
		return build.RunTests(ctx, build.Lane{
			run("", rest),
			run("zbsteps", []string{"./backend-posix", "./backend-memfd"},
				"-tags=zbsteps", "-run=^TestKillAtEveryPoint"),
			run("memfd", []string{"./compat/native", "./compat/cmd/zerobuffer", "./examples/..."},
				"-tags=memfd"),
		}, build.Lane{
			run("", []string{"./compat/interop/..."}), // waits for Python and ffmpeg
			run("zbsteps", []string{"./core/internal/ring", "./core/crashpoint"}, "-tags=zbsteps"),
		})
	})
}

// Interop installs the Python peer, ffmpeg and a video, builds the C peer, and runs the tests that
// meet them. Without a C compiler or musl-gcc the tests with the C peer may be skipped.
func Interop(ctx context.Context) error {
	return build.Within(ctx, "interop", 10*time.Minute, func(ctx context.Context) error {
		peers, err := build.InstallPeers(ctx)
		if err != nil {
			return err
		}
		return build.RunTests(ctx, build.Lane{{
			Packages: []string{"./compat/interop/..."},
			Flags:    []string{"-count=1", "-timeout=8m"},
			Env:      peers.Env(),
			NoSkip:   build.Strict() || peers.HasC(),
		}})
	})
}

// Race runs the tests under the race detector, compat with -short and without those that are about
// other processes, into which it does not see. It needs a C compiler.
func Race(ctx context.Context) error {
	return build.Within(ctx, "race", 20*time.Minute, func(ctx context.Context) error {
		if err := build.RaceReady(ctx); err != nil {
			return err
		}
		all := []string{"./compat/...", "./compat/benchmarks/..."}
		compat, err := build.Packages(ctx, all, "compat/interop", "compat/stress")
		if err != nil {
			return err
		}
		env := []string{build.RaceExit}
		rest := build.TestRun{
			Packages: compat, Flags: []string{"-race", "-short", "-timeout=8m"}, Env: env,
		}
		if peers, ok := build.FindPeers(); ok {
			rest.Env = slices.Concat(env, peers.Env())
		}
		return build.RunTests(ctx, build.Lane{{
			// Those that take longest begin first, so that the last does not run alone.
			Packages: []string{"./backend-posix/...", "./backend-memfd/...", "./core/..."},
			Flags:    []string{"-race", "-timeout=8m"},
			Env:      env,
		}, rest})
	})
}

// Soak runs processes at full speed, kills one of each pair every second and replaces it, for
// SOAK=1m or longer; no frame may be lost, and nothing may grow.
func Soak(ctx context.Context) error {
	length, err := time.ParseDuration(build.EnvOr("SOAK", "1m"))
	if err != nil {
		return err
	}
	return build.Within(ctx, "soak", length+5*time.Minute, func(ctx context.Context) error {
		return build.Soak(ctx, length)
	})
}

// Full runs what is too long for CI: ConcurrentSafe tests 100 times under -race, ten thousand
// rounds of the stress tests, a hostile peer for ZEROBUFFER_CHAOS (10m), kills in wider
// plans, a long run of ten minutes, long fuzzing.
func Full(ctx context.Context) error {
	return build.Within(ctx, "full", 4*time.Hour, func(ctx context.Context) error {
		if err := build.RaceReady(ctx); err != nil {
			return err
		}
		err := build.RunTests(ctx, build.Lane{{
			Flags: []string{"-race", "-run=ConcurrentSafe", "-count=100", "-timeout=2h"},
		}, {
			Packages: []string{"./backend-posix", "./backend-memfd"},
			Flags:    []string{"-run=^TestChaos", "-count=1", "-timeout=3h"},
			Env:      []string{"ZEROBUFFER_CHAOS=" + build.EnvOr("ZEROBUFFER_CHAOS", "10m")},
		}, {
			Packages: []string{"./core/internal/ring"},
			Flags:    []string{"-tags=zbsteps", "-run=^TestKill", "-count=1", "-timeout=1h"},
			Env:      []string{"ZEROBUFFER_WIDE=1", "ZEROBUFFER_RUNS=1000000"},
		}})
		return errors.Join(err, build.Stress(ctx, 10000), build.Soak(ctx, 10*time.Minute),
			build.Fuzz(ctx, build.EnvOr("FUZZTIME", "5m")))
	})
}

// Lint runs golangci-lint with the format check over all modules, for Linux and Windows.
func Lint(ctx context.Context) error {
	return build.Within(ctx, "lint", 15*time.Minute, build.Lint)
}

// Fmt formats all files the way lint wants them.
func Fmt(ctx context.Context) error {
	return build.Within(ctx, "fmt", 15*time.Minute, build.Format)
}

// Matrix builds and vets every package and test for all targets, and looks at the programs.
func Matrix(ctx context.Context) error {
	return build.Within(ctx, "matrix", 15*time.Minute, build.Matrix)
}

// Model searches the models of the protocol for errors, and deliberate faults must be caught; it
// needs spin and gcc. MODEL=part picks some.
func Model(ctx context.Context) error {
	return build.Within(ctx, "model", 15*time.Minute, build.Model)
}

// Qemu runs the tests of core and of the backends for Linux on other processors, emulated.
func Qemu(ctx context.Context) error {
	return build.Within(ctx, "qemu", 15*time.Minute, build.Qemu)
}

// Conformance runs the suite of all backends and lists what each does in each case.
func Conformance(ctx context.Context) error {
	return build.Within(ctx, "conformance", 10*time.Minute, build.Conformance)
}

// Wine runs the tests and the demo for Windows under Wine; it needs wine and mingw-w64.
func Wine(ctx context.Context) error {
	return build.Within(ctx, "wine", 8*time.Minute, build.Wine)
}

// Fuzz runs every fuzz test for 10s, or as long as FUZZTIME says.
func Fuzz(ctx context.Context) error {
	return build.Within(ctx, "fuzz", 15*time.Minute, func(ctx context.Context) error {
		return build.Fuzz(ctx, build.EnvOr("FUZZTIME", "10s"))
	})
}

// Bench measures between two processes and within one; BENCH_ARGS=--quick and BENCHTIME=100ms make
// it short.
func Bench(ctx context.Context) error {
	return build.Within(ctx, "bench", 30*time.Minute, func(ctx context.Context) error {
		return errors.Join(build.BenchProcesses(ctx), build.Bench(ctx, "", "1",
			"./core/...", "./backend-posix/...", "./backend-memfd/..."))
	})
}

// BenchDocs measures between two processes and writes the tables and plots below docs/benchmarks.
func BenchDocs(ctx context.Context) error {
	return build.Within(ctx, "benchDocs", time.Hour, build.BenchDocs)
}

// BenchCompare compares the speed of a commit with that of the working tree, of core and between
// two processes; BENCH_ARGS says what to measure there.
func BenchCompare(ctx context.Context, ref string) error {
	return build.Within(ctx, "benchCompare", time.Hour, func(ctx context.Context) error {
		return build.BenchCompare(ctx, ref)
	})
}

// Profile prints where both processes of a benchmark spend their time, and keeps the CPU profiles.
func Profile(ctx context.Context) error {
	return build.Within(ctx, "profile", 5*time.Minute, build.Profile)
}

// Cover prints the coverage of core and backend-posix, by package and in all.
func Cover(ctx context.Context) error {
	return build.Within(ctx, "cover", 10*time.Minute, build.Cover)
}

// Mutants applies each fault of mutants/ to a copy; its test must fail. MUTANT=part picks some.
func Mutants(ctx context.Context) error {
	return build.Within(ctx, "mutants", 30*time.Minute, func(ctx context.Context) error {
		return build.Mutants(ctx, "mutants", os.Getenv("MUTANT"))
	})
}

// Tidy checks that the module files of all modules are tidy.
func Tidy(ctx context.Context) error {
	return build.Within(ctx, "tidy", 3*time.Minute, build.Tidy)
}

// Clean removes what targets made below .cache.
func Clean() error { return os.RemoveAll(build.CacheDir) }

// CI runs everything that a change must pass, with nothing skipped, and says how long each took.
func CI(ctx context.Context) error {
	return build.Within(ctx, "ci", 80*time.Minute, func(ctx context.Context) error {
		env := []string{
			"CI=true",
			"BENCHTIME=" + build.EnvOr("BENCHTIME", "100ms"),
			"BENCH_ARGS=" + build.EnvOr("BENCH_ARGS", "--quick"),
			"FUZZTIME=" + build.EnvOr("FUZZTIME", "3s"),
		}
		return build.Steps(ctx, env, "tidy", "lint", "matrix", "test", "model", "qemu", "wine",
			"conformance", "race", "fuzz", "mutants", "cover", "bench", "demo")
	})
}
