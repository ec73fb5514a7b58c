package testkit

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// NeedCapture skips a test that captures packets, unless this process may.
func NeedCapture(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		top, _, _ := strings.Cut(t.Name(), "/")
		t.Skipf("it captures packets and needs root: sudo go test -run '^%s$' ./...", top)
	}
}

// NeedTool returns the path of a program, and skips the test if it is not
// installed; pkg is the Debian package that has it.
func NeedTool(t *testing.T, name, pkg string) string {
	t.Helper()
	for _, dir := range append(filepath.SplitList(os.Getenv("PATH")), "/usr/sbin", "/sbin") {
		if path := filepath.Join(dir, name); exec.Command("test", "-x", path).Run() == nil {
			return path
		}
	}
	t.Skipf("%s needs %s: sudo apt-get install %s", t.Name(), name, pkg)
	return ""
}
