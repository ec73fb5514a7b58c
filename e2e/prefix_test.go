package e2e

import (
	"bytes"
	"slices"
	"testing"

	"github.com/buger/gor/internal/testkit"
)

// TestFiltersSeeNoPrefix: filters and rewrites of a path see it as it was recorded,
// for all outputs alike. The path of an output's URL is put before what they leave,
// there alone. A target in absolute form is matched by its path, which is what is
// sent.
func TestFiltersSeeNoPrefix(t *testing.T) {
	plain, prefixed := testkit.StartSink(t), testkit.StartSink(t)
	var requests [][]byte
	for _, target := range []string{"/admin/1", "/a/2", "http://prod/admin/3", "http://prod/a/4"} {
		requests = append(requests, []byte("GET "+target+" HTTP/1.1\r\nHost: prod\r\n\r\n"))
	}
	f := newFlagTest(t)
	f.ok("--input-file", f.recording(0, requests...)+"|max", "--output-http", plain.Addr(), "--output-http", "http://"+prefixed.Addr()+"/admin",
		"--http-disallow-url", "^/admin", "--http-rewrite-url", "^/a/(.*):/b/$1")
	for _, test := range []struct {
		sink *testkit.Sink
		want []string
	}{
		{plain, []string{"/b/2", "/b/4"}},
		{prefixed, []string{"/admin/b/2", "/admin/b/4"}},
	} {
		var got []string
		for _, raw := range testkit.Raws(test.sink.Arrivals()) {
			got = append(got, string(bytes.Fields(raw)[1]))
		}
		if slices.Sort(got); !slices.Equal(got, test.want) {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}
