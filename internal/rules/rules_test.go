package rules

import (
	"fmt"
	"strings"
	"testing"

	"github.com/buger/gor/internal/http1"
	"github.com/buger/gor/internal/testkit"
)

// kinds are the kinds by the names that they have in these tests.
var kinds = map[string]Kind{
	"allow-method": AllowMethod, "allow-url": AllowURL, "allow-host-url": AllowHostURL, "disallow-url": DisallowURL,
	"allow-header": AllowHeader, "disallow-header": DisallowHeader, "allow-basic-auth": AllowBasicAuth,
	"sample-header": SampleHeader, "sample-header-hash": SampleHeaderHash, "sample-param": SampleParam,
	"set-header": SetHeader, "set-param": SetParam, "rewrite-url": RewriteURL, "rewrite-header": RewriteHeader,
}

// compiled makes a Set from pairs of a kind's name and a text.
func compiled(t testing.TB, pairs ...string) *Set {
	t.Helper()
	var list []Rule
	for i := 0; i < len(pairs); i += 2 {
		r, err := Parse(kinds[pairs[i]], pairs[i+1])
		if err != nil {
			t.Fatalf("%s %q: %v", pairs[i], pairs[i+1], err)
		}
		list = append(list, r)
	}
	return Compile(list)
}

const meta = "1 0000000000000001000000aa 1400000000000000000 -1\n"

// message makes a request from its lines; the head's end is added.
func message(lines ...string) []byte {
	return []byte(meta + strings.Join(lines, "\r\n") + "\r\n\r\n")
}

// rewritten is what becomes of a request that has to pass.
func rewritten(t testing.TB, s *Set, msg []byte) []byte {
	t.Helper()
	if v := s.Pass(msg); v != Passed {
		t.Fatalf("%q: verdict %d", msg, v)
	}
	out, err := s.Rewrite(msg)
	if err != nil {
		t.Fatalf("%q: %v", msg, err)
	}
	if out == nil {
		return msg
	}
	return out
}

func TestFilters(t *testing.T) {
	get := message("GET /v1/a?user=7&x=1 HTTP/1.1", "Host: www.example.com", "api-version:  1.05 ", "User-Id: 42")
	auth := message("GET / HTTP/1.1", "Host: a", "Authorization: Basic dXNlcjpwYXNz") // user:pass
	opaque := []byte("1 00 1 -1\n\x16\x03\x01 no HTTP")
	for _, test := range []struct {
		args string
		msg  []byte
		want bool
	}{
		{"allow-method GET", get, true},
		{"allow-method get", get, true},
		{"allow-method POST", get, false},
		{"allow-method POST allow-method GET", get, true},
		{"allow-host-url ^www.", get, true},
		{"allow-host-url ^/v1", get, false}, // host comes first under this name
		{"allow-url ^/v1", get, true},
		{"allow-url ^www.example.com/v1/", get, true},
		{"allow-url ^/v2", get, false},
		{"allow-url ^/v2 allow-host-url com/v1", get, true},
		{"disallow-url ^/v1", get, false},
		{"disallow-url ^/v2", get, true},
		{"disallow-url ^/admin", message("GET http://a/admin/x HTTP/1.1", "Host: a"), false}, // sent as /admin/x
		{"disallow-url ^/admin", message("GET HTTP://u@a:80/admin HTTP/1.1", "Host: a"), false},
		{"disallow-url ^/admin", message("GET /x?u=http://a/admin HTTP/1.1", "Host: a"), true},
		{"disallow-url ^/$", message("GET http://a HTTP/1.1", "Host: a"), false},
		{"allow-url ^/public", message("GET http://a/public HTTP/1.1", "Host: a"), true},
		{"allow-url /public", message("GET http://public/admin HTTP/1.1", "Host: a"), false}, // only its host
		{"disallow-url ^/$", message("GET http://a?x=1 HTTP/1.1", "Host: a"), true},
		{"allow-url ^/[?]x=1$", message("GET http://a?x=1 HTTP/1.1", "Host: a"), true},
		{"allow-url ^[*]$", message("OPTIONS http://a HTTP/1.1", "Host: a"), true},
		{"allow-host-url ^a/$", message("GET http://user:secret@a HTTP/1.1", "Host: b"), true},
		{"allow-host-url ^a:443$", message("CONNECT a:443 HTTP/1.1", "Host: a:443"), true},
		{"disallow-url secret", message("GET http://user:secret@a/ HTTP/1.1", "Host: b"), false},
		{"disallow-header x:^2", message("GET / HTTP/1.1", "X: 1", "x: 2"), false},
		{"allow-header x:^2", message("GET / HTTP/1.1", "X: 1", "x: 2"), true},
		{`allow-header api-version:^1\.0\d`, get, true},
		{`allow-header api-version:^1\.0\d$`, get, true}, // trimmed
		{`allow-header api-version:^2`, get, false},
		{`allow-header nothere:.*`, get, false},
		{`allow-header api-version:^1 allow-header user-id:^9`, get, false}, // all must match
		{`disallow-header user-id:^4`, get, false},
		{`disallow-header nothere:.*`, get, true},
		{"allow-basic-auth ^user:", auth, true},
		{"allow-basic-auth ^other:", auth, false},
		{"allow-basic-auth ^user:pas$", message("GET / HTTP/1.1", "Authorization: basic dXNlcjpwYXM"), true}, // without padding
		{"allow-basic-auth ^user:pas$", message("GET / HTTP/1.1", "Authorization: Basic dXNlcjpwYXM="), true},
		{"allow-basic-auth .*", message("GET / HTTP/1.1", "Authorization: Basic !"), false},
		{"allow-basic-auth ^other:", get, true},
		{"allow-basic-auth ^user:", message("GET / HTTP/1.1", "Authorization: Bearer x", "authorization: Basic b3RoZXI6eA=="), false},
		{"allow-basic-auth ^user:", message("GET / HTTP/1.1", "Authorization: Basic b3RoZXI6eA==", "Authorization: Basic dXNlcjpwYXNz"), true},
		{"allow-basic-auth ^user:", message("GET / HTTP/1.1", "Authorization: Bearer x"), true},
		{"sample-header-hash user-id:1/1", get, true},
		{"sample-header-hash user-id:0/1", get, false},
		{"sample-header-hash nothere:1/1", get, false},
		{"sample-header nothere:1%", get, true},
		{"sample-header user-id:100%", get, true},
		{"sample-param user:0%", get, false},
		{"sample-param nothere:0%", get, true},
		{"allow-method GET", opaque, false},
		{"allow-url .*", opaque, false},
		{"disallow-url .*", opaque, true},
	} {
		if got := compiled(t, strings.Fields(test.args)...).Pass(test.msg) == Passed; got != test.want {
			t.Errorf("%s: %q passes %v, want %v", test.args, test.msg, got, test.want)
		}
	}
}

func TestRewrites(t *testing.T) {
	for _, test := range []struct {
		name string
		args []string
		in   string
		want string
	}{
		{"none", nil,
			"GET / HTTP/1.1\r\nhOST:x\r\n\r\n", "GET / HTTP/1.1\r\nhOST:x\r\n\r\n"},
		{"header replaced in place, its spelling kept", []string{"set-header", "User-Agent: Gor"},
			"GET / HTTP/1.1\r\nuser-agent:  curl\r\nB: 1\r\n\r\nbody", "GET / HTTP/1.1\r\nuser-agent:  Gor\r\nB: 1\r\n\r\nbody"},
		{"header added", []string{"set-header", "Enable-Feature-X: true"},
			"GET / HTTP/1.1\r\nB: 1\r\n\r\n", "GET / HTTP/1.1\r\nB: 1\r\nEnable-Feature-X: true\r\n\r\n"},
		{"header in the body left alone", []string{"set-header", "A: 2"},
			"POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\nA: 1", "POST / HTTP/1.1\r\nContent-Length: 4\r\nA: 2\r\n\r\nA: 1"},
		{"param replaced", []string{"set-param", "b=9"},
			"GET /?a=1&b=2&c=3 HTTP/1.1\r\n\r\n", "GET /?a=1&b=9&c=3 HTTP/1.1\r\n\r\n"},
		{"param before a fragment", []string{"set-param", "b=9"},
			"GET /x#a?b=1 HTTP/1.1\r\n\r\n", "GET /x?b=9#a?b=1 HTTP/1.1\r\n\r\n"},
		{"param replaced before a fragment", []string{"set-param", "b=9"},
			"GET /x?b=1#c HTTP/1.1\r\n\r\n", "GET /x?b=9#c HTTP/1.1\r\n\r\n"},
		{"no param for an asterisk", []string{"set-param", "b=9"},
			"OPTIONS * HTTP/1.1\r\n\r\n", "OPTIONS * HTTP/1.1\r\n\r\n"},
		{"param added", []string{"set-param", "b=9"},
			"GET /x HTTP/1.1\r\n\r\n", "GET /x?b=9 HTTP/1.1\r\n\r\n"},
		{"url", []string{"rewrite-url", "/v1/user/([^\\/]+)/ping:/v2/user/$1/ping"},
			"GET /v1/user/joe/ping HTTP/1.1\r\n\r\n", "GET /v2/user/joe/ping HTTP/1.1\r\n\r\n"},
		{"url with colons in the expression", []string{"rewrite-url", "(?:/a):/b"},
			"GET /a HTTP/1.1\r\n\r\n", "GET /b HTTP/1.1\r\n\r\n"},
		{"first url rule that matches wins", []string{"rewrite-url", "/x:/1", "rewrite-url", "/a:/2", "rewrite-url", "/2:/3"},
			"GET /a HTTP/1.1\r\n\r\n", "GET /2 HTTP/1.1\r\n\r\n"},
		{"header by expression", []string{"rewrite-header", "Host: (.*).example.com,$1.beta.example.com"},
			"GET / HTTP/1.1\r\nHost: www.example.com\r\n\r\n", "GET / HTTP/1.1\r\nHost: www.beta.example.com\r\n\r\n"},
		{"every header by expression", []string{"rewrite-header", "X: a(.),b$1"},
			"GET / HTTP/1.1\r\nX: a1\r\nY: a2\r\nx:  a3 \r\nX: c\r\n\r\n", "GET / HTTP/1.1\r\nX: b1\r\nY: a2\r\nx:  b3 \r\nX: c\r\n\r\n"},
		{"header set once", []string{"set-header", "X: 9"},
			"GET / HTTP/1.1\r\nx: 1\r\nY: 1\r\nX: 2\r\nX: 3\r\n\r\n", "GET / HTTP/1.1\r\nx: 9\r\nY: 1\r\n\r\n"},
		{"url in absolute form", []string{"rewrite-url", "^/v1/(.*):/v2/$1"},
			"GET http://u@a:80/v1/x HTTP/1.1\r\n\r\n", "GET http://u@a:80/v2/x HTTP/1.1\r\n\r\n"},
		{"url in absolute form without a path", []string{"rewrite-url", "^/$:/index"},
			"GET http://a HTTP/1.1\r\n\r\n", "GET http://a/index HTTP/1.1\r\n\r\n"},
		{"url in absolute form, not its host", []string{"rewrite-url", "/admin:/user"},
			"GET http://admin/a HTTP/1.1\r\n\r\n", "GET http://admin/a HTTP/1.1\r\n\r\n"},
		{"url in absolute form, as a whole", []string{"rewrite-url", "(http://)old/(.*):${1}new/$2"},
			"GET http://old/a HTTP/1.1\r\n\r\n", "GET http://new/a HTTP/1.1\r\n\r\n"},
		{"no param for a host", []string{"set-param", "b=9"},
			"CONNECT a:443 HTTP/1.1\r\n\r\n", "CONNECT a:443 HTTP/1.1\r\n\r\n"},
		{"no param for an asterisk in absolute form", []string{"set-param", "b=9"},
			"OPTIONS http://a HTTP/1.1\r\n\r\n", "OPTIONS http://a HTTP/1.1\r\n\r\n"},
		{"param in absolute form", []string{"set-param", "b=9"},
			"GET http://a/x#f HTTP/1.1\r\n\r\n", "GET http://a/x?b=9#f HTTP/1.1\r\n\r\n"},
		{"missing header is not made", []string{"rewrite-header", "Nope: .*,x"},
			"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\n\r\n"},
		{"param before url", []string{"rewrite-url", "/a:/b", "set-param", "x=1"},
			"GET /a HTTP/1.1\r\n\r\n", "GET /b?x=1 HTTP/1.1\r\n\r\n"},
	} {
		got := string(rewritten(t, compiled(t, test.args...), []byte(meta+test.in)))
		if got != meta+test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, meta+test.want)
		}
	}
}

// TestFilterSeesTheRequestAsItCame: set-header must not make a request pass.
func TestFilterSeesTheRequestAsItCame(t *testing.T) {
	m := compiled(t, "set-header", "X: new", "allow-header", "X:new")
	if m.Pass(message("GET / HTTP/1.1", "X: old")) == Passed {
		t.Error("the filter saw the rewritten header")
	}
}

func TestHashFilterKeepsTheSameQuarter(t *testing.T) {
	kept := func(m *Set) map[int]bool {
		users := map[int]bool{}
		for i := range 4000 {
			if m.Pass(message("GET / HTTP/1.1", fmt.Sprintf("user-id: %d", i*7919))) == Passed {
				users[i] = true
			}
		}
		return users
	}
	a := kept(compiled(t, "sample-header-hash", "user-id:1/4"))
	b := kept(compiled(t, "sample-header-hash", "user-id:1/4"))
	if len(a) < 900 || len(a) > 1100 {
		t.Errorf("%d of 4000 users kept, want about 1000", len(a))
	}
	for user := range a {
		if !b[user] {
			t.Fatalf("user %d was kept once and dropped once", user)
		}
	}
	if len(a) != len(b) {
		t.Errorf("%d users kept, then %d", len(a), len(b))
	}
}

func TestSetAllocatesNothing(t *testing.T) {
	if testkit.RaceEnabled {
		t.Skip("the race detector allocates")
	}
	s := compiled(t, "allow-method", "GET", "allow-header", "user-id:^4", "set-header", "User-Agent: Gor", "set-param", "user=8",
		"allow-url", "^/$", "allow-url", "^/[?]u", "allow-url", "^/v1", "disallow-url", "^/admin", "disallow-header", "x:y", "allow-basic-auth", "user", "rewrite-url", "^/v9:/v8", "rewrite-header", "Host: (.*).example.com,$1.beta.example.com")
	for _, line := range []string{"GET /v1/a?user=7 HTTP/1.1", "GET http://a HTTP/1.1", "GET http://a?user=7 HTTP/1.1", "GET http://user@a/v1?user=7 HTTP/1.1"} {
		msg := message(line, "Host: www.example.com", "User-Id: 42", "User-Id: 43", "User-Agent: x", "Authorization: Basic dXNlcjpwYXNz", "User-Agent: y")
		if n := testing.AllocsPerRun(100, func() { rewritten(t, s, msg) }); n != 0 {
			t.Errorf("%s: %v allocations a message", line, n)
		}
	}
}

// TestEditThatWouldBreakTheRequestIsNotMade: the others are.
func TestEditThatWouldBreakTheRequestIsNotMade(t *testing.T) {
	s := compiled(t, "rewrite-url", "/a:/b c", "set-header", "X: y")
	msg := message("GET /a HTTP/1.1", "Host: h")
	if v := s.Pass(msg); v != Passed {
		t.Fatalf("verdict %d", v)
	}
	got, err := s.Rewrite(msg)
	if err == nil || string(got) != string(message("GET /a HTTP/1.1", "Host: h", "X: y")) {
		t.Errorf("%v, got %q", err, got)
	}
}

// A request that rules cannot be applied to, because it has too many header
// fields, must not go on without them: a rewrite may be there to take a secret
// out.
func TestManyFields(t *testing.T) {
	msg := message("GET / HTTP/1.1", strings.Repeat("a:\n", http1.MaxFields+1)+"a:")
	for _, rule := range [][]string{{"set-header", "A: b"}, {"disallow-url", "/x"}, {"allow-url", "/"}} {
		s := compiled(t, rule...)
		if v := s.Pass(msg); v != TooManyFields {
			t.Errorf("%q: verdict %d", rule, v)
		}
		if v := s.Pass(message("GET / HTTP/1.1")); v != Passed {
			t.Errorf("%q: verdict %d of the next request", rule, v)
		}
	}
}

func TestSetsHost(t *testing.T) {
	for text, want := range map[string]bool{"set-header host: a": true, "rewrite-header HOST: a,b": true, "set-header X: host": false, "allow-header Host:a": false} {
		kind, value, _ := strings.Cut(text, " ")
		r, err := Parse(kinds[kind], value)
		if err != nil || r.SetsHost() != want {
			t.Errorf("%s: %v, %v", text, r.SetsHost(), err)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for text, want := range map[string]string{
		"allow-method GET POST":      "want a method such as GET",
		"allow-url (":                "want a regular expression (RE2 syntax): error parsing regexp: missing closing ): `(`",
		"allow-header a":             "want NAME:REGEXP, such as api-version:^v1",
		"sample-header a:1/3":        "want NAME:N/D with D a power of two, such as user-id:1/4, or NAME:10%: 3 is not a power of two",
		"sample-header-hash a b:1/2": "want NAME:N/D with D a power of two, such as user-id:1/4, or NAME:10%",
		"sample-param a:2/1":         "want NAME:N/D with D a power of two, such as user-id:1/4, or NAME:10%: 2/1 is more than all",
		"sample-param a:101%":        "want NAME:N/D with D a power of two, such as user-id:1/4, or NAME:10%",
		"set-header a: \x01":         "the value has a character that no header may have",
		"set-param a":                "want NAME=VALUE, such as api_key=1",
		"rewrite-url /a":             "want REGEXP:REPLACEMENT, such as /v1/(.*):/v2/$1: there is no colon",
		"rewrite-url /a:\x01":        "the replacement has a character that no header or URL may have",
		"rewrite-header a: b":        "want NAME: REGEXP,REPLACEMENT; there is no comma",
		"no-such-kind a":             "no such rule",
	} {
		kind, value, _ := strings.Cut(text, " ")
		if _, err := Parse(kinds[kind], value); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

func BenchmarkSet(b *testing.B) {
	msg := message("GET /v1/user/joe/ping?user=7&utm_source=x HTTP/1.1", "Host: www.example.com", "User-Agent: Mozilla/5.0 (X11; Linux x86_64)", "Accept: */*", "Accept-Language: en", "User-Id: 42", "Authorization: Basic dXNlcjpwYXNz", "Cookie: a=b; c=d")
	absolute := message("GET http://www.example.com/v1/user/joe/ping?user=7 HTTP/1.1", "Host: www.example.com", "User-Id: 42")
	for _, bench := range []struct {
		name  string
		msg   []byte
		rules []string
	}{
		{"method", msg, []string{"allow-method", "GET"}},
		{"url", msg, []string{"allow-url", "^/v1", "disallow-url", "^/admin"}},
		{"absolute", absolute, []string{"allow-url", "^/v1", "disallow-url", "^/admin"}},
		{"headers", msg, []string{"allow-header", "user-id:^4", "disallow-header", "cookie:secret", "allow-basic-auth", "^user:"}},
		{"hash", msg, []string{"sample-header", "user-id:100%", "sample-param", "user:100%"}},
		{"set", msg, []string{"set-header", "User-Agent: Gor", "set-param", "user=8"}},
		{"rewrite", msg, []string{"rewrite-url", "/v1/user/([^/]+)/ping:/v2/user/$1/ping", "rewrite-header", "Host: (.*).example.com,$1.beta.example.com"}},
		{"rewrite-none", msg, []string{"rewrite-url", "/v9/user/([^/]+)/ping:/v2/user/$1/ping"}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			s := compiled(b, bench.rules...)
			b.ReportAllocs()
			for b.Loop() {
				if s.Pass(bench.msg) != Passed {
					b.Fatal("dropped")
				}
				if _, err := s.Rewrite(bench.msg); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
