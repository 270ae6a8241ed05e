//go:build linux

package stress

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"sync"
	"time"

	zerobuffer "github.com/zerobuffer-go/zerobuffer/core"
	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

const (
	contestants = 50
	// lanes are the buffers that are fought for at the same time: the winner of a writer's place
	// has to sleep for a while, in which the others go on.
	lanes = 8
)

// The words of a contest. A round is in the high bits of the orders, what it is about in the rest.
const (
	orderStart  = iota // the round that has begun
	orderEnd           // the round whose winners end
	wordReady          // how many processes wait for their first round
	wordDone           // how many results there are
	wordEnded          // how many winners have ended
	wordFaults         // what was wrong in the eyes of a contestant, who has printed it
	wordOwner          // from here on: who owns the role of each lane, by its PID
	wordResults = wordOwner + lanes
	wordsInAll  = wordResults + lanes*contestants
)

// race is what a round is about: the role and the backend.
type race struct {
	role  driver.Role
	place int // index of a place, which is that of its kind
}

// order is the word that starts a round, or ends it.
func (r race) order(round uint64) uint64 {
	return round<<8 | uint64(r.place)<<1 | uint64(r.role)
}

func raceOf(order uint64) (r race, round uint64) {
	return race{driver.Role(order & 1), int(order >> 1 & 0x7f)}, order >> 8
}

// laneName is the name of the buffer of a lane.
func (r race) laneName(prefix string, lane int) string {
	return fmt.Sprintf("%s%v-%d", prefix, r.role, lane)
}

// outcome is how a contestant has fared in a lane.
type outcome uint64

const (
	won outcome = iota + 1
	refused
	broken // another error than that which says that the role is taken
)

// contestant is one of the many processes, or one lane of it.
type contestant struct {
	*area
	prefix string
	places []place
	index  int
}

// contest PREFIX INDEX PLACE...: takes part in all rounds, in each lane of them.
func contest(args []string) error {
	orders()
	shared, err := inherited()
	if err != nil {
		return err
	}
	c := contestant{area: shared, prefix: args[0]}
	c.index, _ = strconv.Atoi(args[1])
	for rest := args[2:]; len(rest) > 1; rest = rest[2:] {
		c.places = append(c.places, placeOf(rest))
	}
	last := c.words[orderStart].Load()
	count(&c.words[wordReady])
	for {
		last = await(&c.words[orderStart], func(v uint64) bool { return v != last })
		race, round := raceOf(last)
		var all sync.WaitGroup
		for lane := range lanes {
			all.Go(func() { c.compete(race, round, lane) })
		}
		all.Wait()
	}
}

// compete tries to get the role in one lane, and if it wins keeps it until the round ends.
func (c contestant) compete(r race, round uint64, lane int) {
	upTo(300 * time.Microsecond) // or the order in which the kernel wakes them decides
	name := r.laneName(c.prefix, lane)
	side, err := take(r.role, c.places[r.place].lane(lane).backend(), name)
	taken := zerobuffer.ErrReaderConnected
	if r.role == driver.Writer {
		taken = zerobuffer.ErrWriterConnected
	}
	switch {
	case errors.Is(err, taken):
		c.report(round, lane, refused)
		return
	case err != nil:
		fmt.Printf("contestant %d, lane %d, round %d: %v\n", c.index, lane, round, err)
		c.report(round, lane, broken)
		return
	}
	// From here to its counterpart below this process is the only one that may hold the role.
	owner, me := &c.words[wordOwner+lane], uint64(os.Getpid())
	alone := owner.CompareAndSwap(0, me)
	if w, ok := side.(*zerobuffer.Writer); ok {
		err = w.WriteFrame(background, proof(me, round))
	}
	c.report(round, lane, won)
	if reader, ok := side.(*zerobuffer.Reader); ok {
		// While it waits it looks after its files.
		err = expectProof(reader, uint64(os.Getppid()), round)
	}
	await(&c.words[orderEnd], func(v uint64) bool { return v == r.order(round) })
	alone = owner.CompareAndSwap(me, 0) && alone
	if err = errors.Join(err, side.Close()); err != nil || !alone {
		fmt.Printf("winner %d, lane %d, round %d: alone %v, %v\n", c.index, lane, round, alone, err)
		c.words[wordFaults].Add(1)
	}
	count(&c.words[wordEnded])
}

// take gets the role of a buffer.
func take(role driver.Role, b driver.Backend, name string) (io.Closer, error) {
	if role == driver.Writer {
		// A reader that so many ask at once may not answer in time: then a writer tries again.
		ctx, cancel := context.WithTimeout(background, watchdog)
		defer cancel()
		return zerobuffer.OpenWriter(ctx, b, name, nil)
	}
	return zerobuffer.NewReader(b, name,
		&zerobuffer.ReaderOptions{PayloadSize: 4096, MetadataSize: -1})
}

// report hands in the result of a lane.
func (c contestant) report(round uint64, lane int, o outcome) {
	c.words[wordResults+lane*contestants+c.index].Store(round<<8 | uint64(o))
	count(&c.words[wordDone])
}

// proof is the content of a frame: who wrote it, and in which round.
func proof(pid, round uint64) []byte {
	return binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, pid), round)
}

// expectProof reads the one frame that must be there, of the given process.
func expectProof(r *zerobuffer.Reader, pid, round uint64) error {
	ctx, cancel := context.WithTimeout(background, watchdog)
	defer cancel()
	f, err := r.ReadFrame(ctx)
	if err != nil {
		return err
	}
	defer f.Release()
	if got := string(f.Bytes()); got != string(proof(pid, round)) {
		return fmt.Errorf("frame is %x, want that of process %d and round %d", got, pid, round)
	}
	if f, ok, err := r.TryReadFrame(); ok {
		return fmt.Errorf("there is a second frame: %x", f.Bytes())
	} else if err != nil && !errors.Is(err, zerobuffer.ErrWriterClosed) &&
		!errors.Is(err, zerobuffer.ErrWriterDead) {
		return err
	}
	return nil
}
