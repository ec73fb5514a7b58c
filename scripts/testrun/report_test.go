package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const broken = `package broken

import "testing"

func TestPasses(t *testing.T)  { t.Log("nobody wants to read this") }
func TestSkipped(t *testing.T) { t.Skip("it needs a moon") }
func TestFails(t *testing.T) {
	t.Log("what led to it")
	t.Run("good", func(t *testing.T) { t.Log("nor this") })
	t.Run("bad", func(t *testing.T) { t.Error("the reason") })
}
`

// TestReport runs go test over packages that pass, fail, crash and do not build.
func TestReport(t *testing.T) {
	for name, c := range map[string]struct {
		source string
		code   int
		has    []string
		last   string
	}{
		"passes":     {"package broken\n\nimport \"testing\"\n\nfunc TestPasses(t *testing.T) {}\n", 0, []string{"ok    broken"}, "1 passed, 0 failed, 0 skipped\n"},
		"fails":      {broken, 1, []string{"FAIL  broken", "what led to it", "the reason", "skipped TestSkipped: it needs a moon"}, "failed:\n  broken TestFails/bad\n  broken TestFails\n2 passed, 2 failed, 1 skipped\n"},
		"crashes":    {"package broken\n\nimport (\n\t\"os\"\n\t\"testing\"\n)\n\nfunc TestCrash(t *testing.T) { println(\"last words\"); os.Exit(7) }\n", 1, []string{"last words"}, "failed:\n  broken"},
		"no program": {"package broken\n\nfunc f() { missing() }\n", 1, []string{"undefined: missing"}, "failed:\n  broken\n0 passed, 1 failed, 0 skipped\n"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for file, text := range map[string]string{"go.mod": "module broken\n", "broken_test.go": c.source} {
				if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			var stdout, stderr bytes.Buffer
			t.Chdir(dir)
			if code := run([]string{"-vet=off", "./..."}, &stdout, &stderr); code != c.code {
				t.Errorf("exit %d, want %d", code, c.code)
			}
			said := stdout.String()
			for _, text := range c.has {
				if !strings.Contains(said, text) {
					t.Errorf("no %q", text)
				}
			}
			if !strings.Contains(said, c.last) || strings.Contains(said, "wants to read") || strings.Contains(said, "nor this") {
				t.Errorf("want %q at the end, and nothing of what passed", c.last)
			}
			if t.Failed() {
				t.Logf("%s%s", said, &stderr)
			}
		})
	}
}

func TestAliveSaysWhatRuns(t *testing.T) {
	var out bytes.Buffer
	r := newReport(&out)
	r.alive()
	r.take(event{Action: "run", Package: "github.com/buger/gor/e2e", Test: "TestFlags/x"})
	r.alive()
	if want := "...   0 passed so far; now: building\n...   0 passed so far; now: gor/e2e TestFlags/x\n"; out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
}
