package jsonlines

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/buger/gor/internal/formats/message"
	"github.com/buger/gor/internal/http1"
	"github.com/buger/gor/internal/payload"
)

func request(at int64, origin, body string) []byte {
	m := payload.Meta{Type: payload.Request, ID: []byte("5a01"), Time: at, Duration: -1, Length: int64(len(body))}
	if origin != "" {
		m.Attributes = payload.AppendAttribute(nil, payload.AttrOrigin, origin)
	}
	return append(payload.AppendMeta(nil, m), body...)
}

// A line gives the request that it was made of, as far as it holds that.
func TestRoundTrip(t *testing.T) {
	for _, tt := range []struct{ body, want string }{
		{"GET / HTTP/1.1\r\nHost: a\r\n\r\n", ""},
		{"GET /a?b=%20c&d HTTP/1.1\r\nHost: a:8080\r\nX: \r\nx: 1\r\nX: 2\r\n\r\n", ""},
		{"GET /no/host HTTP/1.0\r\n\r\n", ""},
		{"GET http://b/abs HTTP/1.1\r\nHost: a\r\n\r\n", ""},
		{"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", ""},
		{"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", ""},
		{"GET //a/b HTTP/1.1\r\nHost: a\r\n\r\n", ""},
		{"GET /?u=http://x/y#frag HTTP/1.1\r\nHost: a\r\n\r\n", ""},
		{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n\x00\xff\r\n", ""},
		{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 7\r\n\r\n<żół>", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\n<żół>"},
		{"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nHost: a\r\n\r\n2\r\nab\r\n1;x\r\nc\r\n0\r\n\r\n", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nHost: a\r\n\r\n3\r\nabc\r\n0\r\n\r\n"},
		{"GET / HTTP/1.1\r\nhost:a\r\nX:  b \r\n\r\n", "GET / HTTP/1.1\r\nhost: a\r\nX: b\r\n\r\n"},
	} {
		for _, origin := range []string{"", "har"} {
			const at = 1_760_104_536_000_000_123
			var out bytes.Buffer
			w := NewWriter(&out)
			if err := w.Write(request(at, origin, tt.body)); err != nil {
				t.Fatal(err)
			}
			if tt.want == "" {
				tt.want = tt.body
			}
			msg, err := New(bytes.NewReader(out.Bytes()), 0).Next()
			if err != nil {
				t.Errorf("%q: %v", out.String(), err)
				continue
			}
			m, body, err := payload.Split(msg)
			from, _ := m.Attribute(payload.AttrOrigin)
			if origin == "" {
				origin = "jsonl"
			}
			if string(body) != tt.want || m.Time != at || string(m.ID) != "5a01" || string(from) != origin || err != nil {
				t.Errorf("%s: got %q %q, %v", out.String(), m.ID, body, err)
			}
		}
	}
}

func TestWhatProgramsWrite(t *testing.T) {
	for _, tt := range []struct{ line, want string }{
		{`{"url":"http://a/b?c#d"}`, "GET /b?c HTTP/1.1\r\nHost: a\r\n\r\n"},
		{`{"url":"https://a:443","headers":{"X":"y","Z":["1","2"]}}`, "GET / HTTP/1.1\r\nX: y\r\nZ: 1\r\nZ: 2\r\nHost: a\r\n\r\n"},
		{`{"url":"/x y","method":"PUT","body":"hi","headers":[{"name":"Host","value":"h"}],"extra":{"a":[1]}}`, "PUT /x%20y HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi"},
		{`{"url":"http://a/","body":"hi","time":1760104536.25,"id":"not an id","headers":[["Content-Length","9"]]}`, "POST / HTTP/1.1\r\nContent-Length: 2\r\nHost: a\r\n\r\nhi"},
		{`{"url":"a/b","method":"POST","headers":null,"time":null}`, "POST /b HTTP/1.1\r\nContent-Length: 0\r\n\r\n"},
	} {
		msg, err := New(strings.NewReader("\xef\xbb\xbf\r\n"+tt.line+"\r\n"), 0).Next()
		if err != nil || string(payload.Body(msg)) != tt.want {
			t.Errorf("%s: got %q, %v", tt.line, msg, err)
		}
	}
}

func TestWhatIsWrongHasAPosition(t *testing.T) {
	const good = `{"url":"http://a/"}` + "\n"
	for line, want := range map[string]string{
		`[]`: "want an object", `{"method":"GET"}`: "want an object", `{"url":"http://a/","time":"noon"}`: "time: want", `{"url":"http://a/","headers":3}`: "headers: want",
		`{"url":"http://a/","headers":{"a":{}}}`: "header", `{"url":"http://a/","headers":[["a","b\nc"]]}`: "a header has", `{"url":"http://a/","method":"A B"}`: "method", `{"url":"://"}`: "URL", `{x`: "invalid",
	} {
		r := New(strings.NewReader(good+line+"\n"+good), 0)
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
		_, err := r.Next()
		var at *message.PositionError
		if !errors.As(err, &at) || at.Line != 2 || at.Offset != int64(len(good)) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", line, err)
		}
	}
	r := New(strings.NewReader(good+`{"url":"http`), 0)
	r.Next()
	if _, err := r.Next(); err != io.EOF || r.Damage().Torn != 1 {
		t.Errorf("a cut line: %v, %+v", err, r.Damage())
	}
	r = New(strings.NewReader(`{"url":"http://a/","body":"`+strings.Repeat("x", 100)+`"}`+"\n"+strings.Repeat("y", 1000)+"\n"+good), 100)
	if msg, err := r.Next(); err != nil || !bytes.Contains(msg, []byte("GET /")) {
		t.Errorf("got %q, %v", msg, err)
	}
	if _, err := r.Next(); err != io.EOF || r.Damage().TooLarge != 2 {
		t.Errorf("got %v, %+v", err, r.Damage())
	}
}

// What is read is a request, and its line gives the same again.
func FuzzReader(f *testing.F) {
	f.Add(`{"time":"2025-10-10T13:55:36.000000001Z","id":"5a","method":"POST","url":"https://a/b","target":"*","version":"HTTP/1.0","headers":[["A","b"],["Transfer-Encoding","chunked"]],"body_base64":"AP8=","origin":"har"}`)
	f.Add(`{"url":"/","headers":{"A":["b"],"Content-Length":"3"},"body":"a\u0000b","time":3.5}`)
	f.Add("{\"url\":\"a\",\"headers\":[{\"name\":\"A\"}]}\r\n\n{")
	f.Fuzz(func(t *testing.T, text string) {
		r := New(strings.NewReader(text), 1<<16)
		for {
			msg, err := r.Next()
			if err == io.EOF {
				return
			}
			if err != nil {
				if !errors.As(err, new(*message.PositionError)) {
					t.Fatal(err)
				}
				return
			}
			m, body, err := payload.Split(msg)
			if err != nil || int(m.Length) != len(body) || m.Time <= 0 {
				t.Fatalf("%q: %v", msg, err)
			}
			first := string(body)
			var req http1.Request
			if req.Parse(body) != nil {
				t.Fatalf("%q is no request", body)
			}
			var out bytes.Buffer
			if NewWriter(&out).Write(msg); out.Len() == 0 {
				t.Fatalf("%q has no line", first)
			}
			if !json.Valid(out.Bytes()) {
				t.Fatalf("%q", out.String())
			}
			again, err := New(&out, 1<<20).Next()
			if err != nil || string(payload.Body(again)) != first {
				t.Fatal(fmt.Errorf("%q\nthen %q, %w", first, again, err))
			}
		}
	})
}
