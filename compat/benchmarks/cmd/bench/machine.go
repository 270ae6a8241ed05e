package main

import (
	"context"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/zerobuffer-go/zerobuffer/compat/benchmarks/internal/report"
)

// machine says where this runs and with what.
func (b *bench) machine(ctx context.Context) report.Machine {
	m := report.Machine{
		CPU: cpuModel(), CPUs: runtime.NumCPU(), Kernel: output(ctx, "uname", "-sr"),
		Go:       runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH,
		Versions: map[string]string{},
	}
	set := func(name, version string) {
		if version != "" {
			m.Versions[name] = version
		}
	}
	set("zerobuffer", commit(ctx))
	if b.programs != "" {
		first, _, _ := strings.Cut(output(ctx, "gcc", "--version"), "\n")
		set("gcc", first)
	}
	if haveShmipc {
		set(shmipcGo, moduleVersion("github.com/cloudwego/shmipc-go"))
	}
	if b.python != "" {
		set("Python", strings.TrimPrefix(output(ctx, b.python, "--version"), "Python "))
		set("zerobuffer-ipc", output(ctx, b.python, "-c",
			"import importlib.metadata as m; print(m.version('zerobuffer-ipc'))"))
	}
	return m
}

// output is what a program prints, empty if it does not work: then the report does not say it.
func output(ctx context.Context, args ...string) string {
	out, err := exec.CommandContext(ctx, args[0], args[1:]...).Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

// commit is what this program was built from, or what is in the work tree.
func commit(ctx context.Context) string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				return s.Value
			}
		}
	}
	return output(ctx, "git", "describe", "--always", "--dirty")
}

// moduleVersion is the version of a module in this program, empty if it is not in it.
func moduleVersion(path string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, m := range info.Deps {
		if m.Path == path {
			return m.Version
		}
	}
	return ""
}

func cpuModel() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	for line := range strings.Lines(string(text)) {
		if name, model, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(model)
		}
	}
	return runtime.GOARCH
}
