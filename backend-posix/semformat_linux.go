package posixshm

import (
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
	"github.com/zerobuffer-go/zerobuffer/core/linux/futex"
)

const (
	semWritePrefix  = "sem.sem-w-"
	semReadPrefix   = "sem.sem-r-"
	muslWritePrefix = "sem-w-"
	muslReadPrefix  = "sem-r-"

	// semSize is the size of a named semaphore's file, in both libraries on 64-bit targets.
	semSize = 32
)

// semFormat is how a C library names and lays out its semaphores (wire contract, section 6).
type semFormat struct {
	library  CLibrary
	prefixes [2]string // of the file names: data ready, space ready
	shared   uint32    // at offset 8, says that processes share it
	word     func(mem []byte) driver.Semaphore
}

var semFormats = [...]*semFormat{
	Glibc: {Glibc, [2]string{semWritePrefix, semReadPrefix}, 0x80, newGlibcWord},
	Musl:  {Musl, [2]string{muslWritePrefix, muslReadPrefix}, 0, newMuslWord},
}

func newGlibcWord(mem []byte) driver.Semaphore { return futex.NewWord(mem) }

// rival is the format of the other library.
func (f *semFormat) rival() *semFormat { return semFormats[Musl-f.library] }

// semPaths are the paths of a buffer's semaphores by C library: data ready, space ready.
type semPaths [len(semFormats)][2]string

func (b *Backend) semPaths(name string) (all semPaths) {
	for library, f := range semFormats {
		for i, prefix := range f.prefixes {
			all[library][i] = b.semPath(prefix, name)
		}
	}
	return all
}

// isSemaphore tells whether a file can be a semaphore. One of another size with the name of a
// musl semaphore may be the segment of a buffer whose name begins with "sem-w-".
func isSemaphore(st *unix.Stat_t) bool { return isRegular(st) && st.Size == semSize }

// recognise tells which library has made the semaphores, where reader is the reader's PID. If
// there are none it is glibc. Of two kinds one is left over from a reader that was killed (Python
// always leaves its own): the reader has mapped the other one, and if its mappings cannot be read,
// the younger files are those in use, because every reader makes new ones. Only files of owner, the
// user of the segment, count: everybody may put files into the directory.
func (p *semPaths) recognise(reader uint64, owner uint32) *semFormat {
	glibc, musl := lookAtPair(p[Glibc], owner), lookAtPair(p[Musl], owner)
	switch {
	case len(musl.ids) == 0:
		return semFormats[Glibc]
	case len(glibc.ids) == 0:
		return semFormats[Musl]
	}
	pid := strconv.FormatUint(reader, 10)
	useMusl, useGlibc := musl.mappedBy(pid), glibc.mappedBy(pid)
	if useMusl == useGlibc { // both: a writer in the same process has opened the wrong ones
		useMusl = musl.born > glibc.born
	}
	if useMusl {
		return semFormats[Musl]
	}
	return semFormats[Glibc]
}

// anyOf tells whether the user has files with the names of the semaphores, whatever is in them.
func (p *semPaths) anyOf(owner uint32) bool {
	for _, pair := range p {
		for _, path := range pair {
			if _, st, err := lookup(path); err == nil && isRegular(st) && st.Uid == owner {
				return true
			}
		}
	}
	return false
}

// semPair is what is there of the two semaphores of one library.
type semPair struct {
	ids  []objectID
	born time.Duration // of the younger one; the time of a change would be that of its use
}

func lookAtPair(paths [2]string, owner uint32) (p semPair) {
	for _, path := range paths {
		id, st, err := lookup(path)
		if err != nil || !isSemaphore(st) || st.Uid != owner {
			continue
		}
		p.ids = append(p.ids, id)
		p.born = max(p.born, birth(unix.AT_FDCWD, path, unix.AT_SYMLINK_NOFOLLOW))
	}
	return p
}

func (p *semPair) mappedBy(pid string) bool {
	for _, id := range p.ids {
		if mapped, _ := maps(pid, id); mapped {
			return true
		}
	}
	return false
}
