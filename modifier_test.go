package main

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/recent"
)

// message makes a request message from its lines; the head's end is added.
func message(lines ...string) []byte {
	return append([]byte("1 0000000000000001000000aa 1400000000000000000 -1\n"), strings.Join(lines, "\r\n")+"\r\n\r\n"...)
}

func rules(t *testing.T, args ...string) *modifier {
	t.Helper()
	s, err := parseArgs(append(args, "--input-dummy", "--output-null")...)
	if err != nil {
		t.Fatal(err)
	}
	return newModifier(s, t.Logf)
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
		{"--output-http-method GET", get, true},
		{"--output-http-method get", get, true},
		{"--output-http-method POST", get, false},
		{"--output-http-method POST --http-allow-method GET", get, true},
		{"--output-http-url-regexp ^www.", get, true},
		{"--output-http-url-regexp ^/v1", get, false}, // host comes first under this name
		{"--http-allow-url ^/v1", get, true},
		{"--http-allow-url ^www.example.com/v1/", get, true},
		{"--http-allow-url ^/v2", get, false},
		{"--http-allow-url ^/v2 --output-http-url-regexp com/v1", get, true},
		{"--http-disallow-url ^/v1", get, false},
		{"--http-disallow-url ^/v2", get, true},
		{"--http-disallow-url ^/admin", message("GET http://a/admin/x HTTP/1.1", "Host: a"), false}, // sent as /admin/x
		{"--http-disallow-url ^/admin", message("GET HTTP://u@a:80/admin HTTP/1.1", "Host: a"), false},
		{"--http-disallow-url ^/admin", message("GET /x?u=http://a/admin HTTP/1.1", "Host: a"), true},
		{"--http-disallow-url ^/$", message("GET http://a HTTP/1.1", "Host: a"), false},
		{"--http-allow-url ^/public", message("GET http://a/public HTTP/1.1", "Host: a"), true},
		{"--http-allow-url /public", message("GET http://public/admin HTTP/1.1", "Host: a"), false}, // only its host
		{"--http-disallow-header x:^2", message("GET / HTTP/1.1", "X: 1", "x: 2"), false},
		{"--http-allow-header x:^2", message("GET / HTTP/1.1", "X: 1", "x: 2"), true},
		{`--output-http-header-filter api-version:^1\.0\d`, get, true},
		{`--output-http-header-filter api-version:^1\.0\d$`, get, true}, // trimmed
		{`--output-http-header-filter api-version:^2`, get, false},
		{`--output-http-header-filter nothere:.*`, get, false},
		{`--http-allow-header api-version:^1 --http-allow-header user-id:^9`, get, false}, // all must match
		{`--http-disallow-header user-id:^4`, get, false},
		{`--http-disallow-header nothere:.*`, get, true},
		{"--http-basic-auth-filter ^user:", auth, true},
		{"--http-basic-auth-filter ^other:", auth, false},
		{"--http-basic-auth-filter ^user:pas$", message("GET / HTTP/1.1", "Authorization: basic dXNlcjpwYXM"), true}, // without padding
		{"--http-basic-auth-filter ^user:pas$", message("GET / HTTP/1.1", "Authorization: Basic dXNlcjpwYXM="), true},
		{"--http-basic-auth-filter .*", message("GET / HTTP/1.1", "Authorization: Basic !"), false},
		{"--http-basic-auth-filter ^other:", get, true},
		{"--output-http-header-hash-filter user-id:1/1", get, true},
		{"--output-http-header-hash-filter user-id:0/1", get, false},
		{"--output-http-header-hash-filter nothere:1/1", get, false},
		{"--http-header-limiter nothere:1%", get, true},
		{"--http-header-limiter user-id:100%", get, true},
		{"--http-param-limiter user:0%", get, false},
		{"--http-param-limiter nothere:0%", get, true},
		{"--output-http-method GET", opaque, false},
		{"--http-allow-url .*", opaque, false},
		{"--http-disallow-url .*", opaque, true},
	} {
		if got := rules(t, strings.Fields(test.args)...).pass(test.msg); got != test.want {
			t.Errorf("%s: %q passes %v, want %v", test.args, test.msg, got, test.want)
		}
	}
}

func TestRewrites(t *testing.T) {
	const head = "1 0000000000000001000000aa 1400000000000000000 -1\n"
	for _, test := range []struct {
		name string
		args []string
		in   string
		want string
	}{
		{"none", nil,
			"GET / HTTP/1.1\r\nhOST:x\r\n\r\n", "GET / HTTP/1.1\r\nhOST:x\r\n\r\n"},
		{"header replaced in place, its spelling kept", []string{"--output-http-header", "User-Agent: Gor"},
			"GET / HTTP/1.1\r\nuser-agent:  curl\r\nB: 1\r\n\r\nbody", "GET / HTTP/1.1\r\nuser-agent:  Gor\r\nB: 1\r\n\r\nbody"},
		{"header added", []string{"--http-set-header", "Enable-Feature-X: true"},
			"GET / HTTP/1.1\r\nB: 1\r\n\r\n", "GET / HTTP/1.1\r\nB: 1\r\nEnable-Feature-X: true\r\n\r\n"},
		{"header in the body left alone", []string{"--http-set-header", "A: 2"},
			"POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\nA: 1", "POST / HTTP/1.1\r\nContent-Length: 4\r\nA: 2\r\n\r\nA: 1"},
		{"param replaced", []string{"--http-set-param", "b=9"},
			"GET /?a=1&b=2&c=3 HTTP/1.1\r\n\r\n", "GET /?a=1&b=9&c=3 HTTP/1.1\r\n\r\n"},
		{"param before a fragment", []string{"--http-set-param", "b=9"},
			"GET /x#a?b=1 HTTP/1.1\r\n\r\n", "GET /x?b=9#a?b=1 HTTP/1.1\r\n\r\n"},
		{"param replaced before a fragment", []string{"--http-set-param", "b=9"},
			"GET /x?b=1#c HTTP/1.1\r\n\r\n", "GET /x?b=9#c HTTP/1.1\r\n\r\n"},
		{"no param for an asterisk", []string{"--http-set-param", "b=9"},
			"OPTIONS * HTTP/1.1\r\n\r\n", "OPTIONS * HTTP/1.1\r\n\r\n"},
		{"param added", []string{"--http-set-param", "b=9"},
			"GET /x HTTP/1.1\r\n\r\n", "GET /x?b=9 HTTP/1.1\r\n\r\n"},
		{"url", []string{"--http-rewrite-url", "/v1/user/([^\\/]+)/ping:/v2/user/$1/ping"},
			"GET /v1/user/joe/ping HTTP/1.1\r\n\r\n", "GET /v2/user/joe/ping HTTP/1.1\r\n\r\n"},
		{"url with colons in the expression", []string{"--http-rewrite-url", "(?:/a):/b"},
			"GET /a HTTP/1.1\r\n\r\n", "GET /b HTTP/1.1\r\n\r\n"},
		{"first url rule that matches wins", []string{"--http-rewrite-url", "/x:/1", "--http-rewrite-url", "/a:/2", "--http-rewrite-url", "/2:/3"},
			"GET /a HTTP/1.1\r\n\r\n", "GET /2 HTTP/1.1\r\n\r\n"},
		{"header by expression", []string{"--http-rewrite-header", "Host: (.*).example.com,$1.beta.example.com"},
			"GET / HTTP/1.1\r\nHost: www.example.com\r\n\r\n", "GET / HTTP/1.1\r\nHost: www.beta.example.com\r\n\r\n"},
		{"missing header is not made", []string{"--http-rewrite-header", "Nope: .*,x"},
			"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\n\r\n"},
		{"param before url", []string{"--http-rewrite-url", "/a:/b", "--http-set-param", "x=1"},
			"GET /a HTTP/1.1\r\n\r\n", "GET /b?x=1 HTTP/1.1\r\n\r\n"},
	} {
		m := rules(t, test.args...)
		got := string(m.rewrite([]byte(head + test.in)))
		if got != head+test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, head+test.want)
		}
	}
}

// TestFilterSeesTheRequestAsItCame: set-header must not make a request pass.
func TestFilterSeesTheRequestAsItCame(t *testing.T) {
	m := rules(t, "--http-set-header", "X: new", "--http-allow-header", "X:new")
	if m.pass(message("GET / HTTP/1.1", "X: old")) {
		t.Error("the filter saw the rewritten header")
	}
}

func TestHashFilterKeepsTheSameQuarter(t *testing.T) {
	kept := func(m *modifier) map[int]bool {
		users := map[int]bool{}
		for i := range 4000 {
			if m.pass(message("GET / HTTP/1.1", fmt.Sprintf("user-id: %d", i*7919))) {
				users[i] = true
			}
		}
		return users
	}
	a := kept(rules(t, "--output-http-header-hash-filter", "user-id:1/4"))
	b := kept(rules(t, "--output-http-header-hash-filter", "user-id:1/4"))
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

func TestSettingHostKeepsIt(t *testing.T) {
	s, err := parseArgs("--http-set-header", "host: a.example", "--input-dummy", "--output-null")
	if err != nil {
		t.Fatal(err)
	}
	if !s.HTTPOriginalHost {
		t.Error("setting Host does not imply --http-original-host")
	}
}

func TestModifierAllocatesNothing(t *testing.T) {
	m := rules(t, "--output-http-method", "GET", "--http-allow-header", "user-id:^4", "--http-set-header", "User-Agent: Gor")
	msg := message("GET /v1/a?user=7 HTTP/1.1", "Host: www.example.com", "User-Id: 42", "User-Agent: x")
	n := testing.AllocsPerRun(100, func() {
		if !m.pass(msg) {
			t.Fatal("dropped")
		}
		m.rewrite(msg)
	})
	if n != 0 {
		t.Errorf("%v allocations a message", n)
	}
}

func TestResponsesFollowTheirRequest(t *testing.T) {
	s, err := parseArgs("--input-raw-track-response", "--output-http-method", "GET", "--input-dummy", "--output-null")
	if err != nil {
		t.Fatal(err)
	}
	f := &flow{mod: newModifier(s, t.Logf), dropped: recent.New()}
	for i, method := range []string{"GET", "POST", "GET", "PUT"} {
		id := payload.AppendID(nil, 7, uint32(i))
		head := func(kind byte) []byte {
			return payload.AppendMeta(nil, payload.Meta{Type: kind, ID: id, Time: 1, Duration: -1, Length: -1})
		}
		_, request := f.modify(append(head('1'), method+" / HTTP/1.1\r\n\r\n"...))
		_, response := f.modify(append(head('2'), "HTTP/1.1 200 OK\r\n\r\n"...))
		_, replayed := f.modify(append(head('3'), "HTTP/1.1 200 OK\r\n\r\n"...))
		if want := method == "GET"; request != want || response != want || replayed != want {
			t.Errorf("%s: request passes %v, response %v, replayed %v, want %v", method, request, response, replayed, want)
		}
	}
}

// TestEditThatWouldBreakTheRequestIsNotMade: it is reported once.
func TestEditThatWouldBreakTheRequestIsNotMade(t *testing.T) {
	s, err := parseArgs("--http-rewrite-url", "/a:/b c", "--input-dummy", "--output-null")
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	m := newModifier(s, func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) })
	for range 3 {
		msg := message("GET /a HTTP/1.1", "Host: h")
		if got := m.rewrite(msg); string(got) != string(msg) {
			t.Errorf("got %q", got)
		}
	}
	if len(said) != 1 || !strings.Contains(said[0], "not made") {
		t.Errorf("said %q", said)
	}
}

// FuzzReplacer: it does what regexp's ReplaceAll does.
func FuzzReplacer(f *testing.F) {
	for _, seed := range [][3]string{
		{"/v1/user/([^/]+)/ping", "/v2/user/$1/ping", "/v1/user/joe/ping"},
		{"(?P<host>.*).example.com", "${host}.beta$$${2}$nope", "www.example.com.example.com"},
		{"a*", "<$0>", "baac"}, {"^a", "b", "aaa"}, {"(?m)^a", "b", "a\na"}, {"a|^b", "c", "bab"}, {"ab", "", "abxab"}, {"(?i)ab*", "-", "aBbA"}, {"a$|$", "x", "ba"}, {"(a)|(b)", "$2-$1", "abba"}, {"^", "x", ""}, {`\b`, "|", "two words"}, {"(?s).", "$0$0", "\xff\n"},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	f.Fuzz(func(t *testing.T, pattern, template, src string) {
		re, err := regexp.Compile(pattern)
		if err != nil {
			return
		}
		r, err := newReplacer(re, template)
		if err != nil {
			return
		}
		for range 2 { // its memory is used again
			got, ok := r.replace([]byte(src))
			if ok != re.MatchString(src) {
				t.Fatalf("%q on %q: match %v", pattern, src, ok)
			}
			if want := re.ReplaceAllString(src, template); ok && string(got) != want {
				t.Fatalf("%q with %q on %q: %q, want %q", pattern, template, src, got, want)
			}
		}
	})
}
