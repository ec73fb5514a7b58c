package e2e

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/buger/gor/internal/testkit"
)

// TestWrongFiles: a file given to the wrong flag says what it is and what reads it, and
// the command that is named does.
func TestWrongFiles(t *testing.T) {
	dir := t.TempDir()
	const line = `10.0.0.1 - - [26/Oct/2025:13:00:01 +0100] "GET / HTTP/1.1" 200 5 "-" "a"` + "\n"
	for name, content := range map[string]string{
		"log": line, "x.har": line, "har": `{"log":{"entries":[{"startedDateTime":"2025-10-10T13:55:36Z","request":{"method":"GET","url":"http://x/","headers":[]},"response":{"status":0}}]}}`,
		"curl": "curl http://x/\n", "jsonl": `{"url":"http://x/"}` + "\n", "pcap": string(testkit.CaptureFile(t, testkit.TCPFrames(t, testkit.NumberedRequests(1, "x")))),
		"recording": string(testkit.Recording(testkit.NumberedRequests(1, "x"), []time.Duration{0})),
	} {
		testkit.WriteFile(t, filepath.Join(dir, name), []byte(content))
	}
	for _, tt := range []struct{ flag, file, hint string }{
		{"--input-file", "log", "--input-file log:FILE"}, {"--input-file", "x.har", "--input-file log:FILE"}, {"--input-file", "har", "--input-file har:FILE"},
		{"--input-file", "curl", "--input-file curl:FILE"}, {"--input-file", "jsonl", "--input-file jsonl:FILE"}, {"--input-file", "pcap", "--input-raw FILE:80"},
		{"--input-raw", "log:80", "--input-file log:FILE"}, {"--input-raw", "har:80", "--input-file har:FILE"}, {"--input-raw", "curl:80", "--input-file curl:FILE"},
		{"--input-raw", "jsonl:80", "--input-file jsonl:FILE"}, {"--input-raw", "recording:80", "--input-file FILE"},
	} {
		t.Run(tt.flag+" "+tt.file, func(t *testing.T) {
			name := filepath.Join(dir, tt.file)
			code, said := testkit.RunGor(t, tt.flag, name, "--output-null")
			hint := strings.ReplaceAll(tt.hint, "FILE", strings.TrimSuffix(name, ":80"))
			if code != exitFailed || !strings.HasSuffix(strings.TrimSpace(said), hint) {
				t.Fatalf("exit %d: %s\nwant %q", code, said, hint)
			}
			if code, said := testkit.RunGor(t, append(strings.Fields(hint), "--output-null")...); code != exitOK {
				t.Errorf("%s: exit %d: %s", hint, code, said)
			}
		})
	}
}
