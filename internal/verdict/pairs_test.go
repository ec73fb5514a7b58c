package verdict

import (
	_ "embed"
	"strings"
	"testing"
)

//go:embed testdata/pairs.txt
var pairs string

// rawAnswer makes an answer of "200 Name: value;Name: value|body". A comma and a blank
// in Set-Cookie stand for a semicolon.
func rawAnswer(t *testing.T, line string) *Answer {
	head, body, ok := strings.Cut(line, "|")
	status, headers, ok2 := strings.Cut(head, " ")
	if !ok || !ok2 {
		t.Fatalf("%q is no answer", line)
	}
	b := "HTTP/1.1 " + status + " X\r\n"
	media := strings.NewReplacer(";charset", "\x00charset", "; charset", "\x01charset").Replace(headers)
	for h := range strings.SplitSeq(media, ";") {
		if strings.HasPrefix(h, "Set-Cookie") {
			h = strings.ReplaceAll(h, ", ", "; ")
		}
		if h != "" {
			b += strings.NewReplacer("\x00", ";", "\x01", "; ").Replace(h) + "\r\n"
		}
	}
	return &Answer{Bytes: []byte(b + "\r\n" + strings.ReplaceAll(body, `\r\n`, "\r\n"))}
}

// What people find in a pair, Gor finds, and nothing else.
func TestPairsWrittenByHand(t *testing.T) {
	c := NewComparer(nil, 1<<20)
	n := 0
	for block := range strings.SplitSeq(pairs, "\n== ") {
		if strings.HasPrefix(block, "#") {
			continue
		}
		lines := strings.Split(strings.TrimSpace(block), "\n")
		if len(lines) != 4 || !strings.HasPrefix(lines[3], "->") {
			t.Fatalf("%q is no pair", block)
		}
		n++
		old, new := rawAnswer(t, lines[1]), rawAnswer(t, lines[2])
		var got []string
		for _, f := range c.Compare("GET /", old, new) {
			got = append(got, f.Severity.String()+" "+f.Path)
		}
		if want := strings.TrimSpace(lines[3][2:]); strings.Join(got, "; ") != want {
			t.Errorf("%s: got %q, want %q", lines[0], got, want)
		}
		if again := c.Compare("GET /", old, rawAnswer(t, lines[1])); len(again) > 0 {
			t.Errorf("%s: differs from itself: %v", lines[0], again)
		}
	}
	if want := 105; n != want {
		t.Errorf("%d pairs were read, want %d", n, want)
	}
}

// Whether there is an answer counts before what it says.
func TestUnanswered(t *testing.T) {
	ok, dead, slow := &Answer{Bytes: []byte("HTTP/1.1 200 OK\r\n\r\n")}, &Answer{Error: "reset"}, &Answer{Error: "timeout"}
	garbage := &Answer{Bytes: []byte("SSH-2.0\r\n")}
	c := NewComparer(nil, 1<<20)
	for _, p := range []struct {
		old, new *Answer
		want     string
	}{{ok, dead, "unanswered answer"}, {ok, garbage, "unanswered answer"}, {dead, ok, "added answer"}, {dead, slow, "same kind answer"}, {dead, dead, ""}} {
		got := ""
		for _, f := range c.Compare("GET /", p.old, p.new) {
			got += f.Severity.String() + " " + f.Path
		}
		if got != p.want {
			t.Errorf("%+v %+v: got %q, want %q", p.old, p.new, got, p.want)
		}
	}
}

// An id that the request asked for is not new in every answer: another one is a fault.
func TestWhatWasAskedFor(t *testing.T) {
	const id, other = "123e4567-e89b-12d3-a456-426614174000", "223e4567-e89b-12d3-a456-426614174000"
	answer := func(id string) *Answer {
		return &Answer{Bytes: []byte("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{\"id\":\"" + id + "\"}"), Took: -1}
	}
	for request, want := range map[string]Standing{
		"GET /orders/" + id + " HTTP/1.1\r\nHost: a\r\n\r\n":               Regression,
		"GET /orders?id=" + id + " HTTP/1.1\r\nHost: a\r\n\r\n":            Regression,
		"POST /orders HTTP/1.1\r\nHost: a\r\n\r\n{\"id\":\"" + id + "\"}":  Regression,
		"POST /orders HTTP/1.1\r\nHost: a\r\n\r\n":                         Noise,
		"GET /orders/" + other + " HTTP/1.1\r\nHost: a\r\n\r\n":            Noise,
		"GET /orders/1 HTTP/1.1\r\nHost: a\r\nX-Trace: " + id + "\r\n\r\n": Noise,
	} {
		e := New(Config{BodyMost: 1 << 10})
		e.Add(&Pair{ID: "1", Request: []byte(request), Old: answer(id), New: answer(other)})
		if res := e.Result(); res.Class != want {
			t.Errorf("%q: %s, want %s", request, res.Class, want)
		}
	}
}
