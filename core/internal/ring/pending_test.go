//go:build zbsteps

package ring

import "testing"

// TestAdditionOnItsWay lets a writer look at the ring while our reader is between its store of
// read_pos and its addition. What it finds missing there is not lost.
func TestAdditionOnItsWay(t *testing.T) {
	for name, look := range map[string]func(*testing.T, *world){
		"drained": func(_ *testing.T, w *world) {
			w.p.Drained()
			w.p.Drained()
		},
		"attach": func(t *testing.T, w *world) {
			if _, err := NewProducer(w.seg, w.data, 0).Attach(false); err != nil {
				t.Error(err)
			}
		},
		"no room": func(t *testing.T, w *world) {
			b, err := w.p.Open(w.p.MaxPayload())
			if b == nil || err != nil {
				t.Errorf("the ring is drained, but there is no room (%v)", err)
			}
			w.p.Abandon()
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(1, 256, false)
			onStep(nil)
			w.attach()
			writeOne(t, w, 80)
			h, err := w.rd.read()
			if h == nil || err != nil {
				t.Fatal(err)
			}
			onStep(func(name string) {
				if name == "read-pos" {
					onStep(nil)
					look(t, w)
				}
			})
			w.rd.(*ourReader).c.Release(h.ticket)
			w.rd.(*ourReader).c.GiveBack()
			if free := w.seg.OIEB.PayloadFree.Load(); free != 256 {
				t.Errorf("%d bytes are free, want 256", free)
			}
		})
	}
}
