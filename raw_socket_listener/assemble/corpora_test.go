package assemble

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/buger/gor/raw_socket_listener/filter"
)

// corpora are captures and conversations of other projects; they are not part
// of this one.
const corpora = "../../../shared/corpora"

// readDialogue reads a conversation of libhtp: a line of >>> or <<< begins a
// segment of the client or of the server.
func readDialogue(t testing.TB, name string) *dialogue {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	d := &dialogue{port: 1000}
	side, from := -1, 0
	turnTo := func(next int) {
		if side >= 0 && len(d.stream[side]) > from {
			d.turns = append(d.turns, turn{side, from, len(d.stream[side]), len(d.stream[1-side])})
		}
		side = next
		if side >= 0 {
			from = len(d.stream[side])
		}
	}
	// The line end before a marker belongs to the marker.
	end := []byte(nil)
	for len(b) > 0 {
		line := b
		if i := bytes.IndexByte(b, '\n'); i >= 0 {
			line = b[:i+1]
		}
		b = b[len(line):]
		text := bytes.TrimRight(line, "\r\n")
		switch {
		case bytes.Equal(text, []byte(">>>")):
			turnTo(0)
			end = nil
		case bytes.Equal(text, []byte("<<<")):
			turnTo(1)
			end = nil
		case side >= 0:
			d.stream[side] = append(append(d.stream[side], end...), text...)
			end = line[len(text):]
		}
	}
	turnTo(-1)
	return d
}

// The messages of a conversation do not depend on how it was cut into
// segments, nor on their order or number, as long as none is malformed: to
// enter a stream again takes a segment that begins with a head.
func TestLibhtpConversations(t *testing.T) {
	names, err := filepath.Glob(filepath.Join(corpora, "libhtp", "*.t"))
	if err != nil || len(names) == 0 {
		t.Skip("the corpora are not there")
	}
	total, malformed := 0, 0
	for _, name := range names {
		d := readDialogue(t, name)
		run := func(segs []seg) ([]string, *Stats) {
			r := newRig(t, Config{TrackResponse: true})
			for _, s := range append(d.handshake(), segs...) {
				r.send(s)
			}
			var out []string
			for _, m := range r.messages() {
				out = append(out, fmt.Sprint(m.Response, m.Ordinal, " ", string(m.Data)))
			}
			slices.Sort(out) // directions are given as they complete
			return out, &r.a.stats
		}
		rnd := rand.New(rand.NewPCG(1, 1))
		want, stats := run(d.segments(rnd, 1<<20, true))
		total += len(want)
		if stats.Lost[LostMalformed] > 0 {
			malformed++
			continue
		}
		for _, most := range []int{1, 2, 50} {
			segs := d.segments(rnd, most, false)
			permute(rnd, segs[:len(segs)-2], 4)
			segs = slices.Insert(segs, len(segs)/2, segs[len(segs)/3])
			if got, s := run(segs); !slices.Equal(got, want) {
				t.Errorf("%s in segments of up to %d bytes:\ngot  %.300q (%s)\nwant %.300q (%s)", filepath.Base(name), most, got, losses(s.Lost), want, losses(stats.Lost))
			}
		}
	}
	t.Logf("%d conversations, %d with something malformed, %d messages", len(names), malformed, total)
}

// zeekRequest is what http.log says of a request.
type zeekRequest struct{ client, server, method, uri string }

// zeekDifferences are the traces where the requests found are not the rows of
// the log, each with the reason, how many rows are not found, and how many
// requests are not in the log.
var zeekDifferences = map[string]struct {
	absent, extra int
	reason        string
}{
	"http_261_variant-01-chunk_2pow64_overflow.pcap": {2, 0, "a chunk of 2^64 bytes: malformed, and what follows has no beginning that can be trusted"},
	"http_261_variant-02-cl_uint64max.pcap":          {2, 0, "a Content-Length of 2^64-1: malformed"},
	"http_261_variant-03-cl_negative.pcap":           {2, 0, "a negative Content-Length: malformed"},
	"http_261_variant-10-multi_value_te.pcap":        {2, 0, "a request whose last transfer coding is not chunked: malformed (RFC 9112 section 6.3)"},
	"http_connect-with-smtp.pcap":                    {1, 1, "the target is followed by a space; Zeek takes it for a part of the target"},
	"http_http-09-content-length-confusion.pcap":     {1, 0, "HTTP/0.9"},
	"http_http-filename.pcap":                        {1, 1, "Zeek decodes percent signs"},
	"http_http-inner-transfer-encoding-ossfuzz.pcap": {1, 0, "no HTTP version"},
	"http_http_09.pcap":                              {2, 0, "HTTP/0.9"},
	"http_methods.pcap":                              {17, 0, "request lines without target, with half a version, or with both run together"},
	"http_no-uri.pcap":                               {1, 0, "no target"},
	"http_no-version.pcap":                           {1, 0, "no version: HTTP/0.9"},
}

func TestZeekTraces(t *testing.T) {
	table, err := os.ReadFile(filepath.Join(corpora, "zeek", "map.tsv"))
	if err != nil {
		t.Skip("the corpora are not there")
	}
	traces, rows, found, differ := 0, 0, 0, 0
	for _, line := range strings.Split(strings.TrimSpace(string(table)), "\n")[1:] {
		f := strings.Split(line, "\t")
		if len(f) < 3 || f[2] != "1" || !strings.Contains(f[1], "http.log") {
			continue
		}
		want, cut := readZeekLog(t, filepath.Join(corpora, "zeek", "logs", f[1]))
		got, stats := readZeekTrace(t, filepath.Join(corpora, "zeek", "traces", f[0]))
		for i := range got {
			got[i] = cut(got[i])
		}
		traces++
		rows += len(want)
		found += len(got)
		absent, extra := difference(want, got), difference(got, want)
		known := zeekDifferences[f[0]]
		if len(absent) > 0 || len(extra) > 0 {
			differ++
		}
		if len(absent) != known.absent || len(extra) != known.extra {
			t.Errorf("%s: %d rows, %d found; absent %.300q, extra %.300q; lost %s; %d connections, %d joined",
				f[0], len(want), len(got), absent, extra, losses(stats.Lost), stats.Connections, stats.Joined)
		}
	}
	t.Logf("%d traces: %d rows in the logs, %d requests found; %d traces differ for known reasons", traces, rows, found, differ)
}

func difference(a, b []zeekRequest) []zeekRequest {
	count := map[zeekRequest]int{}
	for _, r := range b {
		count[r]++
	}
	var out []zeekRequest
	for _, r := range a {
		if count[r]--; count[r] < 0 {
			out = append(out, r)
		}
	}
	return out
}

// readZeekLog reads the rows that name a method; those without one are
// something else that Zeek saw on the connection. Logs that were cut have
// their columns' names in the first line; columns that one lacks are empty.
func readZeekLog(t *testing.T, name string) (rows []zeekRequest, cut func(zeekRequest) zeekRequest) {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var at map[string]int
	for _, line := range strings.Split(string(b), "\n") {
		line = strings.TrimPrefix(line, "#fields\t")
		if line == "" || line[0] == '#' {
			continue
		}
		f := strings.Split(line, "\t")
		if at == nil {
			at = map[string]int{}
			for i, name := range f {
				at[name] = i
			}
			continue
		}
		get := func(name string) string {
			if i, ok := at[name]; ok && i < len(f) && f[i] != "-" {
				return unescape(f[i])
			}
			return ""
		}
		if _, ok := at["method"]; ok && get("method") == "" || len(f) < len(at) {
			continue
		}
		rows = append(rows, zeekRequest{get("id.orig_h") + " " + get("id.orig_p"), get("id.resp_h") + " " + get("id.resp_p"), get("method"), get("uri")})
	}
	return rows, func(r zeekRequest) zeekRequest {
		if _, ok := at["id.orig_h"]; !ok {
			r.client, r.server = " ", " "
		}
		if _, ok := at["method"]; !ok {
			r.method = ""
		}
		if _, ok := at["uri"]; !ok {
			r.uri = ""
		}
		return r
	}
}

// unescape reads \xHH.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) && s[i+1] == 'x' {
			if n, err := strconv.ParseUint(s[i+2:i+4], 16, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func readZeekTrace(t *testing.T, name string) (found []zeekRequest, s Stats) {
	t.Helper()
	addr, err := filter.ParseFileAddress(name)
	if err != nil {
		t.Fatal(err)
	}
	l, err := listen(Config{Address: addr, TrackResponse: true, MaxMessage: 64 << 20, MaxBuffered: 64 << 20})
	if err != nil {
		t.Fatal(err)
	}
	for {
		m, err := l.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			break
		}
		if m.Response {
			continue
		}
		line, _, _ := bytes.Cut(bytes.TrimLeft(m.Data, "\r\n"), []byte("\n"))
		f := bytes.Fields(line)
		if len(f) < 2 {
			t.Errorf("%s: a request begins %q", name, line)
			continue
		}
		found = append(found, zeekRequest{
			m.Src.Addr().String() + " " + fmt.Sprint(m.Src.Port()), m.Dst.Addr().String() + " " + fmt.Sprint(m.Dst.Port()), string(f[0]), string(f[1]),
		})
	}
	return found, l.Stats()
}
