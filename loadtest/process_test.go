//go:build unix

package loadtest

import (
	"bufio"
	"os/exec"
	"syscall"
	"testing"
)

// A shell is gone at once; its child has memory to give back first, and until
// then the directory of the switch.
func TestAKillWaitsForChildren(t *testing.T) {
	cmd := exec.Command("sh", "-c", "{ head -c 300000000 /dev/zero; echo full >&2; sleep 60; } | tail -n 1 & wait")
	cmd.SysProcAttr = ownGroup()
	says, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer signalGroup(cmd.Process.Pid, syscall.SIGKILL)
	if line, err := bufio.NewReader(says).ReadString('\n'); err != nil {
		t.Fatalf("the child says %q, %v", line, err)
	}
	p := &process{cmd: cmd, exited: make(chan struct{})}
	go func() {
		_, _ = cmd.Process.Wait()
		close(p.exited)
	}()
	p.kill()
	if groupLives(cmd.Process.Pid) {
		t.Error("a child outlives the kill")
	}
}
