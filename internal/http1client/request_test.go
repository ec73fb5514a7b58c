package http1client

import (
	"bytes"
	"strings"
	"testing"

	"github.com/buger/gor/internal/http1"
	"github.com/buger/gor/internal/outbound"
)

func preparer(t testing.TB, addr string, keepHost bool) *sentRequest {
	t.Helper()
	target, err := ParseTarget(addr)
	if err != nil {
		t.Fatal(err)
	}
	return &sentRequest{target: target, keepHost: keepHost}
}

// TestPrepareChangesOnlyWhatItMust: bytes that are not named here stay as
// they were, with their case, spacing and order.
func TestPrepareChangesOnlyWhatItMust(t *testing.T) {
	const plain, prefixed, auth = "staging.com", "staging.com/api/", "user:pass@staging.com"
	for _, test := range []struct {
		name, addr string
		keepHost   bool
		raw, want  string
	}{
		{"Host", plain, false,
			"GET / HTTP/1.1\r\naccept:x\r\nhOST:   prod \r\nX : y\r\n\r\n",
			"GET / HTTP/1.1\r\naccept:x\r\nhOST:   staging.com \r\nX : y\r\n\r\n"},
		{"no Host", plain, false, "GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nHost: staging.com\r\n\r\n"},
		{"no Host in 1.0", plain, false,
			"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n",
			"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"},
		{"Host in 1.0", plain, false,
			"GET / HTTP/1.0\r\nHost: prod\r\n\r\n",
			"GET / HTTP/1.0\r\nHost: staging.com\r\nConnection: keep-alive\r\n\r\n"},
		{"original Host", plain, true, "GET / HTTP/1.1\r\nHost: prod\r\n\r\n", "GET / HTTP/1.1\r\nHost: prod\r\n\r\n"},
		{"bare LF", plain, false, "GET / HTTP/1.1\nHost: prod\nA: b\n\n", "GET / HTTP/1.1\nHost: staging.com\nA: b\n\n"},

		{"prefix", prefixed, true, "GET /x?y=/z HTTP/1.1\r\nHost: prod\r\n\r\n", "GET /api/x?y=/z HTTP/1.1\r\nHost: prod\r\n\r\n"},
		{"prefix and root", prefixed, true, "GET / HTTP/1.1\r\nHost: prod\r\n\r\n", "GET /api/ HTTP/1.1\r\nHost: prod\r\n\r\n"},
		{"prefix and a URL in the path", prefixed, true, "GET /http://a/b HTTP/1.1\r\nHost: prod\r\n\r\n", "GET /api/http://a/b HTTP/1.1\r\nHost: prod\r\n\r\n"},
		{"prefix and spaces", prefixed, true, "GET /a b HTTP/1.1\r\nHost: prod\r\n\r\n", "GET /api/a b HTTP/1.1\r\nHost: prod\r\n\r\n"},
		{"prefix and asterisk", prefixed, true, "OPTIONS * HTTP/1.1\r\nHost: prod\r\n\r\n", "OPTIONS * HTTP/1.1\r\nHost: prod\r\n\r\n"},
		{"prefix, absolute, original Host", prefixed, true, "GET http://prod/x HTTP/1.1\r\nHost: prod\r\n\r\n", "GET http://prod/api/x HTTP/1.1\r\nHost: prod\r\n\r\n"},
		{"prefix, absolute", prefixed, false, "GET http://prod/x HTTP/1.1\r\nHost: prod\r\n\r\n", "GET /api/x HTTP/1.1\r\nHost: staging.com\r\n\r\n"},
		{"absolute", plain, false, "GET HTTP://prod:80/x?y HTTP/1.1\r\nHost: prod\r\n\r\n", "GET /x?y HTTP/1.1\r\nHost: staging.com\r\n\r\n"},
		{"absolute, original Host", plain, true, "GET http://prod/x HTTP/1.1\r\nHost: prod\r\n\r\n", "GET http://prod/x HTTP/1.1\r\nHost: prod\r\n\r\n"},
		{"absolute without path", plain, false, "GET http://prod HTTP/1.1\r\nHost: prod\r\n\r\n", "GET / HTTP/1.1\r\nHost: staging.com\r\n\r\n"},
		{"absolute, query alone", plain, false, "GET http://prod?x=1 HTTP/1.1\r\nHost: prod\r\n\r\n", "GET /?x=1 HTTP/1.1\r\nHost: staging.com\r\n\r\n"},
		{"absolute OPTIONS", plain, false, "OPTIONS http://prod HTTP/1.1\r\nHost: prod\r\n\r\n", "OPTIONS * HTTP/1.1\r\nHost: staging.com\r\n\r\n"},

		{"new Authorization", auth, true, "GET / HTTP/1.1\r\nHost: p\r\n\r\n", "GET / HTTP/1.1\r\nHost: p\r\nAuthorization: Basic dXNlcjpwYXNz\r\n\r\n"},
		{"overwritten Authorization", auth, true,
			"GET / HTTP/1.1\r\nauthorization: Bearer x\r\nHost: p\r\n\r\n",
			"GET / HTTP/1.1\r\nauthorization: Basic dXNlcjpwYXNz\r\nHost: p\r\n\r\n"},

		{"Connection: close", plain, true, "GET / HTTP/1.1\r\nHost: p\r\nconnection:Close\r\n\r\n", "GET / HTTP/1.1\r\nHost: p\r\nconnection:keep-alive\r\n\r\n"},
		{"Connection: keep-alive", plain, true, "GET / HTTP/1.1\r\nHost: p\r\nConnection: Keep-Alive\r\n\r\n", "GET / HTTP/1.1\r\nHost: p\r\nConnection: Keep-Alive\r\n\r\n"},
		{"Connection: TE", plain, true, "GET / HTTP/1.1\r\nHost: p\r\nConnection: TE\r\n\r\n", "GET / HTTP/1.1\r\nHost: p\r\nConnection: TE\r\n\r\n"},
		{"Connection: TE, close", plain, true, "GET / HTTP/1.1\r\nHost: p\r\nConnection: close,TE\r\n\r\n", "GET / HTTP/1.1\r\nHost: p\r\nConnection: TE, keep-alive\r\n\r\n"},
		{"Connection: Upgrade", plain, true,
			"GET / HTTP/1.1\r\nHost: p\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
			"GET / HTTP/1.1\r\nHost: p\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"},
		{"two Connection lines", plain, true,
			"GET / HTTP/1.1\r\nConnection: TE\r\nHost: p\r\nconnection: close\r\n\r\n",
			"GET / HTTP/1.1\r\nConnection: TE, keep-alive\r\nHost: p\r\n\r\n"},
		{"three Connection lines", plain, true,
			"GET / HTTP/1.1\r\nHost: p\r\nConnection: keep-alive\r\nConnection: close\r\nConnection: close, TE\r\n\r\n",
			"GET / HTTP/1.1\r\nHost: p\r\nConnection: keep-alive\r\nConnection: TE\r\n\r\n"},
		{"upgrade in the second Connection line", plain, true,
			"GET / HTTP/1.1\r\nHost: p\r\nConnection: close\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
			"GET / HTTP/1.1\r\nHost: p\r\nConnection: close\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"},
		{"HTTP/1.0, keep-alive in the second line", plain, true,
			"GET / HTTP/1.0\r\nConnection: TE\r\nConnection: keep-alive\r\n\r\n",
			"GET / HTTP/1.0\r\nConnection: TE\r\nConnection: keep-alive\r\n\r\n"},
		{"HTTP/2 upgrade", plain, true, // as curl --http2 sends it
			"GET / HTTP/1.1\r\nHost: p\r\nUser-Agent: curl/8.5.0\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n\r\n",
			"GET / HTTP/1.1\r\nHost: p\r\nUser-Agent: curl/8.5.0\r\n\r\n"},
		{"HTTP/2 upgrade over several lines", plain, true,
			"GET / HTTP/1.1\r\nHost: p\r\nconnection: upgrade\r\nupgrade: H2C\r\nConnection: close, http2-settings\r\nConnection: TE\r\nhttp2-settings: x\r\n\r\n",
			"GET / HTTP/1.1\r\nHost: p\r\nConnection: keep-alive\r\nConnection: TE\r\n\r\n"},
		{"HTTP/2 or websocket", plain, true,
			"GET / HTTP/1.1\r\nHost: p\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: websocket, h2c\r\nHTTP2-Settings: x\r\n\r\n",
			"GET / HTTP/1.1\r\nHost: p\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"},
		{"HTTP/2 settings alone", plain, true,
			"GET / HTTP/1.1\r\nHost: p\r\nHTTP2-Settings: x\r\nConnection: keep-alive\r\n\r\n",
			"GET / HTTP/1.1\r\nHost: p\r\nConnection: keep-alive\r\n\r\n"},
		{"HTTP/2 upgrade with a body", plain, true,
			"POST / HTTP/1.1\r\nHost: p\r\nUpgrade: h2c\r\nConnection: HTTP2-Settings, Upgrade\r\nHTTP2-Settings: x\r\nContent-Length: 12\r\n\r\nUpgrade: h2c",
			"POST / HTTP/1.1\r\nHost: p\r\nContent-Length: 12\r\n\r\nUpgrade: h2c"},
		{"HTTP/1.0", plain, true, "GET / HTTP/1.0\r\nHost: p\r\n\r\n", "GET / HTTP/1.0\r\nHost: p\r\nConnection: keep-alive\r\n\r\n"},
		{"HTTP/1.0 and TE", plain, true, "GET / HTTP/1.0\r\nConnection: TE\r\n\r\n", "GET / HTTP/1.0\r\nConnection: TE, keep-alive\r\n\r\n"},
		{"HTTP/1.0 and close", plain, true, "GET / HTTP/1.0\r\nConnection: close\r\n\r\n", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"},
		{"headers in the body", auth, false,
			"POST / HTTP/1.1\r\nHost: p\r\nContent-Length: 30\r\n\r\nHost: p\r\nConnection: close\r\n\r\n",
			"POST / HTTP/1.1\r\nHost: staging.com\r\nContent-Length: 30\r\nAuthorization: Basic dXNlcjpwYXNz\r\n\r\nHost: p\r\nConnection: close\r\n\r\n"},
		{"chunks and trailers", plain, false,
			"POST / HTTP/1.1\r\nHost: p\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nHost: p\r\n\r\n",
			"POST / HTTP/1.1\r\nHost: staging.com\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nHost: p\r\n\r\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := preparer(t, test.addr, test.keepHost)
			if refused, ok := r.prepare([]byte(test.raw)); !ok {
				t.Fatalf("refused: %s", refused)
			}
			if got := string(r.AppendTo(nil)); got != test.want {
				t.Errorf("got\n%q\nwant\n%q", got, test.want)
			}
		})
	}
}

func TestPrepareRefuses(t *testing.T) {
	for _, test := range []struct {
		raw     string
		refused outbound.Outcome
	}{
		{"", outbound.Malformed},
		{"hello", outbound.Malformed},
		{"GET / HTTP/1.1\r\nHost: p\r\n", outbound.Malformed},                                           // no end
		{"GET / HTTP/2.0\r\nHost: p\r\n\r\n", outbound.Malformed},                                       // not HTTP/1
		{"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nabc", outbound.Malformed},                         // cut off
		{"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcGET /", outbound.Malformed},                    // more than one
		{"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n", outbound.Malformed},                            // no number
		{"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc", outbound.Malformed},           // cut off
		{"GET /\x01 HTTP/1.1\r\nHost: p\r\n\r\n", outbound.Malformed},                                   // with the prefix no target
		{"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", outbound.Malformed},                            // a response
		{"CONNECT prod:443 HTTP/1.1\r\nHost: prod:443\r\n\r\n", outbound.Connect},                       // would open a tunnel
		{"CONNECT prod:443 HTTP/1.1\r\nHost: prod:443\r\n\r\n\x16\x03\x01\x02\x00", outbound.Malformed}, // and what went through it
	} {
		r := preparer(t, "staging.com/api", false)
		if got, ok := r.prepare([]byte(test.raw)); got != test.refused || ok {
			t.Errorf("%q: %q, %v; want %q", test.raw, got, ok, test.refused)
		}
	}
}

func TestPrepareAllocates(t *testing.T) {
	for _, lines := range []string{
		"Connection: close\r\n",
		"Connection: TE\r\nConnection: x, close\r\n",
		"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: websocket, h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n",
	} {
		r := preparer(t, "user:pass@staging.com/api", false)
		raw := []byte("GET /x HTTP/1.1\r\nHost: prod\r\nUser-Agent: x\r\n" + lines + "\r\n")
		var out []byte
		cycle := func() {
			if _, ok := r.prepare(raw); !ok {
				t.Fatal("refused")
			}
			out = r.AppendTo(out[:0])
		}
		cycle()
		if n := testing.AllocsPerRun(100, cycle); n != 0 {
			t.Errorf("%q: %v allocations", lines, n)
		}
	}
}

// FuzzPrepare: what is sent is one whole request with the recorded method and
// body, so that no recording can put a second request on our connection.
func FuzzPrepare(f *testing.F) {
	for _, seed := range []string{
		"GET / HTTP/1.1\r\nHost: prod\r\n\r\n",
		"GET http://prod HTTP/1.0\r\nConnection: close, x\r\n\r\n",
		"POST /a HTTP/1.1\nhost:a\n b\nContent-Length: 3\n\nabc",
		"PUT /a b HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n1\r\na\r\n0\r\n\r\n",
		"OPTIONS http://? HTTP/1.1\r\nConnection: \x00, close\r\n\r\n",
		"GET / HTTP/1.1\r\nUpgrade: h2c\r\nConnection: Upgrade,\r\n HTTP2-Settings\r\nconnection:close\r\nHTTP2-Settings: x\r\n\r\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, r := range []*sentRequest{preparer(t, "staging.com", false), preparer(t, "u:p@staging.com/api", true)} {
			if _, ok := r.prepare(raw); !ok {
				continue
			}
			method, body := string(r.Method()), bytes.Clone(r.Body())
			got := r.AppendTo(nil)
			if !http1.CompleteRequest(got) {
				t.Fatalf("%q became %q, which is not one request", raw, got)
			}
			var again http1.Request
			if err := again.Parse(got); err != nil {
				t.Fatalf("%q became %q: %v", raw, got, err)
			}
			if string(again.Method()) != method || !bytes.Equal(again.Body(), body) {
				t.Errorf("%q became %q", raw, got)
			}
			if host, _ := again.Header("Host"); !r.keepHost && string(host) != "staging.com" && !strings.Contains(string(again.Proto()), "1.0") {
				t.Errorf("%q became %q", raw, got)
			}
		}
	})
}

// BenchmarkPrepare is what a request costs before it is sent: the index, the
// changes, and the copy of the changed head.
func BenchmarkPrepare(b *testing.B) {
	const raw = "GET /articles/2024/05/some-page.html?utm_source=feed HTTP/1.1\r\nHost: www.example.com\r\n" +
		"Connection: keep-alive\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/124.0 Safari/537.36\r\n" +
		"Accept: text/html,application/xhtml+xml\r\nAccept-Encoding: gzip, deflate, br\r\nAccept-Language: en-GB,en;q=0.9\r\n" +
		"Cookie: session=0123456789abcdef0123456789abcdef\r\n\r\n"
	r, msg := preparer(b, "staging.com", false), []byte(raw)
	var out []byte
	b.SetBytes(int64(len(msg)))
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := r.prepare(msg); !ok {
			b.Fatal("refused")
		}
		out = r.AppendTo(out[:0])
	}
}
