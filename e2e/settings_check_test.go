package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

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
		{"--output-file DIR/x.har", false},
		{"--output-file curl:DIR/x", false},
		{"--output-file DIR/x.jsonl.gz", false},
		{"--output-file DIR/x.pcap", false},
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
