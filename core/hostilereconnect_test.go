package zerobuffer_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/layout"
)

// risingEnemy is an enemy that makes its buffer anew each time that a writer opens it, now and then
// with what is left of the one before.
type risingEnemy struct {
	*enemy
	rnd *rand.Rand
}

func (r risingEnemy) Open(string, driver.Config) (driver.Channel, error) {
	o, err := layout.View(r.mem)
	if err != nil {
		return nil, err
	}
	o.ReaderPID.Store(r.pid + 2)
	if r.rnd.IntN(4) != 0 {
		clear(r.mem[layout.OIEBSize:])
		o.MetadataWritten.Store(0)
		o.WriterPID.Store(0)
		o.ReadPos.Store(0)
		o.WritePos.Store(0)
		o.PayloadFree.Store(enemyPayload)
	}
	return r.enemy, nil
}

// coming returns a script of an enemy that takes away its PID and that of the writer more often
// than it does other things.
func coming(rnd *rand.Rand) []byte {
	script := make([]byte, enemyEvent*rnd.IntN(200))
	for i := 0; i+enemyEvent <= len(script); i += enemyEvent {
		event := script[i : i+enemyEvent]
		for j := range event {
			event[j] = byte(rnd.IntN(256))
		}
		if rnd.IntN(2) == 0 {
			pid := 10 + rnd.IntN(2) // the words of the OIEB
			event[0], event[1], event[2] = 9, byte(pid), byte(rnd.IntN(9))
		}
	}
	return script
}

// TestReconnectSurvivesEnemy has the buffers of a Writer that reconnects made, changed and ended by
// an enemy. Each call ends in its time and the last look at a new buffer.
func TestReconnectSurvivesEnemy(t *testing.T) {
	var reconnects uint64
	for seed := range uint64(1500) {
		rnd := rand.New(rand.NewPCG(seed, 0))
		trust := byte(rnd.IntN(256)) | peerAlive | peerFits
		opts := &zerobuffer.WriterOptions{
			Reconnect: true, WriteTimeout: enemyTimeout, Wait: zerobuffer.WaitMode(trust >> 6 % 3),
		}
		inBubble(t, func(t *testing.T) {
			e := newEnemy(attachable(t, make([]byte, enemySegment), true), trust, coming(rnd))
			w, err := zerobuffer.NewWriter(risingEnemy{e, rnd}, "w", opts)
			if err != nil {
				return
			}
			for range 20 {
				call := byte(rnd.IntN(256))
				what := fmt.Sprintf("call %d of a Writer with seed %d", call, seed)
				within(t, enemyTimeout+enemyAttach, what, func() { callWriter(t, w, call) })
			}
			reconnects += w.Stats().Reconnects
			_ = w.Abort()
			within(t, enemyClose, "Close", func() { _ = w.Close() })
		})
	}
	require.Less(t, uint64(100), reconnects)
}
