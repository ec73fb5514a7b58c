package e2e

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/buger/gor/internal/testkit"
)

// TestOverlappingCaptures: what two captures both see is taken once.
func TestOverlappingCaptures(t *testing.T) {
	testkit.NeedCapture(t)
	target := testkit.StartSink(t)
	port := testkit.PortOf(t, target.Addr())
	out := t.TempDir() + "/out.gor"
	gor := testkit.StartGor(t, "--input-raw", "lo:"+port, "--input-raw", ":"+port, "--input-raw", "127.0.0.1:"+port, "--output-file", out)
	requests := testkit.NumberedRequests(20, "prod")
	for i := range requests { // a connection each
		testkit.Must(t, testkit.SendAll(target.Addr(), requests[i:i+1]))
	}
	testkit.AwaitRecords(t, out, len(requests))
	gor.Await("overlaps another --input-raw: both see the connection from 127.0.0.1:")
	gor.Stop()
	testkit.WantSums(t, gor.Stderr())
	got, _ := testkit.ReadRecording(t, out, '1')
	testkit.WantSame(t, got, requests)
}

// TestRepeatedFiles: a capture file that is read twice would double what is in it.
func TestRepeatedFiles(t *testing.T) {
	for _, tt := range []struct{ first, second, instead string }{
		{"-:80", "-:81", "-:80,81"},
		{"-", "-", "-"},
	} {
		code, said := testkit.RunGor(t, "--input-raw", tt.first, "--input-raw", tt.second, "--output-null")
		want := fmt.Sprintf("gor: --input-raw: %s and %s read the same packets; give one instead: %s\n", tt.first, tt.second, tt.instead)
		if code != exitUsage || said != want {
			t.Errorf("exit %d, %q, want %q", code, said, want)
		}
	}
}

// TestRecordingOntoItself: a recording that is replayed into itself would double.
func TestRecordingOntoItself(t *testing.T) {
	dir := t.TempDir()
	file := testkit.WriteFile(t, filepath.Join(dir, "x.gor"), testkit.Recording(testkit.NumberedRequests(2, "prod"), make([]time.Duration, 2)))
	before, err := os.ReadFile(file)
	testkit.Must(t, err)
	testkit.Must(t, os.Symlink(file, filepath.Join(dir, "link.gor")))
	for _, in := range []string{file, file + "|max", filepath.Join(dir, "*.gor"), filepath.Join(dir, "link.gor"), "gor:" + file} {
		code, said := testkit.RunGor(t, "--input-file", in, "--output-file", file)
		if code != exitUsage || !strings.Contains(said, "--output-file "+file+" is the file that --input-file ") {
			t.Errorf("%s: exit %d, %s", in, code, said)
		}
	}
	if after, err := os.ReadFile(file); err != nil || !bytes.Equal(after, before) {
		t.Errorf("the recording has changed: %v", err)
	}
}
