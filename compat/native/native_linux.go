package native

import (
	"fmt"
	"path"
	"strings"

	memfdshm "github.com/zerobuffer-go/zerobuffer/backend-memfd"
	posixshm "github.com/zerobuffer-go/zerobuffer/backend-posix"
	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

// schemes are the backends of this platform.
var schemes = []scheme{
	simple("posix", func() driver.Backend { return posixshm.New(nil) }),
	simple("posix-musl", func() driver.Backend {
		return posixshm.New(&posixshm.Options{CLibrary: posixshm.Musl})
	}),
	{"memfd", memfd},
}

// memfd takes NAME, /some/dir/NAME or @NAME.
func memfd(rest string) (driver.Backend, string, error) {
	if name, ok := strings.CutPrefix(rest, "@"); ok {
		return memfdshm.New(&memfdshm.Options{Abstract: true}), name, nil
	}
	dir, name := path.Split(rest)
	switch {
	case dir == "":
		return memfdshm.New(nil), name, nil
	case !path.IsAbs(dir):
		return nil, "", fmt.Errorf("%w: a relative path with a slash may mean something else on the "+
			"other side; say memfd:/some/dir/NAME", driver.ErrInvalidName)
	case strings.ContainsRune(dir, 0):
		return nil, "", fmt.Errorf("%w: the directory contains a NUL", driver.ErrInvalidName)
	}
	return memfdshm.New(&memfdshm.Options{Dir: dir}), name, nil
}
