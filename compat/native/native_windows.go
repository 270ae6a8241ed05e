package native

import (
	winshm "github.com/zerobuffer-go/zerobuffer/backend-windows"
	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

const defaultScheme = "win"

// schemes are the backends of this platform: one, with the names of each language.
var schemes = []scheme{
	sections("win", winshm.Options{}),
	sections("win-global", winshm.Options{Global: true}),
	sections("win-python", winshm.Options{Names: winshm.Python}),
	sections("win-cpp", winshm.Options{Names: winshm.CPP}),
}

func sections(name string, opts winshm.Options) scheme {
	return simple(name, func() driver.Backend { return winshm.New(&opts) })
}
