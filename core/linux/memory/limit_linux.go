package memory

import (
	"bytes"
	"os"
	"path"
	"strconv"
	"strings"

	"github.com/zerobuffer-go/zerobuffer/core/driver"
)

// Check compares size with what the control groups of the process, up the hierarchy, and the
// machine have left. What cannot be read is no limit. The error is a [*driver.NoSpaceError].
func Check(size uint64) error { return system{os.ReadFile}.check(size) }

// system is where the numbers come from.
type system struct {
	// read returns the content of a file; tests replace it.
	read func(path string) ([]byte, error)
}

func (m system) check(size uint64) error {
	for _, g := range m.groups() {
		if free, ok := g.free(m); ok && free < size {
			return &driver.NoSpaceError{
				Need:  size,
				Free:  free,
				Where: "control group " + g.dir,
				Hint: "raise its " + g.limitFile + " (docker run --memory, in Kubernetes " +
					"resources.limits.memory) or choose a smaller PayloadSize",
			}
		}
	}
	if free, ok := m.available(); ok && free < size {
		return &driver.NoSpaceError{
			Need:  size,
			Free:  free,
			Where: "this machine's memory",
			Hint:  "end other programs or choose a smaller PayloadSize",
		}
	}
	return nil
}

// group is the directory of a control group and the names of its files, which differ between the
// two versions of the interface.
type group struct {
	dir, limitFile, usageFile string
	// cached are the fields of memory.stat that the kernel drops before it kills.
	cached [2]string
}

// free returns how much the group may still take. Pages of files count as used but make room for
// others; the pages of a tmpfs do not, and are not among them.
func (g group) free(m system) (uint64, bool) {
	limit, ok := m.number(g.dir + "/" + g.limitFile)
	if !ok {
		return 0, false
	}
	usage, ok := m.number(g.dir + "/" + g.usageFile)
	if !ok {
		return 0, false
	}
	stat, _ := m.read(g.dir + "/memory.stat")
	cached := field(stat, g.cached[0]) + field(stat, g.cached[1])
	usage -= min(usage, cached)
	return limit - min(limit, usage), true
}

// number reads a file with one number; "max" is none.
func (m system) number(path string) (uint64, bool) {
	text, err := m.read(path)
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseUint(string(bytes.TrimSpace(text)), 10, 64)
	return n, err == nil
}

// field returns the number behind a word at the start of a line, 0 if there is none.
func field(text []byte, word string) uint64 {
	for line := range bytes.Lines(text) {
		f := bytes.Fields(line)
		if len(f) >= 2 && string(f[0]) == word {
			n, _ := strconv.ParseUint(string(f[1]), 10, 64)
			return n
		}
	}
	return 0
}

// available is what the machine has left for new pages, swap included.
func (m system) available() (uint64, bool) {
	text, err := m.read("/proc/meminfo")
	if err != nil || !bytes.Contains(text, []byte("MemAvailable:")) {
		return 0, false
	}
	return (field(text, "MemAvailable:") + field(text, "SwapFree:")) << 10, true
}

// HugePageSize is the size of a huge page in bytes, 0 where there are none.
func HugePageSize() uint64 { return meminfo("Hugepagesize:") << 10 }

// HugePagesFree is how many bytes of huge pages are reserved and not used yet.
func HugePagesFree() uint64 { return meminfo("HugePages_Free:") * HugePageSize() }

func meminfo(word string) uint64 {
	text, _ := os.ReadFile("/proc/meminfo") // without it there are none
	return field(text, word)
}

// groups returns the memory control groups of this process, from its own up to the highest that
// is mounted, for both versions of the interface.
func (m system) groups() []group {
	own, err := m.read("/proc/self/cgroup")
	if err != nil {
		return nil
	}
	mounts, err := m.read("/proc/self/mountinfo")
	if err != nil {
		return nil
	}
	var all []group
	for line := range strings.Lines(string(own)) {
		// number:controllers:path, with number 0 and no controllers for version 2
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			continue
		}
		g := group{"", "memory.max", "memory.current", [2]string{"inactive_file", "active_file"}}
		controller := ""
		if parts[0] != "0" {
			if !contains(parts[1], "memory") {
				continue
			}
			controller = "memory"
			g = group{
				"", "memory.limit_in_bytes", "memory.usage_in_bytes",
				[2]string{"total_inactive_file", "total_active_file"},
			}
		}
		root, mount, ok := findMount(string(mounts), controller)
		if !ok {
			continue
		}
		for _, dir := range chain(root, mount, parts[2]) {
			g.dir = dir
			all = append(all, g)
		}
	}
	return all
}

// findMount finds where the hierarchy of a controller is mounted, "" for version 2, and which of
// its directories that is.
func findMount(mountinfo, controller string) (root, mount string, ok bool) {
	for line := range strings.Lines(mountinfo) {
		// id parent major:minor root mount options [fields] - type source superoptions
		front, back, found := strings.Cut(strings.TrimSpace(line), " - ")
		f, t := strings.Fields(front), strings.Fields(back)
		if !found || len(f) < 5 || len(t) < 3 {
			continue
		}
		if controller == "" && t[0] == "cgroup2" ||
			controller != "" && t[0] == "cgroup" && contains(t[2], controller) {
			return unescape(f[3]), unescape(f[4]), true
		}
	}
	return "", "", false
}

// chain lists the directories from the group at p up to the mount point. Inside a container p may
// be a path of the host, or start with "..": then only the mount point can be reached.
func chain(root, mount, p string) []string {
	rel, ok := p, true
	if root != "/" {
		rel, ok = strings.CutPrefix(p, root)
	}
	if !ok || strings.HasPrefix(p, "/..") || rel != "" && rel[0] != '/' {
		rel = "/"
	}
	dir := path.Join(mount, rel)
	dirs := []string{dir}
	for dir != mount && len(dir) > len(mount) {
		dir = path.Dir(dir)
		dirs = append(dirs, dir)
	}
	return dirs
}

// contains tells whether a list with commas has the word.
func contains(list, word string) bool {
	for w := range strings.SplitSeq(list, ",") {
		if w == word {
			return true
		}
	}
	return false
}

// unescape replaces what mountinfo writes for blanks and the like in paths.
func unescape(s string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}
