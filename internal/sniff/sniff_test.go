package sniff

import (
	"bytes"
	"compress/gzip"
	"strings"
	"testing"
)

func samples() map[string]Kind {
	return map[string]Kind{
		"": Empty,
		"1 5a000000000000000000000000000001 1700000000000000000\nGET / HTTP/1.1\r\n\r\n": Recording,
		"1\x7f\x03\x01\x01\nRawRequest":          Recording,
		"\xd4\xc3\xb2\xa1\x02\x00":               Pcap,
		"\xa1\xb2\x3c\x4d\x00\x02":               Pcap,
		"\n\r\r\n\x1c\x00\x00\x00":               Pcap,
		"{\n  \"log\": {\n \"version\": \"1.2\"": HAR,
		"{\"method\":\"GET\"}\n":                 JSON,
		"[1, 2]":                                 JSON,
		"curl 'https://x/' -H 'a: b'\n":          Curl,
		"127.0.0.1 - - [10/Oct/2026:13:55:36 +0000] \"GET /a HTTP/1.1\" 200 5 \"-\" \"curl\"\n": Log,
		"hello world\n":                        Text,
		"# smoke\n\n# tests\ncurl http://x/\n": Curl,
		"#Version: 1.0\n#Fields: date time\n":  Log,
		`{"time":"2025-10-10T13:55:36Z","id":"5a","method":"GET","url":"http://x/","headers":[]}` + "\n": JSONLines,
		`{"time":"2025-10-10T13:55:36Z","url":"/","status":200}` + "\n":                                  JSON,
		"GET / HTTP/1.1\r\nHost: x\r\n\r\n":                                                              Text,
		"żółć\n":                                                                                         Text,
		"\x00\x01":                                                                                       Binary,
		"\xff\xfe\xfd":                                                                                   Binary,
		"\x1f\x8b\x08":                                                                                   Packed,
	}
}

// TestKinds: each kind, compressed too.
func TestKinds(t *testing.T) {
	for text, want := range samples() {
		if got, err := Reader(strings.NewReader(text)); got != want || err != nil {
			t.Errorf("%.40q is %v, %v; want %v", text, got, err, want)
		}
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		z.Write([]byte(text))
		z.Close()
		if want == Packed {
			want = Binary // packed twice: nothing of Gor's
		}
		if got, err := Reader(&b); got != want || err != nil {
			t.Errorf("%.40q, compressed, is %v, %v; want %v", text, got, err, want)
		}
	}
}

// TestCutCharacter: the end of what is looked at may lie in a character.
func TestCutCharacter(t *testing.T) {
	if got := Of([]byte("a\xc5")); got != Text {
		t.Errorf("%v, want text", got)
	}
}

// FuzzReader: whatever a file begins with has a kind and a name.
func FuzzReader(f *testing.F) {
	for text := range samples() {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		kind, err := Reader(bytes.NewReader(b))
		if err != nil || kind.String() == "" {
			t.Fatalf("%v, %v", kind, err)
		}
		if len(b) > 0 && len(b) <= Head && Of(b) == Empty {
			t.Fatal("something is nothing")
		}
	})
}
