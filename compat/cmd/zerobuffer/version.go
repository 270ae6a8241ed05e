package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

type versionCmd struct{}

// Run prints the versions of the program and of the protocol, and the backend in use.
func (c *versionCmd) Run(e *env) error {
	version := "(devel)"
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		version = info.Main.Version
	}
	_, err := fmt.Fprintf(e.stdout, "zerobuffer %s, protocol %d.%d.%d, %s/%s, backend %s, %s\n",
		version, layout.VersionMajor, layout.VersionMinor, layout.VersionPatch,
		runtime.GOOS, runtime.GOARCH, e.backend.Name(), runtime.Version())
	return err
}
