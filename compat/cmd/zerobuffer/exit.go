package main

import (
	"context"
	"errors"
	"fmt"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
)

// Exit codes, the same for every command (wire contract, section 8).
const (
	exitOK = iota
	exitConnect
	exitTransfer
	exitUsage
	exitVerify
)

// exitError is an error with the exit code that it stands for.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

func usageError(format string, args ...any) error {
	return &exitError{exitUsage, fmt.Errorf(format, args...)}
}

// exitCode returns the code of an error that a command returned. What does not say otherwise is
// a failed read or write.
func exitCode(err error) int {
	var coded *exitError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &coded):
		return coded.code
	default:
		return exitTransfer
	}
}

// connectError says that a buffer could not be made or opened, and what to do where the cause
// does not say it.
func connectError(name string, err error) error {
	hint := ""
	switch {
	case errors.Is(err, zerobuffer.ErrInvalidName):
		return &exitError{exitUsage, err}
	case errors.Is(err, zerobuffer.ErrBufferNotFound), isTimeout(err):
		hint = fmt.Sprintf("; the reader makes the buffer, start it: zerobuffer reader %s", name)
	case errors.Is(err, zerobuffer.ErrNoSpace):
		hint = "; or use a smaller ring: --buffer-size 16MiB"
	case errors.Is(err, zerobuffer.ErrReaderConnected):
		hint = "; choose another name, or end the reader that is there"
	}
	return &exitError{exitConnect, fmt.Errorf("%w%s", err, hint)}
}

// isTimeout tells whether err is the end of a time-out.
func isTimeout(err error) bool {
	return errors.Is(err, context.DeadlineExceeded)
}

// interrupted tells whether the command ends because it was asked to. Whatever else goes wrong
// from then on, such as a peer that got the same signal, is part of that end.
func interrupted(ctx context.Context, err error) bool {
	return err != nil && ctx.Err() != nil
}
