package e2e

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/buger/gor/internal/testkit"
)

// TestCompletion: the shells take the scripts of gor completion, and have what fits.
func TestCompletion(t *testing.T) {
	f := newFlagTest(t)
	for _, wrong := range []string{"", "csh", "bash zsh"} {
		if r := f.ends(exitUsage, append([]string{"completion"}, strings.Fields(wrong)...)...).says("gor completion fish"); r.stdout != "" {
			t.Errorf("%q prints %q", wrong, r.stdout)
		}
	}
	flags := flagInHelp.FindAllStringSubmatch(f.ok("-h", "all").stdout+f.ok("-h", "obsolete").stdout, -1)
	scripts := map[string]string{}
	for _, shell := range []string{"bash", "zsh", "fish"} {
		scripts[shell] = f.ok("completion", shell).stdout
		for _, flag := range flags {
			if !strings.Contains(scripts[shell], flag[1]) {
				t.Errorf("%s does not know --%s", shell, flag[1])
			}
		}
	}
	dir := t.TempDir()
	file := testkit.WriteFile(t, filepath.Join(dir, "some.gor"), nil)
	for _, tt := range []struct{ before, word, want string }{
		{"gor", "--output-http-wo", "--output-http-workers --output-http-workers-min --output-http-worker-timeout"},
		{"--on-full", "", "wait shed"},
		{"--input-raw-engine", "v", "vxlan"},
		{"-input-raw-protocol", "", "http binary"},
		{"--input-file", filepath.Join(dir, "so"), file},
		{"--output-tcp-spill", dir[:len(dir)-1], dir},
		{"--output-http", "", ""},
		{"--stats", "--split", "--split-output"},
	} {
		script := fmt.Sprintf("%s\nCOMPREPLY=(old); COMP_WORDS=(gor %q %q); COMP_CWORD=2; _gor; echo ${COMPREPLY[@]}", scripts["bash"], tt.before, tt.word)
		out, err := exec.Command("bash", "-c", script).CombinedOutput()
		testkit.Must(t, err)
		if got := strings.TrimSpace(string(out)); got != tt.want {
			t.Errorf("bash: after %s %q it has %q, want %q", tt.before, tt.word, got, tt.want)
		}
	}
	for shell, check := range map[string][]string{
		"zsh":  {"-c", "autoload -U compinit; compinit -D; source /dev/stdin && [[ $_comps[gor] == _gor ]] && whence -w _gor"},
		"fish": {"-c", "source; complete -C 'gor --on-full '; complete -C 'gor --split-o'"},
	} {
		t.Run(shell, func(t *testing.T) {
			cmd := exec.Command(testkit.NeedTool(t, shell, shell), check...)
			cmd.Stdin = strings.NewReader(scripts[shell])
			out, err := cmd.CombinedOutput()
			wants := map[string][]string{"zsh": {"_gor: function"}, "fish": {"wait", "shed", "--split-output"}}[shell]
			for _, want := range wants {
				if err != nil || !strings.Contains(string(out), want) {
					t.Errorf("%v, no %q in %s", err, want, out)
				}
			}
		})
	}
}
