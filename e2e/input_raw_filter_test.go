package e2e

import (
	"bytes"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/testkit"
)

// What an expression does not mean stops Gor at the start, by name.
func TestFilterRefused(t *testing.T) {
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"vlan 5"}, `invalid value "vlan 5" for --input-raw-bpf-filter: "vlan" is not understood`},
		{[]string{"tcp and prot 81"}, `"prot" is not understood behind "and", where a condition is wanted; understood are`},
		{[]string{"port 80 and prot 81"}, `"prot" is not a port, a known service or a keyword`},
		{[]string{"tcp port 80 and not"}, `it ends behind "not", where a condition is wanted`},
		{[]string{""}, "it ends, where a condition is wanted"},
		{[]string{"tcp", "udp"}, `there is the filter "tcp" already: join them with and, or with or`},
	} {
		args := []string{"--input-raw", ":80", "--output-null"}
		for _, expr := range test.args {
			args = append(args, "--input-raw-bpf-filter", expr)
		}
		code, said := testkit.RunGor(t, args...)
		if code != 2 || !strings.Contains(said, test.want) {
			t.Errorf("%q: exit %d, %q, want %q", test.args, code, said, test.want)
		}
	}
}

// An expression chooses among the packets of a capture file, which says how
// many it left out; the address still has to match.
func TestFilterOnFile(t *testing.T) {
	requests := testkit.NumberedRequests(30, "prod")
	first, second := testkit.TCPFrames(t, requests[:20]), testkit.TCPFrames(t, requests[20:])
	for _, frame := range second {
		copy(frame[26:], []byte{10, 0, 0, 77}) // the source
	}
	name := testkit.WriteFile(t, filepath.Join(t.TempDir(), "x.pcap"), testkit.CaptureFile(t, slices.Concat(first, second)))
	for _, test := range []struct {
		expr, port string
		want       [][]byte
		left       int
	}{
		{"src host 10.0.0.1", ":80", requests[:20], len(second)},
		{"not src net 10.0.0.0/26 and tcp", ":80", requests[20:], len(first)},
		{"tcp dst port (81 or 80)", ":80", requests, 0},
		{"src host 10.0.0.1", ":81", nil, len(second)},
		{"udp or ip6", ":80", nil, len(first) + len(second)},
	} {
		out := filepath.Join(t.TempDir(), "out.gor")
		code, said := testkit.RunGor(t, "--input-raw", name+test.port, "--input-raw-bpf-filter", test.expr, "--output-file", out)
		want := 0
		if test.want == nil { // nothing is captured
			want = 1
		}
		if code != want {
			t.Errorf("%s: exit %d, want %d:\n%s", test.expr, code, want, said)
			continue
		}
		got, _ := testkit.ReadRecording(t, out, payload.Request)
		if !slices.EqualFunc(got, test.want, bytes.Equal) {
			t.Errorf("%s: %d requests, want %d", test.expr, len(got), len(test.want))
		}
		row := regexp.MustCompile(`(\d+) packets ignored: not matched by the filter`).FindStringSubmatch(said)
		if n := len(row); test.left == 0 && n > 0 || test.left > 0 && (n == 0 || testkit.Atoi(t, row[1]) != test.left) {
			t.Errorf("%s: left out %q, want %d:\n%s", test.expr, row, test.left, said)
		}
	}
}
