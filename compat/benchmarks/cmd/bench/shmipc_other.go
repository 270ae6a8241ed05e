//go:build !linux || !(amd64 || arm64)

package main

import (
	"context"
	"errors"
)

// haveShmipc is false: the library works nowhere else.
const haveShmipc = false

func openShmipcSender(context.Context, side, string) (sender, error) {
	return nil, errors.ErrUnsupported
}

func openShmipcReceiver(side, string) (receiver, error) { return nil, errors.ErrUnsupported }
