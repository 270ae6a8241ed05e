package winshm

import (
	"fmt"
	"strings"
	"unicode/utf16"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

const (
	global = `Global\`
	// maxObjectName is the longest name that all functions of Windows take: MAX_PATH less the
	// NUL at the end. The C++ programs fail with a longer one.
	maxObjectName = 259
	// ownPrefix starts the names of the objects that are ours alone.
	ownPrefix = "zbgo-"
)

// objectNames are the names of all objects of a buffer.
type objectNames struct {
	segment string
	sems    [2]string // data ready, space ready
	claims  [2]string // reader, writer: ours alone
	waits   string    // the counts of waiters: ours alone
	closing string    // event that a reader sets when it closes: ours alone
	lock    string    // file name of the lock file, below the directory of temporary files
}

// namesOf returns the names of the objects of buffer name. The error matches
// [driver.ErrInvalidName] when there cannot be such a buffer: the readers of all languages need a
// lock file of this name.
func namesOf(name string, opts *Options) (objectNames, error) {
	if err := driver.CheckName(name); err != nil {
		return objectNames{}, err
	}
	if i := strings.IndexAny(name, `<>:"|?*`); i >= 0 {
		return objectNames{}, fmt.Errorf("%w %q: it contains %q, which no file name may have on "+
			"Windows, and readers keep a lock file of this name",
			driver.ErrInvalidName, name, name[i:i+1])
	}
	if strings.HasPrefix(name, ownPrefix) {
		return objectNames{}, fmt.Errorf("%w %q: names that start with %q are those of the claims and "+
			"counts of other buffers", driver.ErrInvalidName, name, ownPrefix)
	}
	own, n := "", objectNames{}
	switch opts.Names {
	case Python:
		n.sems = [2]string{global + "sem-w-" + name, global + "sem-r-" + name}
		n.lock = name + ".lock"
	case CPP:
		own = global
		n.sems = [2]string{global + "sem-/sem-w-" + name, global + "sem-/sem-r-" + name}
		n.lock = `zerobuffer\` + name + ".lock"
	default:
		if opts.Global {
			own = global
		}
		n.sems = [2]string{own + "sem-w-" + name, own + "sem-r-" + name}
		n.lock = `zerobuffer\locks\` + name + ".lock"
	}
	n.segment = own + name
	n.claims = [2]string{own + ownPrefix + "r-" + name, own + ownPrefix + "w-" + name}
	n.waits = own + ownPrefix + "n-" + name
	n.closing = own + ownPrefix + "c-" + name
	if err := n.check(name, opts.Names); err != nil {
		return objectNames{}, err
	}
	return n, nil
}

// check refuses names that are too long for one of the objects.
func (n *objectNames) check(name string, names Names) error {
	over := 0
	for _, object := range []string{n.segment, n.sems[0], n.claims[0], n.waits} {
		over = max(over, len(utf16.Encode([]rune(object)))-maxObjectName)
	}
	if over > 0 {
		return fmt.Errorf("%w %.40q...: it is %d characters too long for the names of the %v "+
			"programs", driver.ErrInvalidName, name, over, names)
	}
	return nil
}
