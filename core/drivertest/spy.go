package drivertest

import (
	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

// spy is a backend that calls onPost before each post to sem-w, when everything that the token
// promises must be in place.
type spy struct {
	driver.Backend
	onPost func(mem []byte, n uint32)
}

func (s spy) Open(name string, config driver.Config) (driver.Channel, error) {
	ch, err := s.Backend.Open(name, config)
	if err != nil {
		return nil, err
	}
	return spyChannel{ch, s.onPost}, nil
}

type spyChannel struct {
	driver.Channel
	onPost func(mem []byte, n uint32)
}

func (s spyChannel) DataReady() driver.Semaphore {
	return spySemaphore{s.Channel.DataReady(), func(n uint32) { s.onPost(s.Memory(), n) }}
}

type spySemaphore struct {
	driver.Semaphore
	onPost func(n uint32)
}

func (s spySemaphore) Post(n uint32) error {
	s.onPost(n)
	return s.Semaphore.Post(n)
}
