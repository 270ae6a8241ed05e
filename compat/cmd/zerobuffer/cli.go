package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	"github.com/alecthomas/kong"

	"github.com/zerobuffer-go/zerobuffer/compat/native"
	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

const description = `Move frames between processes through shared memory (ZeroBuffer protocol
1.0.0).

The reader makes the buffer and the writer connects to it: start the reader first, or within the
writer's --timeout-ms. A buffer has a NAME, or an address that says where it is: posix:NAME,
memfd:NAME, memfd:/some/dir/NAME, memfd:@NAME (an abstract socket); "zerobuffer version" lists what
this build has. Exit codes: 0 success, 1 connect failed, 2 read, write or time-out, 3 bad
arguments, 4 verification failed.`

// cli is the grammar of the command line.
type cli struct {
	Writer  writerCmd  `cmd:"" help:"Write frames: a test pattern, or raw frames from a pipe."`
	Reader  readerCmd  `cmd:"" help:"Make a buffer and read frames; verify, hash or output them."`
	Relay   relayCmd   `cmd:"" help:"Read frames from one buffer and write them to another."`
	Version versionCmd `cmd:"" help:"Show the version and the backends."`
}

// env is what a command has of the world around it.
type env struct {
	//nolint:containedctx // it lives exactly as long as the one command that runs
	ctx            context.Context
	stdin          io.Reader
	stdout, stderr io.Writer
	// resolve returns the backend and the name that the address of a buffer stands for.
	resolve resolver
}

type resolver func(address string) (driver.Backend, string, error)

// run is the whole command: it returns the exit code. The end of ctx ends it cleanly.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	return runWith(ctx, native.Resolve, args, stdin, stdout, stderr)
}

// runWith is run with other backends.
func runWith(
	ctx context.Context, resolve resolver, args []string,
	stdin io.Reader, stdout, stderr io.Writer,
) int {
	helped := false
	parser, err := kong.New(&cli{},
		kong.Name("zerobuffer"),
		kong.Description(description),
		kong.Writers(stdout, stderr),
		texts,
		kong.ValueFormatter(describe),
		// Help has been printed when kong wants to exit; what the rest of the line lacks is of
		// no interest then.
		kong.Exit(func(int) { helped = true }),
		kong.WithHyphenPrefixedParameters(true), // -n -1
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
	)
	if err != nil {
		panic(err) // the grammar is wrong
	}
	command, err := parser.Parse(args)
	switch {
	case helped:
		return exitOK
	case err != nil:
		_, _ = fmt.Fprintf(stderr, "zerobuffer: %v\nTry: zerobuffer --help\n", err)
		return exitUsage
	}
	err = command.Run(&env{ctx, stdin, stdout, stderr, resolve})
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "zerobuffer: %v\n", err)
	}
	return exitCode(err)
}

// warn tells of something that does not fail the command.
func (e *env) warn(format string, args ...any) {
	_, _ = fmt.Fprintf(e.stderr, "zerobuffer: warning: "+format+"\n", args...)
}

// logger returns the library's log: to stderr with -v, else nothing but warnings.
func (e *env) logger(verbose bool) *slog.Logger {
	level := slog.LevelWarn
	if verbose {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(e.stderr, &slog.HandlerOptions{Level: level}))
}
