package inproc

import "sync"

// watch waits for the end of a process.
type watch struct {
	pid   uint64
	died  func()
	calls sync.WaitGroup
}

func (c *channel) Watch(pid uint64, died func()) (stop func()) {
	m := c.process.machine
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.alive[pid] {
		return nil
	}
	w := &watch{pid: pid, died: died}
	m.watches[w] = true
	return func() {
		m.mu.Lock()
		delete(m.watches, w)
		m.mu.Unlock()
		w.calls.Wait()
	}
}
