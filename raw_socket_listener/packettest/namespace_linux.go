package packettest

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// insideVar says that the process is a test's copy in a network namespace of
// its own, where nobody else sends anything.
const insideVar = "RAWSOCKET_TEST_INSIDE"

// InNamespace reports whether the test runs in a namespace of its own. When
// it does not, it has a copy of the test run there, and the test is done.
func InNamespace(t *testing.T) bool {
	t.Helper()
	NeedRoot(t)
	if os.Getenv(insideVar) != "" {
		return true
	}
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=60s")
	cmd.Env = append(os.Environ(), insideVar+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("in a network namespace: %v\n%s", err, out)
	} else if !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("in a network namespace, it did not pass:\n%s", out)
	}
	return false
}
