package winshm

import "github.com/zerobuffer-go/zerobuffer/core/driver"

// Names says which programs' names the objects have. Both sides of a buffer must use the same.
type Names uint8

const (
	// CSharp is N, sem-w-N and sem-r-N, all in the namespace of the session.
	CSharp Names = iota
	// Python is N in the namespace of the session, and Global\sem-w-N and Global\sem-r-N.
	Python
	// CPP is Global\N, Global\sem-/sem-w-N and Global\sem-/sem-r-N. The C++ programs give their
	// names as bytes in the code page of the machine, so only ASCII is safe.
	CPP
)

// String returns the name of the language.
func (n Names) String() string {
	switch n {
	case CSharp:
		return "C#"
	case Python:
		return "Python"
	case CPP:
		return "C++"
	}
	return "unknown"
}

// Options says what the objects of the buffers are called and who may use them. The zero value is
// what the C# programs use, for the current user only.
type Options struct {
	// Names picks the names; the zero value is those of the C# programs.
	Names Names
	// Global puts all objects with the names of the C# programs below Global\, where programs of
	// other sessions find them: a service and a desktop program. Making a section there needs
	// the right SeCreateGlobalPrivilege, which services and administrators have. For the other
	// names it has no effect: they say themselves what is global.
	Global bool
	// SDDL is the security descriptor of all named objects, not of the lock file, in the security
	// descriptor definition language. Empty means a protected list that gives the current user
	// all rights and nobody else any. A peer of another user needs all rights (GA) as well.
	SDDL string
	// TempDir holds the lock files; empty means the directory for temporary files of the user.
	TempDir string
}

// Backend makes and opens buffers in named sections. It has no state of its own and is safe for
// concurrent use.
type Backend struct{ opts Options }

var _ driver.Backend = (*Backend)(nil)

// New returns the backend. A nil opts means the defaults of [Options].
func New(opts *Options) *Backend {
	if opts == nil {
		opts = &Options{}
	}
	return &Backend{opts: *opts}
}

// Name returns "win".
func (b *Backend) Name() string { return "win" }

// Create makes the buffer for a reader; see [driver.Backend]. Besides the errors of the interface
// it returns one that matches [driver.ErrNoSpace] (a [*driver.NoSpaceError]) when the memory and
// the page files of the machine cannot hold the segment, [driver.ErrPermission] when the rights
// for a name below Global\ are missing or the objects belong to another user, and
// [io/fs.ErrExist] when a program still has objects of this name open whose reader is gone.
//
// Mode and Group of the configuration have no meaning here; other values than the defaults are
// logged. [Options] has the security descriptor instead.
func (b *Backend) Create(name string, config driver.Config) (driver.Channel, error) {
	return b.create(name, config)
}

// Open opens the buffer that a reader has made; see [driver.Backend]. The error matches
// [driver.ErrNotFound], [driver.ErrNotReady] while the reader has not made everything yet, and
// [driver.ErrPermission] when the objects are those of another user.
func (b *Backend) Open(name string, config driver.Config) (driver.Channel, error) {
	return b.open(name, config)
}
