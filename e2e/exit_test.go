package e2e

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/buger/gor/internal/testkit"
)

func TestExitCodes(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	testkit.Must(t, err)
	defer busy.Close()
	for _, test := range []struct {
		args string
		code int
		says string
	}{
		{"--version", 0, ""},
		{"-h", 0, ""},
		{"", exitUsage, "no input and no output"},
		{"--no-such", exitUsage, "no flag --no-such"},
		{"--input-dummy --output-http", exitUsage, "--output-http wants a value"},
		{"--input-file /dev/null --output-null", exitFailed, "holds nothing to replay"},
		{"--input-raw testdata/recordings/gor-0.9.gor:80 --output-null", exitFailed, "--input-file testdata/recordings/gor-0.9.gor"},
		{"--input-file exit_test.go --output-null", exitFailed, "is not a recording: it is text"},
		{"--input-file none.gor --output-null", exitFailed, "no such file"},
		{"--input-dummy --output-http gopher://x", exitUsage, "gopher"},
		{"--input-dummy --output-null|x", exitUsage, "no flag"},
		{"--input-tcp 28020 --output-null", exitUsage, ":28020"},
		{"--input-file |x --input-file-dry-run", exitUsage, `"x"`},
		{"--input-tcp " + busy.Addr().String() + " --output-null", exitFailed, "in use"},
		{"--input-dummy --output-null --exit-after 10ms", 0, "ledger after"},
	} {
		code, said := testkit.RunGor(t, strings.Fields(test.args)...)
		if code != test.code || !strings.Contains(said, test.says) {
			t.Errorf("gor %s: exit %d, want %d, and to say %q:\n%s", test.args, code, test.code, test.says, said)
		}
	}
}

// TestSignals: the first one drains and exits 0, a second one exits at once
// with 130.
func TestSignals(t *testing.T) {
	t.Parallel()
	for _, sig := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		target := testkit.StartSink(t)
		gor := testkit.StartGor(t, "--input-dummy", "--output-http", target.Addr())
		target.Await(t, 1)
		gor.Cmd.Process.Signal(sig)
		if code := gor.Wait(); code != 0 {
			t.Errorf("%s: exit %d, want 0:\n%s", sig, code, gor.Stderr())
		}
		testkit.WantSums(t, gor.Stderr())
	}
	// A target that never answers holds the drain up for five seconds.
	mute := testkit.StartMute(t)
	gor := testkit.StartGor(t, "--input-dummy", "--output-http", mute.Addr(), "--output-http-timeout", "1m")
	mute.Await(t, 1)
	gor.Cmd.Process.Signal(os.Interrupt)
	gor.Await("again to stop at once")
	if code := gor.StopAtOnce(); code != exitInterrupted { // a drain that was waited for is exit 0
		t.Errorf("second signal: exit %d, want %d:\n%s", code, exitInterrupted, gor.Stderr())
	}
}

// TestSignalSentTwice: timeout(1) signals the process and then its group, which is
// one signal and not the second that stops at once.
func TestSignalSentTwice(t *testing.T) {
	t.Parallel()
	target := testkit.StartSink(t)
	gor := testkit.StartGor(t, "--input-dummy", "", "--output-http", target.Addr())
	target.Await(t, 1)
	// Two of one number would be merged by the kernel; both come when it goes on.
	for _, sig := range []os.Signal{syscall.SIGSTOP, syscall.SIGTERM, syscall.SIGINT, syscall.SIGCONT} {
		testkit.Must(t, gor.Cmd.Process.Signal(sig))
	}
	if code := gor.Wait(); code != 0 {
		t.Errorf("exit %d, want 0:\n%s", code, gor.Stderr())
	}
	testkit.WantSums(t, gor.Stderr())
}

// TestDrainTimeoutAfterSignal: what the flag gives up sooner than the five seconds
// is given up sooner after a signal too.
func TestDrainTimeoutAfterSignal(t *testing.T) {
	t.Parallel()
	testkit.InSomeRun(t, 0, func() error {
		mute := testkit.StartMute(t)
		gor := testkit.StartGor(t, "--input-dummy", "", "--output-http", mute.Addr(), "--output-http-timeout", "1m", "--drain-timeout", "100ms")
		mute.Await(t, 1)
		began := time.Now()
		gor.Cmd.Process.Signal(os.Interrupt)
		code, took := gor.Wait(), time.Since(began)
		if code != 0 {
			t.Errorf("exit %d:\n%s", code, gor.Stderr())
		}
		testkit.WantSums(t, gor.Stderr())
		if took >= 5*time.Second {
			return fmt.Errorf("it ended after %s", took)
		}
		return nil
	})
}

// TestDrainAfterSignalIsBounded: five seconds, then what is left is counted.
func TestDrainAfterSignalIsBounded(t *testing.T) {
	t.Parallel()
	mute := testkit.StartMute(t)
	gor := testkit.StartGor(t, "--input-dummy", "--output-http", mute.Addr(), "--output-http-timeout", "5m")
	mute.Await(t, 1)
	gor.Cmd.Process.Signal(os.Interrupt)
	if code := gor.Wait(); code != 0 {
		t.Errorf("exit %d, want 0:\n%s", code, gor.Stderr())
	}
	if !strings.Contains(gor.Stderr(), "0 delivered + ") || strings.Contains(gor.Stderr(), "+ 0 unsent") {
		t.Errorf("what was left is not counted:\n%s", gor.Stderr())
	}
	testkit.WantSums(t, gor.Stderr())
}

// TestSignalDuringDrain: the inputs have ended by themselves, an output hangs,
// and somebody says stop: that bounds the drain and is not a failure.
func TestSignalDuringDrain(t *testing.T) {
	t.Parallel()
	requests, times := testkit.Steady(1, 0)
	file := testkit.WriteFile(t, filepath.Join(t.TempDir(), "in.gor"), testkit.Recording(requests, times))
	mute := testkit.StartMute(t)
	gor := testkit.StartGor(t, "--input-file", file, "--output-null", "--output-http", mute.Addr(), "--output-http-timeout", "5m")
	mute.Await(t, 1)
	gor.Cmd.Process.Signal(os.Interrupt)
	if code := gor.Wait(); code != 0 {
		t.Errorf("exit %d, want 0:\n%s", code, gor.Stderr())
	}
	if !strings.Contains(gor.Stderr(), "0 delivered + 1 unsent") {
		t.Errorf("what was left is not counted:\n%s", gor.Stderr())
	}
	testkit.WantSums(t, gor.Stderr())
}

// TestNoPrivilegeNamesTheRemedy runs Gor without CAP_NET_RAW.
func TestNoPrivilegeNamesTheRemedy(t *testing.T) {
	var prefix []string
	if os.Geteuid() == 0 {
		setpriv := testkit.NeedTool(t, "setpriv", "util-linux")
		prefix = []string{setpriv, "--bounding-set", "-net_raw", "--inh-caps", "-net_raw"}
		if out, err := exec.Command(prefix[0], append(prefix[1:], "true")...).CombinedOutput(); err != nil {
			t.Fatalf("setpriv: %v: %s", err, out)
		}
	}
	gor := testkit.Spawn(t, "gor", prefix, nil, "--input-raw", ":80", "--output-null")
	if code := gor.Wait(); code != exitFailed {
		t.Errorf("exit %d, want %d", code, exitFailed)
	}
	for _, want := range []string{"--input-raw :80", "CAP_NET_RAW", "setcap cap_net_raw+ep"} {
		if !strings.Contains(gor.Stderr(), want) {
			t.Errorf("the error has no %q:\n%s", want, gor.Stderr())
		}
	}
}

// TestStatsLines: the form of Gor 0.9, without "gor: " in front.
func TestStatsLines(t *testing.T) {
	t.Parallel()
	target := testkit.StartSink(t)
	file := testkit.WriteFile(t, filepath.Join(t.TempDir(), "x.pcap"), testkit.CaptureFile(t, testkit.TCPFrames(t, nil)))
	gor := testkit.StartGor(t, "--input-dummy", "--input-raw", file, "--output-http", target.Addr(), "--output-http-stats", "--stats", "--input-raw-stats")
	gor.Await("output_http:latest,mean,max,count,count/second\n")
	gor.Await("output_http:0,0,0,0,0\n")
	gor.Await("gor: stats: output-http")
	gor.Await("gor: input-raw " + file + ": packets 1, connections 1, ")
	gor.Stop()
	for line := range strings.Lines(gor.Stderr()) {
		if strings.Contains(line, "output_http:") && (strings.HasPrefix(line, "gor:") || len(line) < 20 || line[4] != '/') {
			t.Errorf("stats line %q", line)
		}
	}
}
