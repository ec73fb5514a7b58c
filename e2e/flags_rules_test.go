package e2e

import (
	"bytes"
	"fmt"

	"github.com/buger/gor/internal/testkit"
)

// filterRequests are what the rows of the filters are given.
func filterRequests() [][]byte {
	return [][]byte{
		[]byte("GET /a?key=1 HTTP/1.1\r\nHost: www.one.com\r\nApi-Version: v1\r\nAuthorization: Basic dXNlcjpwYXNz\r\n\r\n"), // user:pass
		[]byte("POST /b?key=2 HTTP/1.1\r\nHost: two.com\r\nApi-Version: v2\r\nAuthorization: Basic b3RoZXI6eA==\r\n\r\n"),    // other:x
		[]byte("PUT /c HTTP/1.1\r\nHost: two.com\r\n\r\n"),
	}
}

const (
	targetA = "/a?key=1"
	targetB = "/b?key=2"
	targetC = "/c"
)

func filterFlagRows() []flagRow {
	// filter is a row whose flag, with value, lets these targets pass.
	filter := func(name string, wrong []string, value string, targets ...string) flagRow {
		return flagRow{name, wrong, func(f *flagTest) {
			all := f.recording(0, filterRequests()...)
			f.ok("--input-file", all, "--output-stdout", "--"+name, value).says(fmt.Sprintf("%d filtered", 3-len(targets))).passed(targets...)
		}}
	}
	// hash is one that passes a half, and without the value all or nothing.
	hash := func(name string, wrong []string, field, half string, keep func(h uint32) bool, keepMissing bool) flagRow {
		return flagRow{name, wrong, func(f *flagTest) {
			var requests [][]byte
			var want []string
			for i := range 64 {
				value := fmt.Sprintf("v%d", i)
				target := fmt.Sprintf("/%d?id=%s", i, value)
				requests = append(requests, get(target, "User-Id: "+value))
				if keep(fnv1a([]byte(value))) {
					want = append(want, target)
				}
			}
			requests = append(requests, get("/without"))
			if keepMissing {
				want = append(want, "/without")
			}
			if len(want) < 16 || len(want) > 48 {
				f.Fatalf("%d of 64 are no half", len(want))
			}
			f.ok("--input-file", f.recording(0, requests...), "--output-stdout", "--"+name, field+":"+half).passed(want...)
		}}
	}
	noRegexp, noHeader := []string{"(", "[a"}, []string{"", "Name", "Na me:x", "Name:("}
	noPart := []string{"", "id", "id:", "id:1/3", "id:2/1", "id:101%", "id:-1%", ":1/2"}
	percent := func(h uint32) bool { return h%100 < 50 }
	return []flagRow{
		filter("http-allow-method", []string{"", "GET POST"}, "post", targetB),
		filter("output-http-method", []string{"", "GET POST"}, "GET", targetA),
		filter("http-allow-url", noRegexp, "^/[ac]", targetA, targetC),
		filter("http-disallow-url", noRegexp, "^/a", targetB, targetC),
		filter("output-http-url-regexp", noRegexp, "^www.", targetA),
		filter("http-allow-header", noHeader, "api-version:^v2", targetB),
		filter("http-disallow-header", noHeader, "api-version:^v2", targetA, targetC),
		filter("output-http-header-filter", noHeader, "api-version:^v1", targetA),
		hash("output-http-header-hash-filter", noPart, "user-id", "1/2", func(h uint32) bool { return h < 1<<31 }, false),
		filter("http-basic-auth-filter", noRegexp, "^user:", targetA, targetC),
		hash("http-header-limiter", noPart, "user-id", "50%", percent, true),
		hash("http-param-limiter", noPart, "id", "50%", percent, true),
	}
}

func rewriteFlagRows() []flagRow {
	// rewrite is a row whose flag makes before after, in the first request.
	rewrite := func(name string, wrong []string, value, before, after string) flagRow {
		return flagRow{name, wrong, func(f *flagTest) {
			raw := filterRequests()[0]
			want := bytes.Replace(raw, []byte(before), []byte(after), 1)
			if bytes.Equal(raw, want) {
				f.Fatalf("%q is not in %q", before, raw)
			}
			got, _ := f.ok("--input-file", f.recording(0, raw), "--output-stdout", "--"+name, value).records()
			if len(got) != 1 || !bytes.Equal(got[0], want) {
				f.Errorf("%q became %q, want %q", raw, got, want)
			}
		}}
	}
	noHeader, noRegexp := []string{"", "Name", "Na me: x", "Name: a\nb"}, []string{"", "/a", "(:b", ":b"}
	return []flagRow{
		rewrite("http-set-header", noHeader, "Api-Version: v3", "v1", "v3"),
		rewrite("output-http-header", noHeader, "User-Agent: Gor", "\r\n\r\n", "\r\nUser-Agent: Gor\r\n\r\n"),
		rewrite("http-set-param", []string{"", "name", "=value"}, "key=9", "key=1", "key=9"),
		rewrite("http-rewrite-url", noRegexp, "/a(.*):/z$1", "/a?", "/z?"),
		rewrite("output-http-rewrite-url", noRegexp, "/(.)[?]:/$1/$1?", "/a?", "/a/a?"),
		rewrite("http-rewrite-header", []string{"", "Name", "Name: a", "Name: (,b"}, "Host: (.*).one.com,$1.two.com", "www.one", "www.two"),
		{"http-original-host", notBool, func(f *flagTest) {
			for flag, want := range map[string]string{"true": "prod", "false": ""} {
				server := testkit.StartSink(f.T)
				if want == "" {
					want = server.Addr()
				}
				f.replay("--output-http", server.Addr(), "--http-original-host", flag)
				if raw := server.Await(f.T, 4)[0].Raw; !headerIs(parsed(f.T, raw), "Host", want) {
					f.Errorf("%s: at the target: %q, want the Host %q", flag, raw, want)
				}
			}
		}},
	}
}
