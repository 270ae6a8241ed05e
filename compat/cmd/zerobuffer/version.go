package main

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/zerobuffer-go/zerobuffer/compat/native"
	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

type versionCmd struct {
	JSONOutput bool `name:"json-output" help:"Print it as JSON."`
}

// build is what a build of this command is made of.
type build struct {
	Version  string `json:"version"`
	Protocol string `json:"protocol"`
	Platform string `json:"platform"`
	Go       string `json:"go"`
	// Backends are the schemes of addresses, the default first.
	Backends       []string `json:"backends"`
	DefaultBackend string   `json:"default_backend"`
}

// Run prints the versions of the program and of the protocol, and the backends.
func (c *versionCmd) Run(e *env) error {
	b := thisBuild()
	if c.JSONOutput {
		encoder := json.NewEncoder(e.stdout)
		encoder.SetIndent("", "  ")
		return encoder.Encode(b)
	}
	return b.print(e.stdout)
}

func thisBuild() build {
	b := build{
		Version: "(devel)",
		Protocol: fmt.Sprintf("%d.%d.%d",
			layout.VersionMajor, layout.VersionMinor, layout.VersionPatch),
		Platform:       runtime.GOOS + "/" + runtime.GOARCH,
		Go:             runtime.Version(),
		Backends:       append([]string{}, native.Schemes()...), // [] in JSON, not null
		DefaultBackend: native.Default(),
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		b.Version = info.Main.Version
	}
	return b
}

func (b *build) print(w io.Writer) error {
	backends := "none for this platform"
	if len(b.Backends) > 0 { // the first one is the default
		backends = strings.Join(b.Backends, ", ")
		backends = strings.Replace(backends, b.DefaultBackend, b.DefaultBackend+" (default)", 1)
	}
	_, err := fmt.Fprintf(w, "zerobuffer %s, protocol %s, %s, %s\nbackends: %s\n",
		b.Version, b.Protocol, b.Platform, b.Go, backends)
	return err
}
