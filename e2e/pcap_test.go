package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/testkit"
)

// TestCaptureFiles: a capture file gives the requests in it, by name with and
// without a port, and on stdin.
func TestCaptureFiles(t *testing.T) {
	requests := testkit.NumberedRequests(30, "prod")
	file := testkit.CaptureFile(t, testkit.TCPFrames(t, requests))
	name := testkit.WriteFile(t, filepath.Join(t.TempDir(), "x.pcap"), file)
	for _, addr := range []string{name, name + ":80", "-:80", "-"} {
		out := filepath.Join(t.TempDir(), "out.gor")
		stdin, err := os.Open(name)
		testkit.Must(t, err)
		gor := testkit.Spawn(t, "gor", nil, stdin, "--input-raw", addr, "--output-file", out)
		if code := gor.Wait(); code != 0 {
			t.Errorf("%s: exit %d:\n%s", addr, code, gor.Stderr())
			continue
		}
		testkit.Must(t, stdin.Close())
		got, metas := testkit.ReadRecording(t, out, payload.Request)
		testkit.WantSame(t, got, requests)
		// The records have the packets' times: the first data packet came 1 ms after the SYN.
		if want := int64(1_700_000_000_001_000_000); len(metas) > 0 && metas[0].Time != want {
			t.Errorf("%s: the first request's time is %d, want %d", addr, metas[0].Time, want)
		}
	}
	other := filepath.Join(t.TempDir(), "other.gor")
	if code, said := testkit.RunGor(t, "--input-raw", name+":81", "--output-file", other); code != 1 || !strings.Contains(said, "goes to port 81; HTTP requests go to port 80: read them with --input-raw "+name+":80\n") {
		t.Errorf("port 81: exit %d, want 1 and where the requests are:\n%s", code, said)
	}
	if got, _ := testkit.ReadRecording(t, other, payload.Request); len(got) != 0 {
		t.Errorf("port 81: %d requests", len(got))
	}
}
