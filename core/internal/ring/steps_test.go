//go:build zbsteps

package ring

import "github.com/zerobuffer-go/zerobuffer/core/crashpoint"

// onStep has act called at each step of either side; nil ends that.
func onStep(act func(name string)) {
	if act == nil {
		crashpoint.Handle(nil)
		return
	}
	crashpoint.Handle(func(_ uint64, name string) { act(name) })
}
