//go:build zbsteps

package ring

import "testing"

// lostFrame returns the sides of a ring in which a writer was killed right after it had subtracted
// a frame of 20 bytes, and the new one has subtracted it again. The foreign reader has read and
// given back all, and is blocked.
func lostFrame(t *testing.T, before ...uint64) (*world, uint64) {
	t.Helper()
	w := newWorld(1, 512, true)
	onStep(nil)
	w.attach()
	for _, n := range before {
		writeOne(t, w, n)
	}
	readAll(w)
	onStep(func(name string) {
		if name == "subtract" {
			panic(errKilled)
		}
	})
	w.attempt(func() error {
		b, err := w.p.Open(20)
		fillFrame(w, b)
		if err == nil {
			err = w.p.Seal(20)
		}
		if err == nil {
			err = w.p.Flush()
		}
		return err
	})
	onStep(nil)
	w.attach()
	readAll(w)
	if w.err != nil {
		t.Fatal(w.err)
	}
	return w, 20 + 16
}

func fillFrame(w *world, b []byte) {
	for j := range b {
		b[j] = pattern(w.p.seq, j)
	}
}

func writeOne(t *testing.T, w *world, n uint64) {
	t.Helper()
	b, err := w.p.Open(n)
	if err != nil || b == nil {
		t.Fatalf("open %d bytes: %v", n, err)
	}
	fillFrame(w, b)
	if err := w.p.Seal(n); err != nil {
		t.Fatal(err)
	}
	if err := w.p.Flush(); err != nil {
		t.Fatal(err)
	}
}

// readAll reads until the reader is blocked, and gives everything back.
func readAll(w *world) {
	for range 20 {
		h, err := w.rd.read()
		if err != nil {
			w.fail(err)
		}
		if h != nil {
			w.rd.release(h)
		}
	}
}

// TestReclaim checks that space which was subtracted twice comes back when it is needed and it is
// certain that the foreign reader does not hold it.
func TestReclaim(t *testing.T) {
	t.Run("last frame is larger", func(t *testing.T) {
		w, lost := lostFrame(t)
		if got := w.p.Doubt(); got != lost {
			t.Fatalf("%d bytes in doubt, want %d", got, lost)
		}
		writeOne(t, w, 100)
		readAll(w)
		writeOne(t, w, w.p.MaxPayload())
		readAll(w)
		if free := w.seg.OIEB.PayloadFree.Load(); free != 512 || w.p.Doubt() != 0 || w.err != nil {
			t.Fatalf("%d bytes free, %d in doubt, %v", free, w.p.Doubt(), w.err)
		}
	})
	t.Run("could be the last frame", func(t *testing.T) {
		w, lost := lostFrame(t)
		b, err := w.p.Open(w.p.MaxPayload())
		if b != nil || err != nil {
			t.Fatalf("a frame was written over one that may be held: %v", err)
		}
		if free := w.seg.OIEB.PayloadFree.Load(); free != 512-lost {
			t.Fatalf("%d bytes free, want %d", free, 512-lost)
		}
	})
	t.Run("last frames are held", func(t *testing.T) {
		w, lost := lostFrame(t, 30)
		writeOne(t, w, 9)
		var held *heldFrame
		for range 5 {
			if h, _ := w.rd.read(); h != nil {
				held = h
			}
		}
		if b, err := w.p.Open(w.p.MaxPayload()); b != nil || err != nil {
			t.Fatalf("a frame was written over one that is held: %v", err)
		}
		// 36 and 25 bytes are taken; the last two frames have 36 and 25, so nothing is certain.
		if free := w.seg.OIEB.PayloadFree.Load(); free != 512-lost-held.total {
			t.Fatalf("%d bytes free, want %d", free, 512-lost-held.total)
		}
		w.rd.release(held)
		// Of the 36 that are taken, 25 may be held.
		w.p.Abandon()
		if b, err := w.p.Open(w.p.MaxPayload()); b != nil || err != nil {
			t.Fatalf("a frame was written over one that may be held: %v", err)
		}
		if free := w.seg.OIEB.PayloadFree.Load(); free != 512-held.total {
			t.Fatalf("%d bytes free, want %d", free, 512-held.total)
		}
	})
	t.Run("no room for held frames", func(t *testing.T) {
		w := newWorld(1, 64, true)
		onStep(nil)
		w.attach()
		onStep(func(name string) {
			if name == "subtract" {
				panic(errKilled)
			}
		})
		w.attempt(func() error {
			b, err := w.p.Open(30)
			fillFrame(w, b)
			if err == nil {
				err = w.p.Seal(30)
			}
			return err
		})
		onStep(nil)
		w.attach()
		readAll(w)
		if free := w.seg.OIEB.PayloadFree.Load(); free != 64 || w.err != nil {
			t.Fatalf("%d bytes free, want 64: %v", free, w.err)
		}
	})
}

// TestLowerFree checks that free bytes which the positions rule out are taken away towards a
// foreign reader, so that a ring that was read to its end can be used as a whole again.
func TestLowerFree(t *testing.T) {
	w := newWorld(1, 128, true)
	onStep(nil)
	w.attach()
	writeOne(t, w, 50)
	readAll(w)
	w.seg.OIEB.PayloadFree.Add(66) // an addition has swallowed the subtraction
	writeOne(t, w, w.p.MaxPayload())
	readAll(w)
	if free := w.seg.OIEB.PayloadFree.Load(); free != 128 || w.err != nil {
		t.Fatalf("%d bytes free, want 128: %v", free, w.err)
	}
}
