package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/buger/gor/internal/testkit"
)

// TestCheckOpensNoPipe: opening one waits for its other end, and what would be
// read from it is gone.
func TestCheckOpensNoPipe(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	testkit.Must(t, syscall.Mkfifo(pipe, 0o600))
	for _, args := range []string{
		"--input-file " + pipe + " --output-null",
		"--input-raw " + pipe + ":80 --input-raw-engine pcap_file --output-null",
		"--input-dummy --output-file " + pipe,
		"--input-dummy --output-null --summary-json " + pipe,
	} {
		if code, said := testkit.RunGor(t, append(strings.Fields(args), "--check")...); code != exitOK {
			t.Errorf("%s: exit %d:\n%s", args, code, said)
		}
	}
	args := []string{"--input-file", pipe + "|max", "--input-file-rate", "5", "--output-null", "--check"}
	if code, said := testkit.RunGor(t, args...); code != exitUsage || !strings.Contains(said, "both set the pace") {
		t.Errorf("%q: exit %d:\n%s", args, code, said)
	}
}

// TestCheckSaysWhatTheStartSays: what --check finds right starts, and what it
// finds wrong does not.
func TestCheckSaysWhatTheStartSays(t *testing.T) {
	var prefix []string
	if os.Geteuid() == 0 { // to whom no file is closed
		setpriv := testkit.NeedTool(t, "setpriv", "util-linux")
		caps := "-dac_override,-dac_read_search"
		prefix = []string{setpriv, "--bounding-set", caps, "--inh-caps", caps}
		if out, err := exec.Command(prefix[0], append(prefix[1:], "true")...).CombinedOutput(); err != nil {
			t.Fatalf("setpriv: %v: %s", err, out)
		}
	}
	base := t.TempDir()
	for _, tt := range []struct {
		args  string // DIR is a folder with what is made below
		right bool
	}{
		{"--output-file DIR/new.gor", true},
		{"--output-file DIR/new/folder/new.gor", true},
		{"--output-file DIR/closed/new.gor", false},
		{"--output-file DIR/closed/new/new.gor", false},
		{"--output-file DIR/closed/%Y.gor", false},
		{"--output-file DIR/closed/there.gor", true}, // the file is open to us
		{"--output-file DIR/closed/there.gor --output-file-size-limit 1mb", false},
		{"--output-file DIR/shut.gor", false},
		{"--output-file DIR/shut.gor --output-file-size-limit 1mb", true}, // makes shut_0.gor
		{"--output-file DIR/closed", false},
		{"--output-file DIR/x.har", true},
		{"--output-null 0", true}, // as older commands have it
		{"--output-null DIR/x.gor", false},
		{"--output-stdout DIR/x.gor", false},
		{"--output-tcp 127.0.0.1:0", false},
		{"--output-file - --output-file-size-limit 1mb", false}, // would be /dev/stdout_0
		{"--output-file /dev/null --output-file-queue-limit 5", false},
		{"--output-file DIR/pipe --output-file-queue-limit 5", false},
		{"--output-file curl:DIR/x", true},
		{"--output-file DIR/x.jsonl.gz", true},
		{"--output-file log:DIR/x", false},
		{"--output-file gor:DIR/new.gor", true},
		{"--output-file /dev/null", true},
		{"--output-null --summary-json DIR/summary.json", true},
		{"--output-null --summary-json DIR/missing/summary.json", false}, // its folder is not made
		{"--output-null --summary-json DIR/closed/there.gor", true},
		{"--output-null --memprofile DIR/shut.gor", false},
		{"--output-null --cpuprofile DIR/closed", false},
		{"--output-tcp 127.0.0.1:1 --output-tcp-spill DIR/spill", true},
		{"--output-tcp 127.0.0.1:1 --output-tcp-spill DIR/closed/spill", false},
		{"--output-tcp 127.0.0.1:1 --output-tcp-spill DIR/spill --output-tcp-workers 2", false},
	} {
		t.Run(tt.args, func(t *testing.T) {
			dir, err := os.MkdirTemp(base, "") // t.TempDir would have the % of the test's name in it
			testkit.Must(t, err)
			testkit.Must(t, os.Mkdir(filepath.Join(dir, "closed"), 0o700))
			testkit.WriteFile(t, filepath.Join(dir, "closed", "there.gor"), nil)
			testkit.WriteFile(t, filepath.Join(dir, "shut.gor"), nil)
			testkit.Must(t, syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600))
			testkit.Must(t, os.Chmod(filepath.Join(dir, "shut.gor"), 0o400))
			testkit.Must(t, os.Chmod(filepath.Join(dir, "closed"), 0o500))
			t.Cleanup(func() { os.Chmod(filepath.Join(dir, "closed"), 0o700) })
			args := append(strings.Fields(strings.ReplaceAll(tt.args, "DIR", dir)), "--input-dummy", "--exit-after", "1ms")
			before := tree(t, dir)
			check := testkit.Spawn(t, "gor", prefix, nil, append(args, "--check")...)
			if got := check.Wait(); (got == exitOK) != tt.right || got != exitOK && got != exitUsage {
				t.Errorf("--check: exit %d:\n%s", got, check.Stderr())
			}
			if after := tree(t, dir); after != before {
				t.Errorf("--check left %s, of %s", after, before)
			}
			start := testkit.Spawn(t, "gor", prefix, nil, args...)
			if got := start.Wait(); (got == exitOK) != tt.right {
				t.Errorf("start: exit %d:\n%s", got, start.Stderr())
			}
		})
	}
}

// tree is what is in a folder: names, sizes and times.
func tree(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	testkit.Must(t, filepath.Walk(dir, func(name string, info os.FileInfo, err error) error {
		if err == nil {
			fmt.Fprintf(&b, "%s %d %s\n", name, info.Size(), info.ModTime())
		}
		return err
	}))
	return b.String()
}

// TestCheck: --check says all that is wrong, or what would run, and makes
// nothing.
func TestCheck(t *testing.T) {
	dir := t.TempDir()
	recording := testkit.WriteFile(t, filepath.Join(dir, "in.gor"), testkit.Recording(testkit.NumberedRequests(1, "a"), make([]time.Duration, 1)))
	out := filepath.Join(dir, "new", "out.gor")
	check := func(args ...string) (int, string) { return testkit.RunGor(t, append(args, "--check")...) }
	code, said := check("--input-file", recording, "--input-raw", ":80", "--output-file", out+"|10", "--output-http", "staging.com", "--output-tcp", "a:1", "--middleware", "cat -u")
	if code != exitOK || !strings.Contains(said, "gor: the settings are right\n") || !strings.Contains(said, "gor: to output-file "+out+"|10\n") {
		t.Errorf("exit %d: %s", code, said)
	}
	if list, _ := filepath.Glob(filepath.Join(dir, "*")); len(list) != 1 {
		t.Errorf("there are %v", list)
	}
	wrong := []struct{ args, want string }{
		{"--input-raw :99999", `"99999`},
		{"--input-raw " + dir + "/no.pcap:80", "no.pcap: no such file"},
		{"--input-tcp 5", "a port alone is written :5"},
		{"--input-file " + dir + "/no.gor", "no.gor: no such file"},
		{"--input-file " + recording + "|fast", `"fast"`},
		{"--output-http ht!tp://x", "is not a target"},
		{"--output-http x|200%", "200%"},
		{"--output-tcp :1", "names no host"},
		{"--output-tcp a:1 --output-tcp-secure --output-tcp-ca " + dir + "/ca.pem", "ca.pem: no such file"},
		{"--output-tcp a:1 --output-tcp-spill " + recording + "/x", "not a directory"},
		{"--output-file " + recording + "/x.gor", "must be a folder"},
		{"--output-file " + dir, "name a file in it"},
		{"--middleware /no/such", "/no/such"},
		{"--summary-json " + recording + "/x", "not a directory"},
	}
	var all []string
	for _, w := range wrong {
		args := strings.Fields(w.args)
		code, said := check(append([]string{"--input-dummy", "--output-null"}, args...)...)
		if code != exitUsage || !strings.Contains(said, w.want) {
			t.Errorf("%s: exit %d: %s", w.args, code, said)
		}
		if !strings.Contains(w.args, "output-tcp-") && !strings.Contains(w.args, "middleware") {
			all = append(all, args...)
		}
	}
	_, said = check(all...)
	for _, w := range wrong {
		if slices.Contains(all, strings.Fields(w.args)[1]) && !strings.Contains(said, w.want) {
			t.Errorf("of several mistakes it does not name %q:\n%s", w.want, said)
		}
	}
}

// TestEveryMistakeOfTheLine: what is wrong is said at once, and not one by one
// as each is put right; with --check that of the plugins too.
func TestEveryMistakeOfTheLine(t *testing.T) {
	for _, tt := range []struct {
		args  string
		wants []string // a line each, and no more lines
	}{
		{"--exit-after soon --on-full drop --input-dummy --output-null", []string{`"soon" for --exit-after`, `"drop" for --on-full`}},
		{"--output-htpp staging.com --on-full drop", []string{"did you mean --output-http?", `"drop"`}},
		{"--output-htpp --on-full drop", []string{"did you mean --output-http?", `"drop"`}},
		{"--output-htpp=staging.com --stats=x", []string{"did you mean --output-http?", `"x" for --stats`}},
		{"---stats --on-full drop", []string{"---stats", `"drop"`}},
		{"--on-full drop ---stats --exit-after", []string{`"drop"`, "---stats", "--exit-after wants a value"}},
		{"--on-full drop stray --exit-after soon", []string{`"drop"`, `"stray" is not a flag`}},
		{"--on-full drop -- --exit-after soon", []string{`"drop"`, `"--exit-after" is not a flag`}},
		{"--on-full drop -h", []string{`"drop"`}},
		{"--output-file-buffer x --on-full drop", []string{"no S3", `"drop"`}},
		{"--on-full drop --config missing.toml", []string{`"drop"`, "missing.toml: no such file"}},
		{"--on-full drop --output-http ftp://x --check", []string{`"drop"`, `--output-http: "ftp://x": ftp is not a scheme`}},
	} {
		code, said := testkit.RunGor(t, strings.Fields(tt.args)...)
		lines := strings.Split(strings.TrimSuffix(said, "\n"), "\n")
		if code != exitUsage || len(lines) != len(tt.wants) {
			t.Errorf("gor %s: exit %d, want %d and %d lines:\n%s", tt.args, code, exitUsage, len(tt.wants), said)
			continue
		}
		for i, want := range tt.wants {
			if !strings.HasPrefix(lines[i], "gor: ") || !strings.Contains(lines[i], want) {
				t.Errorf("gor %s: line %q has no %q", tt.args, lines[i], want)
			}
		}
	}
}
