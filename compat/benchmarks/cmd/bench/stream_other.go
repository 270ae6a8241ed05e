//go:build !unix

package main

import (
	"errors"
	"os"
)

// haveStreams is false: descriptors cannot be handed to another process here.
const haveStreams = false

func setNonblock(uintptr) error { return errors.ErrUnsupported }

func streamEnds(string) (first, second []*os.File, err error) {
	return nil, nil, errors.ErrUnsupported
}
