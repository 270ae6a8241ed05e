package build

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Steps runs targets in order, each as the command that a person would type, also after one has
// failed. Then it prints how long each took and how it ended.
func Steps(ctx context.Context, env []string, targets ...string) error {
	var errs []error
	var table strings.Builder
	begin := time.Now()
	for _, target := range targets {
		fmt.Printf("\n=== %s\n", target)
		start := time.Now()
		err := Command{Env: env}.Run(ctx, "go", "tool", "mage", target)
		end := "ok"
		if err != nil {
			end = "FAILED"
			errs = append(errs, fmt.Errorf("%s: %w", target, err))
		}
		fmt.Fprintf(&table, "%-11s %8v  %s\n", target, time.Since(start).Round(time.Second), end)
		if ctx.Err() != nil {
			break
		}
	}
	fmt.Printf("\n%s%-11s %8v\n", &table, "all", time.Since(begin).Round(time.Second))
	return errors.Join(errs...)
}
