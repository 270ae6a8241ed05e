package build

import (
	"os/exec"
	"strings"
	"testing"
)

func TestKillByEnv(t *testing.T) {
	line := "ZEROBUFFER_TEST_KILL=" + t.TempDir()
	start := func(env string) *exec.Cmd {
		cmd := exec.Command("sleep", "60")
		cmd.Env = append(cmd.Environ(), env)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		return cmd
	}
	meant, other := start(line), start(line+"/other")
	killByEnv(line)
	if err := meant.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Errorf("the process that was meant ended with %v", err)
	}
	if err := other.Process.Kill(); err != nil {
		t.Errorf("another process is gone, too: %v", err)
	}
	_ = other.Wait()
}
