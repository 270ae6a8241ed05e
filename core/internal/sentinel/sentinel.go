// Package sentinel makes errors that stand for a kind of failure.
package sentinel

import "errors"

// ErrOverflow is that of package driver. The ring has to know it, too.
var ErrOverflow = errors.New("semaphore value overflow")

// sentinel is an error that also matches a more general one.
type sentinel struct {
	text string
	of   error
}

func (e *sentinel) Error() string { return e.text }
func (e *sentinel) Unwrap() error { return e.of }

// New returns an error with its own text that matches itself and everything that of matches.
func New(text string, of error) error { return &sentinel{text, of} }
