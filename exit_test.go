package main

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestExitCodes(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
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
		{"--input-file none.gor --output-null", exitFailed, "no such file"},
		{"--input-dummy --output-http gopher://x", exitUsage, "gopher"},
		{"--input-dummy --output-null|x", exitUsage, "no flag"},
		{"--input-tcp 28020 --output-null", exitUsage, ":28020"},
		{"--input-file |x --input-file-dry-run", exitUsage, `"x"`},
		{"--input-tcp " + busy.Addr().String() + " --output-null", exitFailed, "in use"},
		{"--input-dummy --output-null --exit-after 10ms", 0, "ledger after"},
	} {
		code, said := runGor(t, strings.Fields(test.args)...)
		if code != test.code || !strings.Contains(said, test.says) {
			t.Errorf("gor %s: exit %d, want %d, and to say %q:\n%s", test.args, code, test.code, test.says, said)
		}
	}
}

// TestSignals: the first one drains and exits 0, a second one exits at once
// with 130.
func TestSignals(t *testing.T) {
	for _, sig := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		target := startSink(t)
		gor := startGor(t, "--input-dummy", "--output-http", target.addr())
		target.await(t, 1)
		gor.cmd.Process.Signal(sig)
		if code := gor.wait(); code != 0 {
			t.Errorf("%s: exit %d, want 0:\n%s", sig, code, gor.said())
		}
		wantSums(t, gor.said())
	}
	// A target that never answers holds the drain up for five seconds.
	mute := startMute(t)
	gor := startGor(t, "--input-dummy", "--output-http", mute.addr(), "--output-http-timeout", "1m")
	mute.await(t, 1)
	gor.cmd.Process.Signal(os.Interrupt)
	gor.await("again to stop at once")
	began := time.Now()
	gor.cmd.Process.Signal(os.Interrupt)
	if code := gor.wait(); code != exitInterrupted {
		t.Errorf("second signal: exit %d, want %d:\n%s", code, exitInterrupted, gor.said())
	}
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("the second signal took %s", took)
	}
}

// TestDrainAfterSignalIsBounded: five seconds, then what is left is counted.
func TestDrainAfterSignalIsBounded(t *testing.T) {
	mute := startMute(t)
	gor := startGor(t, "--input-dummy", "--output-http", mute.addr(), "--output-http-timeout", "5m")
	mute.await(t, 1)
	gor.cmd.Process.Signal(os.Interrupt)
	if code := gor.wait(); code != 0 {
		t.Errorf("exit %d, want 0:\n%s", code, gor.said())
	}
	if !strings.Contains(gor.said(), "0 delivered + ") || strings.Contains(gor.said(), "+ 0 unsent") {
		t.Errorf("what was left is not counted:\n%s", gor.said())
	}
	wantSums(t, gor.said())
}

// TestSignalDuringDrain: the inputs have ended by themselves, an output hangs,
// and somebody says stop: that bounds the drain and is no failure.
func TestSignalDuringDrain(t *testing.T) {
	requests, times := steady(1, 0)
	file := writeFile(t, filepath.Join(t.TempDir(), "in.gor"), record(requests, times))
	mute := startMute(t)
	gor := startGor(t, "--input-file", file, "--output-null", "--output-http", mute.addr(), "--output-http-timeout", "5m")
	mute.await(t, 1)
	gor.cmd.Process.Signal(os.Interrupt)
	if code := gor.wait(); code != 0 {
		t.Errorf("exit %d, want 0:\n%s", code, gor.said())
	}
	if !strings.Contains(gor.said(), "0 delivered + 1 unsent") {
		t.Errorf("what was left is not counted:\n%s", gor.said())
	}
	wantSums(t, gor.said())
}

// TestNoPrivilegeNamesTheRemedy runs Gor without CAP_NET_RAW.
func TestNoPrivilegeNamesTheRemedy(t *testing.T) {
	var prefix []string
	if os.Geteuid() == 0 {
		setpriv := needTool(t, "setpriv", "util-linux")
		prefix = []string{setpriv, "--bounding-set", "-net_raw", "--inh-caps", "-net_raw"}
		if out, err := exec.Command(prefix[0], append(prefix[1:], "true")...).CombinedOutput(); err != nil {
			t.Fatalf("setpriv: %v: %s", err, out)
		}
	}
	gor := spawn(t, "gor", prefix, nil, "--input-raw", ":80", "--output-null")
	if code := gor.wait(); code != exitFailed {
		t.Errorf("exit %d, want %d", code, exitFailed)
	}
	for _, want := range []string{"--input-raw :80", "CAP_NET_RAW", "setcap cap_net_raw+ep"} {
		if !strings.Contains(gor.said(), want) {
			t.Errorf("the error has no %q:\n%s", want, gor.said())
		}
	}
}

// TestStatsLines: the seed's form, without gor: in front.
func TestStatsLines(t *testing.T) {
	target := startSink(t)
	file := writeFile(t, filepath.Join(t.TempDir(), "x.pcap"), captureFile(t, tcpFrames(t, nil)))
	gor := startGor(t, "--input-dummy", "--input-raw", file, "--output-http", target.addr(), "--output-http-stats", "--stats", "--input-raw-stats")
	gor.await("output_http:latest,mean,max,count,count/second\n")
	gor.await("output_http:0,0,0,0,0\n")
	gor.await("gor: stats: output-http")
	gor.await("gor: input-raw " + file + ": packets 1, connections 1, ")
	gor.stop()
	for line := range strings.Lines(gor.said()) {
		if strings.Contains(line, "output_http:") && (strings.HasPrefix(line, "gor:") || len(line) < 20 || line[4] != '/') {
			t.Errorf("stats line %q", line)
		}
	}
}
