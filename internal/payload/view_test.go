package payload

import (
	"strings"
	"testing"
)

func TestViews(t *testing.T) {
	for _, tt := range []struct {
		msg, id, header, describe string
		request                   bool
	}{
		{"1 ab 5 -1\nGET / HTTP/1.1\r\n\r\n", "ab", "1 ab 5 -1\n", `ab "GET / HTTP/1.1"`, true},
		{"2 cd 5\nHTTP/1.1 200 OK\n\n", "cd", "2 cd 5\n", `cd "HTTP/1.1 200 OK"`, false},
		{"1 ab 5 -1\n\x00\xff", "ab", "1 ab 5 -1\n", `ab "\x00\xff"`, true},
		{"1 ab 5 -1\n" + strings.Repeat("x", 500), "ab", "1 ab 5 -1\n", `ab "` + strings.Repeat("x", describeAtMost) + `"`, true},
		{"", "", "", ` ""`, false},
		{"1", "", "1", ` ""`, true},
	} {
		msg := []byte(tt.msg)
		if got := IsRequest(msg); got != tt.request {
			t.Errorf("IsRequest(%.20q) = %v", tt.msg, got)
		}
		if got := string(ID(msg)); got != tt.id {
			t.Errorf("ID(%.20q) = %q, want %q", tt.msg, got, tt.id)
		}
		if got := string(Header(msg)); got != tt.header {
			t.Errorf("Header(%.20q) = %q, want %q", tt.msg, got, tt.header)
		}
		if got := Describe(msg); got != tt.describe {
			t.Errorf("Describe(%.20q) = %s, want %s", tt.msg, got, tt.describe)
		}
	}
}
