package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/testkit"

	"github.com/buger/gor/internal/ledger"
)

// startUnread starts Gor with a stderr of the test's, which nobody need read.
func startUnread(t *testing.T, stderr, stdout *os.File, prefix []string, args ...string) *testkit.Process {
	t.Helper()
	cmd := testkit.GorCommand(t, prefix, args...)
	cmd.Stderr, cmd.Stdout = stderr, stdout
	return testkit.StartCommand(t, cmd)
}

// readSummary reads the file of --summary-json.
func readSummary(t *testing.T, name string) (v ledger.Vars) {
	t.Helper()
	b, err := os.ReadFile(name)
	testkit.Must(t, err)
	testkit.Must(t, json.Unmarshal(b, &v))
	return v
}

// wantVarSums holds what --summary-json has to the equations of the ledger.
func wantVarSums(t *testing.T, v ledger.Vars) {
	t.Helper()
	for name, in := range v.Inputs {
		if in.Read != in.Limited+in.Filtered+in.Passed {
			t.Errorf("%s: %+v does not add up", name, in)
		}
	}
	for name, out := range v.Outputs {
		sum := out.Shed + out.Pending
		for _, n := range out.Fates {
			sum += n
		}
		if out.Offered != sum || out.Pending != 0 {
			t.Errorf("%s: %+v does not add up", name, out)
		}
	}
}

// TestStderrHangs: whoever reads stderr no more stops neither the messages nor
// the end.
func TestStderrHangs(t *testing.T) {
	dir := t.TempDir()
	const messages = 8000
	requests, times := testkit.Steady(messages, time.Microsecond)
	in := testkit.WriteFile(t, filepath.Join(dir, "in.gor"), testkit.Recording(requests, times))
	for _, sig := range []syscall.Signal{0, syscall.SIGINT, syscall.SIGTERM} {
		t.Run(sig.String(), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			r, w, err := os.Pipe()
			testkit.Must(t, err)
			defer r.Close()
			defer w.Close()
			out, summary := filepath.Join(dir, "out.gor"), filepath.Join(dir, "summary.json")
			args := []string{"--input-file", in + "|max", "--verbose", "3", "--output-file", out, "--output-file-flush-interval", "10ms", "--summary-json", summary}
			if sig != 0 {
				args = append(args, "--input-dummy", "")
			}
			gor := startUnread(t, w, nil, nil, args...)
			if sig != 0 {
				testkit.Eventually(t, "the recording has all", func() bool {
					b, _ := os.ReadFile(out)
					return strings.Count(string(b), payload.Separator) >= messages
				})
				testkit.Must(t, gor.Cmd.Process.Signal(sig))
			}
			if code := gor.Wait(); code != 0 {
				t.Errorf("exit %d", code)
			}
			v := readSummary(t, summary)
			wantVarSums(t, v)
			if v.Unread == 0 {
				t.Error("no line is counted as dropped")
			}
			if n := v.Outputs["output-file "+out].Fates["delivered"]; n < messages {
				t.Errorf("%d delivered of %d", n, messages)
			}
		})
	}
}

// TestStderrGone: without a reader of stderr a run goes on to its end.
func TestStderrGone(t *testing.T) {
	dir := t.TempDir()
	requests, times := testkit.Steady(50, time.Millisecond)
	in := testkit.WriteFile(t, filepath.Join(dir, "in.gor"), testkit.Recording(requests, times))
	for _, closed := range []bool{false, true} {
		summary := filepath.Join(dir, "summary.json")
		args := []string{"--input-file", in, "--verbose", "3", "--output-null", "--summary-json", summary}
		var gor *testkit.Process
		if closed {
			gor = startUnread(t, nil, nil, []string{"sh", "-c", `exec "$0" "$@" 2>&-`}, args...)
		} else {
			r, w, err := os.Pipe()
			testkit.Must(t, err)
			r.Close()
			gor = startUnread(t, w, nil, nil, args...)
			w.Close()
		}
		if code := gor.Wait(); code != 0 {
			t.Fatalf("stderr closed at the start: %v: exit %d", closed, code)
		}
		v := readSummary(t, summary)
		wantVarSums(t, v)
		if v.Outputs["output-null"].Fates["delivered"] != 50 {
			t.Errorf("%+v", v)
		}
		testkit.Must(t, os.Remove(summary))
	}
}

// TestHangup: a terminal that closes ends a run in good order; under nohup it
// goes on.
func TestHangup(t *testing.T) {
	t.Parallel()
	if signal.Ignored(syscall.SIGHUP) {
		t.Skip("whoever started the tests has them ignore SIGHUP, as nohup does")
	}
	gor := testkit.StartGor(t, "--input-dummy", "", "--output-null")
	testkit.Must(t, gor.Cmd.Process.Signal(syscall.SIGHUP))
	if code := gor.Wait(); code != 0 || !strings.Contains(gor.Stderr(), "hung up: sending what is queued") {
		t.Errorf("exit %d:\n%s", code, gor.Stderr())
	}
	testkit.WantSums(t, gor.Stderr())

	gor = testkit.Spawn(t, "gor", []string{"sh", "-c", `trap '' HUP; exec "$0" "$@"`}, nil, "--input-dummy", "", "--output-null", "--stats")
	gor.Await("gor: to ")
	testkit.Must(t, gor.Cmd.Process.Signal(syscall.SIGHUP))
	testkit.Must(t, gor.Cmd.Process.Signal(syscall.SIGINT)) // the lower number is delivered first; both have come when it ends
	if code := gor.Wait(); code != 0 || strings.Contains(gor.Stderr(), "hung up") {
		t.Errorf("under nohup: exit %d:\n%s", code, gor.Stderr())
	}

	// A real terminal that goes away, beside which SIGHUP opens a recording again.
	for _, recording := range []bool{false, true} {
		dir := t.TempDir()
		summary, file := filepath.Join(dir, "summary.json"), filepath.Join(dir, "out.gor")
		args := []string{"--input-dummy", "", "--output-null", "--summary-json", summary}
		if recording {
			args = append(args, "--output-file", file)
		}
		cmd, person := startOnTerminal(t, nil, args...)
		if recording {
			testkit.AwaitRecords(t, file, 1)
		}
		testkit.Must(t, person.Close())
		testkit.Must(t, cmd.Wait())
		v := readSummary(t, summary)
		wantVarSums(t, v)
		if !recording {
			continue
		}
		got, _ := testkit.ReadRecording(t, file, payload.Request)
		if n := int(v.Outputs["output-file "+file].Fates["delivered"]); n == 0 || len(got) != n {
			t.Errorf("%d records, and %d delivered", len(got), n)
		}
	}

	// The same under nohup goes on, and takes a SIGHUP for what logrotate means.
	file := filepath.Join(t.TempDir(), "out.gor")
	cmd, person := startOnTerminal(t, []string{"sh", "-c", `trap '' HUP; exec "$0" "$@"`}, "--input-dummy", "", "--output-file", file)
	testkit.AwaitRecords(t, file, 1)
	testkit.Must(t, person.Close())
	testkit.Must(t, os.Rename(file, file+".1"))
	testkit.Must(t, cmd.Process.Signal(syscall.SIGHUP))
	testkit.AwaitRecords(t, file, 1)
	testkit.Must(t, cmd.Process.Signal(syscall.SIGTERM))
	testkit.Must(t, cmd.Wait())
}

// startOnTerminal starts Gor in a session of its own, whose terminal ends when
// person is closed, and waits until it says what it will do.
func startOnTerminal(t *testing.T, prefix []string, args ...string) (cmd *exec.Cmd, person *os.File) {
	t.Helper()
	person, program := openTerminal(t)
	cmd = testkit.GorCommand(t, prefix, args...)
	cmd.Stdin, cmd.Stderr = program, program
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	testkit.Must(t, cmd.Start())
	program.Close()
	buf := make([]byte, 4096)
	for said := ""; !strings.Contains(said, "gor: to "); {
		n, err := person.Read(buf)
		testkit.Must(t, err)
		said += string(buf[:n])
	}
	return cmd, person
}

// TestStdoutLeft: a reader of stdout that goes away ends a run whose only output
// it was, with its ledger, and no other.
func TestStdoutLeft(t *testing.T) {
	t.Parallel()
	for _, more := range []bool{false, true} {
		r, w, err := os.Pipe()
		testkit.Must(t, err)
		args := []string{"--input-dummy", "", "--output-stdout"}
		if more {
			args = append(args, "--output-null")
		}
		gor := testkit.SpawnTo(t, w, args...)
		w.Close()
		_, err = r.Read(make([]byte, 1))
		testkit.Must(t, err)
		r.Close()
		if more {
			gor.Await("gor: to output-null")
			gor.Stop()
		} else if code := gor.Wait(); code != 0 || !strings.Contains(gor.Stderr(), "the reader of stdout has gone: ending") {
			t.Errorf("exit %d:\n%s", code, gor.Stderr())
		}
		testkit.WantSums(t, gor.Stderr())
	}
}

// TestStdoutHangs: what the writer has in hand when stdout takes nothing is
// counted.
func TestStdoutHangs(t *testing.T) {
	t.Parallel()
	requests, times := testkit.Steady(3000, time.Microsecond)
	in := testkit.WriteFile(t, filepath.Join(t.TempDir(), "in.gor"), testkit.Recording(requests, times))
	r, w, err := os.Pipe()
	testkit.Must(t, err)
	defer r.Close()
	gor := testkit.SpawnTo(t, w, "--input-file", in+"|max", "--output-stdout", "--drain-timeout", "200ms")
	w.Close()
	if code := gor.Wait(); code != exitFailed {
		t.Errorf("exit %d", code)
	}
	testkit.WantSums(t, gor.Stderr())
	if !strings.Contains(gor.Stderr(), " unsent") {
		t.Errorf("nothing unsent:\n%s", gor.Stderr())
	}
}

// TestStartInterrupted: what waits when Gor starts is not a reason to go on waiting
// after a signal.
func TestStartInterrupted(t *testing.T) {
	t.Parallel()
	fifo := filepath.Join(t.TempDir(), "in.gor")
	testkit.Must(t, syscall.Mkfifo(fifo, 0o600))
	gor := testkit.Spawn(t, "gor", nil, nil, "--http-pprof", "127.0.0.1:0", "--input-file", fifo, "--output-null")
	gor.Await("counts and profiles at")
	testkit.Must(t, gor.Cmd.Process.Signal(syscall.SIGTERM))
	if code := gor.Wait(); code != exitInterrupted || !strings.Contains(gor.Stderr(), "terminated: before everything was open") {
		t.Errorf("exit %d:\n%s", code, gor.Stderr())
	}
}

// TestPrintedIsWhole: what could not be printed is an error, and no help, list or
// plan that looks complete.
func TestPrintedIsWhole(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	testkit.Must(t, err)
	defer full.Close()
	file := newFlagTest(t).recording(0, gets(4)...)
	for _, args := range []string{
		"-h", "-h all", "--version", "version", "help", "completion bash", "ls -h", "ls " + file, "stat " + file, "show " + file + " 0", "verdict -h",
		"convert " + file + " -o -", "--input-file " + file + " --input-file-dry-run", "--input-file " + file + "|max --output-stdout",
	} {
		cmd := testkit.GorCommand(t, nil, strings.Fields(args)...)
		cmd.Stdout = full
		p := testkit.StartCommand(t, cmd)
		if code := p.Wait(); code != exitFailed {
			t.Errorf("gor %s: exit %d", args, code)
		}
	}
}
