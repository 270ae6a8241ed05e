//go:build zbsteps

package crashpoint_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zerobuffer-go/zerobuffer/core/crashpoint"
)

func TestHandleNumbersPlaces(t *testing.T) {
	defer crashpoint.Handle(nil)
	for range 2 { // each Handle counts anew
		var seen []string
		crashpoint.Handle(func(n uint64, name string) {
			seen = append(seen, fmt.Sprint(n, " ", name))
		})
		crashpoint.At("a")
		crashpoint.At("b")
		crashpoint.Handle(nil)
		crashpoint.At("c")
		require.Equal(t, []string{"1 a", "2 b"}, seen)
	}
}
