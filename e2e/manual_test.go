package e2e

import (
	"os/exec"
	"regexp"
	"strings"
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

// A command that nobody hears of is none: the first page and the man page name
// all of them.
func TestCommandsAreNamed(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"-h"}, {"-h", "man"}} {
		page := newFlagTest(t).ok(args...).stdout
		if n := strings.Count(page, "\n"); len(args) == 1 && n > 40 {
			t.Errorf("-h has %d lines, which is more than a page", n)
		}
		for _, name := range []string{"ls", "show", "stat", "convert", "verdict"} {
			if !regexp.MustCompile(`gor (ls, )?(show, )?` + name + `\b`).MatchString(page) {
				t.Errorf("%q does not name gor %s", args, name)
			}
		}
	}
}
