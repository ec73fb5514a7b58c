package loadgen

import (
	"bytes"
	"strings"
	"testing"

	"github.com/buger/gor/internal/http1"
)

// numbers are some of each connection's beginning, and the last that there are.
func numbers() (list []Number) {
	for conn := range uint32(4) {
		for seq := range uint32(100) {
			list = append(list, Number{conn, seq})
		}
	}
	return append(list, Number{1<<32 - 1, 1<<32 - 1})
}

// TestRequests: every request is one HTTP message, is the same whenever it is
// made, tells its number, and is no other's.
func TestRequests(t *testing.T) {
	for _, c := range Cases() {
		a, b, other := NewTraffic(c, 7), NewTraffic(c, 7), NewTraffic(c, 8)
		seen := map[string]Number{}
		smallest := 1 << 30
		for _, n := range numbers() {
			if (c == Post64k || c == Chunked1m) && n.Seq > 4 && n.Seq < 100 {
				continue // they are long
			}
			raw := a.Append(nil, n)
			if again := b.Append([]byte("before"), n); string(again) != "before"+string(raw) {
				t.Fatalf("%v %v: made again, it differs", c, n)
			}
			if was, ok := seen[string(raw)]; ok {
				t.Fatalf("%v: %v is the same as %v", c, n, was)
			}
			seen[string(raw)] = n
			smallest = min(smallest, len(raw))
			var p http1.Parser
			p.ResetRequest()
			if used, done, err := p.Feed(raw); used != len(raw) || !done || err != nil {
				t.Fatalf("%v %v: %d of %d bytes are a message, done %v, %v", c, n, used, len(raw), done, err)
			}
			if got, ok := a.number(raw); got != n || !ok {
				t.Errorf("%v %v: its number is %v, %v", c, n, got, ok)
			}
			if got, ok := other.number(raw); ok {
				t.Errorf("%v %v: another run takes it for its %v", c, n, got)
			}
			if size, ok := a.Size(); ok && size != len(raw) {
				t.Errorf("%v %v: %d bytes, want %d", c, n, len(raw), size)
			}
		}
		if got := a.Smallest(); got > smallest || c != Chunked1m && got != smallest {
			t.Errorf("%v: the smallest has %d bytes, and one has %d", c, got, smallest)
		}
	}
}

// TestOneFrame: what Size promises fits in a frame of 1,500 bytes over IPv6.
func TestOneFrame(t *testing.T) {
	const room = 1500 - 40 - 32 // TCP with timestamps
	for _, c := range Cases() {
		tr := NewTraffic(c, 1)
		if size, ok := tr.Size(); ok && size*tr.Together(Number{}) > room {
			t.Errorf("%v: %d bytes go out at once, more than %d", c, size*tr.Together(Number{}), room)
		}
	}
}

// TestBodies: they have the sizes that their cases are named for, and the
// longest have every trap.
func TestBodies(t *testing.T) {
	for _, test := range []struct {
		c    Case
		want int
	}{{Get, 0}, {Post1k, 1024}, {Post64k, 65536}, {Chunked1m, 1 << 20}} {
		raw := NewTraffic(test.c, 3).Append(nil, Number{2, 5})
		_, body, _ := bytes.Cut(raw, []byte("\r\n\r\n"))
		if test.c == Chunked1m {
			var ok bool
			if body, ok = http1.AppendUnchunked(nil, body); !ok {
				t.Fatal("the body is not chunked")
			}
		}
		if len(body) != test.want {
			t.Errorf("%v: a body of %d bytes, want %d", test.c, len(body), test.want)
		}
		if test.want < 65536 {
			continue
		}
		for _, trap := range traps() {
			if !bytes.Contains(body, []byte(trap)) {
				t.Errorf("%v: no %q in the body", test.c, trap)
			}
		}
	}
}

// TestMixed: mixed traffic has all kinds, in the shares that kind promises, and
// what it pipelines are GETs.
func TestMixed(t *testing.T) {
	tr := NewTraffic(Mixed, 5)
	share := map[Case]int{}
	together := 0
	const n = 100_000
	for seq := uint32(0); seq < n; seq++ {
		share[tr.kind(Number{1, seq})]++
		if k := tr.Together(Number{1, seq}); k > 1 {
			together++
			for i := range uint32(k) {
				if got := tr.kind(Number{1, seq + i}); got != Get {
					t.Fatalf("a pipelined %v", got)
				}
			}
		}
	}
	for _, test := range []struct {
		c        Case
		from, to int
	}{{Get, 600, 650}, {Post1k, 280, 320}, {Post64k, 60, 75}, {Chunked1m, 5, 10}} {
		if got := share[test.c] * 1000 / n; got < test.from || got > test.to {
			t.Errorf("%d of 1,000 are %v, want %d to %d", got, test.c, test.from, test.to)
		}
	}
	if together < n/5 || together > n/4 {
		t.Errorf("%d of %d begin something that is pipelined", together, n)
	}
}

func TestTogether(t *testing.T) {
	tr := NewTraffic(Pipe8, 1)
	for _, test := range []struct{ seq, want int }{{0, 8}, {8, 8}, {3, 5}, {7, 1}} {
		if got := tr.Together(Number{9, uint32(test.seq)}); got != test.want {
			t.Errorf("%d requests go out together from %d on, want %d", got, test.seq, test.want)
		}
	}
	if got := NewTraffic(Get, 1).Together(Number{}); got != 1 {
		t.Errorf("%d GETs go out together", got)
	}
}

func TestParseCase(t *testing.T) {
	for _, c := range Cases() {
		if got, err := ParseCase(c.String()); got != c || err != nil {
			t.Errorf("%v: %v, %v", c, got, err)
		}
	}
	if _, err := ParseCase("gets"); err == nil || !strings.Contains(err.Error(), `"gets"`) {
		t.Errorf("%v", err)
	}
}

// TestNumberOfStrangers: what is not a request of the run has no number.
func TestNumberOfStrangers(t *testing.T) {
	tr := NewTraffic(Get, 1)
	raw := string(tr.Append(nil, Number{1, 2}))
	for _, strange := range []string{
		"", "GET", "GET / HTTP/1.1\r\n\r\n", "GET /get", "GET /get/", raw[:40],
		strings.Replace(raw, "/0", "/x", 1),
		strings.Replace(raw, "00000001/00000002", "00000001-00000002", 1),
		"a method of many words " + raw,
	} {
		if n, ok := tr.number([]byte(strange)); ok {
			t.Errorf("%q has the number %v", strange, n)
		}
	}
}
