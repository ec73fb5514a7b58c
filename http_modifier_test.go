package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/buger/gor/internal/http1"
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/plugin"
	"github.com/buger/gor/internal/plugin/plugintest"
	"github.com/buger/gor/internal/stats"
	"github.com/buger/gor/internal/testkit"
)

// message makes a request message from its lines; the head's end is added.
func message(lines ...string) []byte {
	return append([]byte("1 0000000000000001000000aa 1400000000000000000 -1\n"), strings.Join(lines, "\r\n")+"\r\n\r\n"...)
}

// modified is an input of these messages, with the wrappers that args ask for.
func modified(t *testing.T, msgs [][]byte, logf func(format string, args ...any), args ...string) plugin.Input {
	t.Helper()
	s, err := parseArgs(append(args, "--input-dummy", "--output-null")...)
	testkit.Must(t, err)
	return prettifyInput(modifyInput(&plugintest.ListInput{Messages: msgs}, s, true, logf), s)
}

// readAll reads messages until the input ends.
func readAll(t *testing.T, in plugin.Input) (msgs []string) {
	t.Helper()
	buf := make([]byte, 64<<10)
	for {
		n, err := in.Read(buf)
		if errors.Is(err, io.EOF) {
			return msgs
		}
		testkit.Must(t, err)
		msgs = append(msgs, string(buf[:n]))
	}
}

func TestSettingHostKeepsIt(t *testing.T) {
	s, err := parseArgs("--http-set-header", "host: a.example", "--input-dummy", "--output-null")
	if err != nil {
		t.Fatal(err)
	}
	if !s.modifier.OriginalHost {
		t.Error("setting Host does not imply --http-original-host")
	}
}

func TestResponsesFollowTheirRequest(t *testing.T) {
	var msgs [][]byte
	var want []string
	for i, method := range []string{"GET", "POST", "GET", "PUT"} {
		id := payload.AppendID(nil, 7, uint32(i))
		for kind, text := range []string{method + " / HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 201 Created\r\n\r\n"} {
			meta := payload.Meta{Type: payload.Request + byte(kind), ID: id, Time: 1, Duration: -1, Length: -1}
			msg := append(payload.AppendMeta(nil, meta), text...)
			msgs = append(msgs, msg)
			if method == "GET" {
				want = append(want, string(msg))
			}
		}
	}
	got := readAll(t, modified(t, msgs, t.Logf, "--output-http-method", "GET"))
	if strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestEditThatWouldBreakTheRequestIsNotMade: it is reported once.
func TestEditThatWouldBreakTheRequestIsNotMade(t *testing.T) {
	var said []string
	msg := message("GET /a HTTP/1.1", "Host: h")
	in := modified(t, [][]byte{msg, msg, msg}, func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) },
		"--http-rewrite-url", "/a:/b c")
	for i, got := range readAll(t, in) {
		if got != string(msg) {
			t.Errorf("message %d became %q", i, got)
		}
	}
	if len(said) != 1 || !strings.Contains(said[0], "not made") {
		t.Errorf("said %q", said)
	}
}

// A wrapper that makes a message longer than the reader's buffer keeps it for
// the next Read, counts it once, and takes no further message.
func TestLongerMessageWaitsForALargerBuffer(t *testing.T) {
	for name, test := range map[string]struct {
		msg  []byte
		want string
		args []string
	}{
		"rewrite": {message("GET / HTTP/1.1"), "GET / HTTP/1.1\r\nA: " + strings.Repeat("b", 300) + "\r\n\r\n", []string{"--http-set-header", "A: " + strings.Repeat("b", 300)}},
		"decode": {exchanges(t, payload.Request)[0],
			"GET /0?a=1 HTTP/1.1\r\nHost: h\r\nX-Env: a\r\nContent-Length: 300\r\n\r\n" + strings.Repeat("plain ", 50), []string{"--prettify-http", "--http-allow-method", "GET"}},
	} {
		t.Run(name, func(t *testing.T) {
			last := message("GET /last HTTP/1.1", "A: b")
			in := modified(t, [][]byte{test.msg, last}, t.Logf, test.args...)
			for range 3 {
				if n, err := in.Read(make([]byte, len(test.msg))); n != 0 || !errors.Is(err, io.ErrShortBuffer) {
					t.Fatalf("%d, %v; want io.ErrShortBuffer", n, err)
				}
			}
			got := readAll(t, in)
			if len(got) != 2 || string(payload.Body([]byte(got[0]))) != test.want {
				t.Errorf("got %q, want %q and one more", got, test.want)
			}
		})
	}
}

func TestModifiedInputAllocatesNothing(t *testing.T) {
	msg := message("GET /v1/a?user=7 HTTP/1.1", "Host: www.example.com", "User-Id: 42", "User-Agent: x")
	s, err := parseArgs("--output-http-method", "GET", "--http-allow-header", "user-id:^4", "--http-set-header", "User-Agent: Gor", "--prettify-http", "--input-dummy", "--output-null")
	testkit.Must(t, err)
	in := prettifyInput(modifyInput(&repeatInput{msg: msg, left: 1000}, s, true, t.Logf), s)
	buf := make([]byte, 4<<10)
	n := testing.AllocsPerRun(100, func() {
		if _, err := in.Read(buf); err != nil {
			t.Fatal(err)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations a message", n)
	}
}

// A request that rules cannot be applied to, because it has too many header
// fields, does not pass them: a rewrite may be there to take a secret out.
func TestManyFieldsDoNotPassRules(t *testing.T) {
	crowded := message("GET / HTTP/1.1", strings.Repeat("a:\n", http1.MaxFields+1)+"a:")
	for _, args := range [][]string{
		nil, {"--http-set-header", "A: b"}, {"--http-disallow-url", "/x"}, {"--http-allow-url", "/"},
	} {
		out := &nullOutput{}
		in := &plugintest.ListInput{Messages: [][]byte{crowded, message("GET / HTTP/1.1")}}
		e := emit(t, args, in, out)
		got := takeLedger(e).Inputs[0]
		want := uint64(1)
		if args == nil {
			want = 0
		}
		if n := stats.Sum(got.Before); n != want || got.Read != 2-want || got.Passed != 2-want || out.delivered.Load() != 2-want {
			t.Errorf("%q: %d lost before, %d read, %d passed, %d delivered", args, n, got.Read, got.Passed, out.delivered.Load())
		}
	}
}
