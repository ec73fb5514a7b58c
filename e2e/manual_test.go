package e2e

import (
	"os/exec"
	"testing"

	"github.com/buger/gor/internal/testkit"
)

// TestManualPageRenders: both programs that show man pages have nothing to say
// against ours, which go generate makes (TestHelpShowsEveryFlag).
func TestManualPageRenders(t *testing.T) {
	t.Parallel()
	for _, command := range []struct {
		tool, pkg string
		args      []string
	}{
		{"mandoc", "mandoc", []string{"-T", "lint", "-W", "warning"}},
		{"groff", "groff-base", []string{"-man", "-ww", "-z", "-T", "utf8"}},
	} {
		t.Run(command.tool, func(t *testing.T) {
			out, err := exec.Command(testkit.NeedTool(t, command.tool, command.pkg), append(command.args, "../gor.1")...).CombinedOutput()
			if err != nil || len(out) > 0 {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}
