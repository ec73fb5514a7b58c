package formats

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/buger/gor/internal/sniff"
)

func contents() map[string]string {
	return map[string]string{
		"recording":  "1 5a000000000000000000000000000001 1700000000000000000\nGET / HTTP/1.1\r\nHost: a\r\n\r\n\n🐵🙈🙉\n",
		"log":        `10.0.0.1 - - [26/Oct/2025:13:00:01 +0100] "GET / HTTP/1.1" 200 5 "-" "a"` + "\n",
		"alb":        `http 2025-07-02T22:23:00.186641Z app/lb/50dc 192.0.2.39:2817 - 0.000 0.001 0.000 200 200 34 366 "GET http://www.example.com:80/ HTTP/1.1" "curl/7.46.0" - - arn:x "Root=1" "-" "-" 0 2025-07-02T22:22:48.364000Z "forward" "-" "-" "-" "-" "-" "-"` + "\n",
		"json log":   `{"time":"2025-10-26T13:00:01Z","request":"GET / HTTP/1.1","status":200}` + "\n",
		"har":        `{"log":{"entries":[{"startedDateTime":"2025-10-10T13:55:36Z","request":{"method":"GET","url":"http://x/","headers":[]},"response":{"status":0}}]}}`,
		"curl":       "# a comment\ncurl http://x/\n",
		"jsonl":      `{"url":"http://x/"}` + "\n",
		"text":       "hello\n",
		"binary":     "\x00\x01\x02\xff",
		"other json": `{"a":1}` + "\n",
	}
}

// The tools read a file by what it holds; a replay says what it is.
func TestOpenLooks(t *testing.T) {
	for _, tt := range []struct {
		content, name string
		format, other string // of the tools; what a replay says it is, "": it reads it
	}{
		{"recording", "x", "text", ""}, {"recording", "x.log", "text", ""}, {"recording", "x.har", "text", ""},
		{"log", "x", "access log (combined format)", "no"}, {"log", "x.log.1", "access log (combined format)", ""}, {"log", "x.har", "access log (combined format)", "an access log"},
		{"alb", "x", "access log (alb format)", "no"}, {"alb", "x.log", "access log (alb format)", ""},
		{"json log", "x", "access log (json format)", "no"}, {"json log", "x.log", "access log (json format)", ""}, {"json log", "log:x", "access log (json format)", ""},
		{"har", "x", "HAR", "no"}, {"har", "x.log", "HAR", "an HTTP archive (HAR)"}, {"har", "x.har", "HAR", ""}, {"har", "har:x.log", "HAR", ""},
		{"curl", "x.sh", "curl lines", "no"}, {"curl", "x.jsonl", "curl lines", "curl command lines"},
		{"jsonl", "x.json", "JSON lines", "no"}, {"jsonl", "x.ndjson", "JSON lines", ""}, {"jsonl", "x.har", "JSON lines", "requests in JSON lines"},
		{"text", "x", "", "no"}, {"binary", "x", "", "no"}, {"other json", "x.json", "", "no"},
	} {
		for _, packed := range []bool{false, true} {
			text, name := contents()[tt.content], tt.name
			if packed {
				var b bytes.Buffer
				z := gzip.NewWriter(&b)
				io.WriteString(z, text)
				z.Close()
				text, name = b.String(), name+".gz"
			}
			r, err := Open(strings.NewReader(text), name, Options{Sniff: true})
			var unknown *UnknownError
			if tt.format == "" {
				if !errors.As(err, &unknown) {
					t.Errorf("%s in %s: got %v", tt.content, name, err)
				}
			} else if err != nil {
				t.Errorf("%s in %s: %v", tt.content, name, err)
			} else if _, err := r.Next(); err != nil || strings.TrimPrefix(r.Format(), "gzip ") != tt.format {
				t.Errorf("%s in %s: %v, %v", tt.content, name, r.Format(), err)
			}
			if tt.other == "no" {
				continue // a recording that holds no record, which package replay explains
			}
			var other *OtherError
			_, err = Open(strings.NewReader(text), name, Options{})
			if errors.As(err, &other) != (tt.other != "") || other != nil && other.Kind.String() != tt.other {
				t.Errorf("replay of %s in %s: got %v", tt.content, name, err)
			}
		}
	}
	if (&OtherError{sniff.HAR}).Error() == "" {
		t.Error("no text")
	}
}

// A pipe that gives a line and waits is not waited for.
func TestOpenAPipe(t *testing.T) {
	r, w := io.Pipe()
	go io.WriteString(w, contents()["log"])
	if got, err := Open(r, "-", Options{Sniff: true}); err != nil || !strings.HasPrefix(got.Format(), "access log") {
		t.Errorf("got %v", err)
	}
	r.Close()
}

func TestOutputPath(t *testing.T) {
	for _, tt := range []struct {
		name, path string
		kind       Kind
	}{
		{"x.gor", "x.gor", Recording}, {"gor:x.har", "x.har", Recording}, {"x.log", "x.log", Recording}, {"/dev/null", "/dev/null", Recording}, {"-", "/dev/stdout", Recording},
		{"x.HAR", "x.HAR", HAR}, {"har:-", "/dev/stdout", HAR}, {"a/%Y.har.gz", "a/%Y.har.gz", HAR}, {"curl:x.gor", "x.gor", Curl}, {"x.ndjson", "x.ndjson", JSONLines}, {"x.pcapng", "x.pcapng", Pcap},
	} {
		if kind, path, err := OutputPath(tt.name); kind != tt.kind || path != tt.path || err != nil {
			t.Errorf("%s: got %v %q, %v", tt.name, kind, path, err)
		}
	}
	if _, _, err := OutputPath("log:x"); err == nil {
		t.Error("a log is not refused")
	}
}
