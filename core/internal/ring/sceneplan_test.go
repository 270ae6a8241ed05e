//go:build zbsteps

package ring

// plan is what happens in all runs of one exploration.
type plan struct {
	size    uint64
	foreign bool
	parts   []part // what the writers write
	before  int    // so many parts are written and read before the first decision
	hold    int    // frames that the reader holds while it goes on
	newest  bool   // of these it releases the newest first
	kills   int    // at most so many writers are killed
	close   bool   // the last writer closes
	wide    bool   // the reader moves in recoveries too, and the second kill comes anywhere
}

// part is a frame, or one that is given up, as the calls of the API make it.
type part struct {
	open, seal uint64 // payload bytes that are reserved, and those that become a frame; 0: given up
	more       bool   // the next part belongs to the same batch
	ahead      bool   // it is written ahead, if that can be
	number     uint64 // sequence number, or the one that goes to the next frame
}

// frames returns parts, each written by itself, that are n bytes each.
func frames(n ...uint64) []part {
	var all []part
	for _, n := range n {
		all = append(all, part{open: n, seal: n})
	}
	return all
}

// aheadOf returns a frame of n bytes that is written ahead.
func aheadOf(n uint64) part { return part{open: n, seal: n, ahead: true} }

// together returns frames that are published at once.
func together(n ...uint64) []part {
	all := frames(n...)
	for i := range all[:len(all)-1] {
		all[i].more = true
	}
	return all
}
