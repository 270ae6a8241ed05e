package build

import (
	"bytes"
	"os"
	"strconv"
	"syscall"
)

// killByEnv kills the processes that were started with a line in their environment that nobody
// else uses, such as a directory of ours.
func killByEnv(line string) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		environ, err := os.ReadFile("/proc/" + e.Name() + "/environ")
		if err == nil && bytes.Contains(append([]byte{0}, environ...), []byte("\x00"+line+"\x00")) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}
