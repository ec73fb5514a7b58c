package formats

import (
	"errors"
	"strings"
	"testing"
)

func TestRecordingPath(t *testing.T) {
	for _, tt := range []struct{ name, path, convert string }{
		{"x.gor", "x.gor", ""},
		{"%Y-%m-%d.gor.gz", "%Y-%m-%d.gor.gz", ""},
		{"gor:x.har", "x.har", ""},
		{"gor:", "", ""},
		{"x.log", "x.log", ""}, // a recording, as its readers see
		{"/dev/null", "/dev/null", ""},
		{"x.HAR", "x.HAR", "-o x.HAR"},
		{"har:x", "x", "-o har:x"},
		{"har:", "x", "-o har:x"},
		{"a/x.har.gz", "a/x.har.gz", "-o a/x.har.gz"},
		{"curl:x.gor", "x.gor", "-o curl:x.gor"},
		{"%Y.curl", "%Y.curl", "-o %Y.curl"},
		{"x.jsonl", "x.jsonl", "-o x.jsonl"},
		{"x.ndjson", "x.ndjson", "-o x.ndjson"},
		{"x.pcap", "x.pcap", "-o x.pcap"},
		{"x.pcapng", "x.pcapng", "-o x.pcapng"},
		{"x.cap", "x.cap", "-o x.cap"},
		{"log:x.log", "x.log", "-o x.har"},
	} {
		path, err := RecordingPath(tt.name)
		if path != tt.path || (err != nil) != (tt.convert != "") {
			t.Errorf("%s: got %q, %v", tt.name, path, err)
		}
		if err != nil && (!errors.As(err, new(*NotRecordingError)) || !strings.HasSuffix(err.Error(), tt.convert)) {
			t.Errorf("%s: got %v", tt.name, err)
		}
	}
}
