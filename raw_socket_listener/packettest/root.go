package packettest

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// NeedRoot skips a test that needs raw sockets.
func NeedRoot(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: sudo go test ./raw_socket_listener/...")
	}
}

// RunIP runs ip(8).
func RunIP(t testing.TB, args ...string) {
	t.Helper()
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		t.Fatalf("ip %s: %v: %s", strings.Join(args, " "), err, out)
	}
}
