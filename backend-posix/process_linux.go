package posixshm

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// clockTick is the unit of the start time in /proc/PID/stat: USER_HZ is 100 on every target.
const clockTick = 10 * time.Millisecond

// stampSlack is how far the birth of a file may lag behind: it comes from a coarse clock.
const stampSlack = 10 * time.Millisecond

// visible tells whether there is a process of that number in our PID namespace, which may be a
// zombie. A number that no process can have is not visible (and must not reach kill(2), to which
// 0 and negative numbers mean groups).
func visible(pid uint64) bool {
	if pid == 0 || pid > math.MaxInt32 {
		return false
	}
	err := unix.Kill(int(pid), 0)
	return err == nil || err == unix.EPERM
}

// processStat returns the state letter and the start time since boot of a process.
func processStat(pid uint64) (state byte, start time.Duration, ok bool) {
	text, err := os.ReadFile("/proc/" + strconv.FormatUint(pid, 10) + "/stat")
	if err != nil {
		return 0, 0, false
	}
	return parseStat(text)
}

// parseStat reads fields 3 and 22 of /proc/PID/stat. The name before them may contain anything,
// parentheses and blanks included, so fields are counted from its last parenthesis.
func parseStat(text []byte) (state byte, start time.Duration, ok bool) {
	end := bytes.LastIndexByte(text, ')')
	if end < 0 {
		return 0, 0, false
	}
	fields := bytes.Fields(text[end+1:])
	if len(fields) < 20 || len(fields[0]) != 1 {
		return 0, 0, false
	}
	ticks, err := strconv.ParseInt(string(fields[19]), 10, 64)
	if err != nil {
		return 0, 0, false
	}
	return fields[0][0], time.Duration(ticks) * clockTick, true
}

// isZombie tells whether a state letter means that the process has ended.
func isZombie(state byte) bool { return state == 'Z' || state == 'X' || state == 'x' }

// alivePID tells whether a process of that number runs.
func alivePID(pid uint64) bool {
	if !visible(pid) {
		return false
	}
	state, _, ok := processStat(pid)
	return !ok || !isZombie(state) // without /proc the signal is all there is
}

// birthOf returns when the file of fd was made, in wall-clock time since 1970; where the file
// system does not know it, the time of its last change, which is no earlier.
func birthOf(fd int) time.Duration { return birth(fd, "", unix.AT_EMPTY_PATH) }

// birth does the same for a file as statx(2) names it.
func birth(dir int, path string, flags int) time.Duration {
	var st unix.Statx_t
	err := unix.Statx(dir, path, flags, unix.STATX_BTIME|unix.STATX_CTIME, &st)
	if err != nil {
		return math.MaxInt64
	}
	t := st.Ctime
	if st.Mask&unix.STATX_BTIME != 0 {
		t = st.Btime
	}
	return time.Duration(t.Sec)*time.Second + time.Duration(t.Nsec)
}

// sinceBirth returns how long after birth a process was started that began at start since boot.
// It is negative for an older process, and wrong if the wall clock was set meanwhile.
func sinceBirth(start, birth time.Duration) time.Duration {
	var wall, boot unix.Timespec
	if unix.ClockGettime(unix.CLOCK_REALTIME, &wall) != nil ||
		unix.ClockGettime(unix.CLOCK_BOOTTIME, &boot) != nil {
		return math.MinInt64
	}
	return time.Duration(wall.Nano()-boot.Nano()) + start - birth
}

// youngerThan tells whether a visible process was started after the segment was made, so that it
// cannot be the reader that made it: its number was used again. Clocks are only trusted where
// the mappings of the process cannot be read, because somebody may have set the wall clock.
func youngerThan(pid uint64, start, birth time.Duration, id objectID) bool {
	late := sinceBirth(start, birth)
	if late < -2*clockTick {
		return false
	}
	if mapped, ok := maps(strconv.FormatUint(pid, 10), id); ok {
		return !mapped
	}
	return late > stampSlack
}

// maps tells whether a process has mapped the object, if its list of mappings may be read and
// shows files the way stat(2) does, as our own list proves. That of a thread of the kernel, whose
// numbers are those of the first processes of each container, is empty.
func maps(pid string, id objectID) (mapped, ok bool) {
	text, err := os.ReadFile("/proc/" + pid + "/maps")
	if err != nil {
		return false, false
	}
	key := fmt.Appendf(nil, " %02x:%02x %d ", unix.Major(id.dev), unix.Minor(id.dev), id.ino)
	if bytes.Contains(text, key) {
		return true, true
	}
	own, err := os.ReadFile("/proc/self/maps")
	return false, err == nil && bytes.Contains(own, key)
}

// mappers returns the numbers of the visible processes that have mapped the object.
func mappers(id objectID) []string {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var pids []string
	for _, e := range entries {
		if e.Name()[0] < '0' || e.Name()[0] > '9' {
			continue
		}
		if mapped, _ := maps(e.Name(), id); mapped {
			pids = append(pids, e.Name())
		}
	}
	return pids
}
