package rawsocket

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// needRoot skips a test that needs raw sockets.
func needRoot(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: sudo go test ./raw_socket_listener")
	}
}

// ipCommand runs ip(8).
func ipCommand(t testing.TB, args ...string) {
	t.Helper()
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		t.Fatalf("ip %s: %v: %s", strings.Join(args, " "), err, out)
	}
}
