package ring

// takeTries bounds how often tokens are taken away. Where the system hands them out one by one, a
// call takes 65536.
const takeTries = 1 << 12

// DropSurplus takes away tokens that are there for no unread frame. A closing writer leaves one to
// wake a foreign reader (contract 5, close), so it is called in front of such a reader only, before
// Attach, while no writer is connected.
func (p *Producer) DropSurplus() error {
	p.foreign = true
	s, err := p.inspect()
	if err != nil {
		return err
	}
	// What is posted from now on is left: a broken peer could go on for ever, and one that takes
	// tokens away meanwhile could make each step a small one.
	left := p.surplus(s.chain.frames)
	for range takeTries {
		n := p.ready.Take(min(left, p.surplus(s.chain.frames)))
		step("drop-surplus")
		if left -= min(left, n); n == 0 || left == 0 {
			break
		}
	}
	return nil
}

// surplus is how many tokens there are beyond those of so many frames.
func (p *Producer) surplus(frames uint64) uint32 {
	tokens, _ := p.ready.State()
	return uint32(uint64(tokens) - min(uint64(tokens), frames))
}

// QuietReader tells whether the reader is blocked with nothing unread, so that a surplus token
// tells it that the writer has gone (contract 5, close). Then the counts are made equal, because
// foreign readers decide by them.
func (p *Producer) QuietReader() bool {
	tokens, waiters := p.ready.State()
	if tokens != 0 || waiters == 0 || p.fold(p.oieb.ReadPos.Load()) != p.pos {
		return false
	}
	p.oieb.WrittenCount.Store(p.oieb.ReadCount.Load())
	step("quiet-count")
	return true
}
