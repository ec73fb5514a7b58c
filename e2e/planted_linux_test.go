package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/buger/gor/internal/testkit"
)

// TestPlantedFiles: root writes nothing to what a stranger put under the name in
// a folder such as /tmp, and says so; --check does too.
func TestPlantedFiles(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("it makes files of another user and needs root: sudo go test -run '^TestPlantedFiles$' ./e2e")
	}
	const stranger = 54321
	for _, flag := range []string{"--output-file", "--summary-json", "--cpuprofile", "--memprofile"} {
		for _, kind := range []string{"a file", "a link"} {
			tmp, own := t.TempDir(), t.TempDir()
			testkit.Must(t, os.Chmod(tmp, 0o777|os.ModeSticky))
			name, victim := filepath.Join(tmp, "x.gor"), filepath.Join(own, "victim")
			if kind == "a file" {
				testkit.Must(t, os.WriteFile(name, nil, 0o666))
			} else {
				testkit.Must(t, os.Symlink(victim, name))
			}
			testkit.Must(t, os.Lchown(name, stranger, stranger))
			args := []string{"--input-dummy", "", "--output-null", "--exit-after", "10ms", flag, name}
			for _, args := range [][]string{args, append(args, "--check")} {
				code, said := testkit.RunGor(t, args...)
				if code == 0 || !strings.Contains(said, name+" is "+kind+" that belongs to another user (uid 54321)") {
					t.Errorf("gor %q: exit %d:\n%s", args, code, said)
				}
			}
			if info, err := os.Lstat(victim); err == nil {
				t.Errorf("%s %s: the file behind the link was made: %v", flag, kind, info)
			}
			if info, err := os.Stat(name); err == nil && info.Size() > 0 {
				t.Errorf("%s: %d bytes were given to a stranger", flag, info.Size())
			}
		}
	}
	summary := filepath.Join(t.TempDir(), "summary.json")
	testkit.RunGor(t, "--input-dummy", "", "--output-null", "--exit-after", "10ms", "--summary-json", summary)
	if info, err := os.Stat(summary); err != nil || info.Mode() != 0o600 {
		t.Errorf("the summary: %v, %v", info, err)
	}
}
