package build

import (
	"debug/elf"
	"fmt"
)

// static checks that a program for Linux needs nothing to be started: no dynamic loader, and no
// shared library.
func static(name string) error {
	f, err := elf.Open(name)
	if err != nil {
		return fmt.Errorf("read program: %w", err)
	}
	defer func() { _ = f.Close() }()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return fmt.Errorf("%s is not static: it asks for a dynamic loader", name)
		}
	}
	// A program without a dynamic section has none of its entries, and that is no error.
	needed, err := f.DynString(elf.DT_NEEDED)
	if err != nil {
		return fmt.Errorf("read what %s needs: %w", name, err)
	}
	if len(needed) > 0 {
		return fmt.Errorf("%s is not static: it needs %q", name, needed)
	}
	return nil
}
