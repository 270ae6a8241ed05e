package build

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
)

// testObject matches the names of what tests make: the PID of the test is in each.
var testObject = regexp.MustCompile(`^(?:sem\.)?(?:sem-[rw]-)?(?:zbtest|posixshm|stress)-(\d+)-`)

// removeLeftovers removes what tests have left behind that were ended in the middle, as a test that
// a deliberate fault makes hang: objects with the name of a test whose process is gone.
func removeLeftovers(dirs ...string) error {
	for _, dir := range dirs {
		entries, err := os.ReadDir(dir)
		if err != nil {
			continue // there is nothing then
		}
		for _, e := range entries {
			match := testObject.FindStringSubmatch(e.Name())
			if match == nil || e.IsDir() || running(match[1]) {
				continue
			}
			if err := os.Remove(filepath.Join(dir, e.Name())); err != nil && !os.IsNotExist(err) {
				return fmt.Errorf("remove what a test left: %w", err)
			}
		}
	}
	return nil
}

// running tells whether there is a process of that number, where /proc shows it.
func running(pid string) bool {
	if _, err := strconv.ParseUint(pid, 10, 31); err != nil {
		return true // no number of a process: not ours
	}
	_, err := os.Stat("/proc/" + pid)
	return err == nil
}
