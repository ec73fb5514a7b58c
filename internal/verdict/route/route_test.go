package route

import (
	"fmt"
	"strings"
	"testing"
)

func request(method, target string) []byte {
	return []byte(method + " " + target + " HTTP/1.1\r\nHost: a\r\n\r\n")
}

func TestRoutes(t *testing.T) {
	g := New([]*Pattern{{Segments: strings.Split("shop/*/**", "/"), Name: "/shop/{category}/**"}, {Method: "PUT", Segments: []string{"x"}, Name: "/put"}})
	for target, want := range map[string]string{
		"/users/123/orders/9f8e7d6c":     "GET /users/{id}/orders/{id}",
		"/users/me?id=5":                 "GET /users/me",
		"/":                              "GET /",
		"http://host/a/17":               "GET /a/{id}",
		"/v1/customers/cus_9f8e7d6c5b4a": "GET /v1/customers/{id}",
		"/static/app.3f9a2c1b.js":        "GET /static/app.{id}.js",
		"/a/123e4567-e89b-12d3-a456-426614174000/": "GET /a/{id}",
		"/shop/shoes/red/17":                       "GET /shop/{category}/**",
		"/x":                                       "GET /x",
	} {
		if got := g.Of(request("GET", target)); got != want {
			t.Errorf("%s: got %s, want %s", target, got, want)
		}
	}
	if got := g.Of(request("PUT", "/x")); got != "PUT /put" {
		t.Errorf("got %s", got)
	}
	for _, s := range []string{"", "GET", "GET /\r\n", strings.Repeat("G", 21) + " / HTTP/1.1\r\n"} {
		if got := g.Of([]byte(s)); got != Unknown {
			t.Errorf("%q: got %s", s, got)
		}
	}
}

// A level with many names becomes one route, and so do those that were seen before.
func TestManyNames(t *testing.T) {
	g := New(nil)
	first := g.Of(request("GET", "/blog/first-post/comments"))
	api := g.Of(request("GET", "/api/users"))
	last := ""
	for i := range 200 {
		last = g.Of(request("GET", "/blog/"+word(i)+"/comments"))
	}
	if want := "GET /blog/{name}/comments"; last != want || g.Final(first) != want {
		t.Errorf("%s, and %s has become %s", last, first, g.Final(first))
	}
	if got := g.Final(api); got != "GET /api/users" {
		t.Errorf("%s has become %s", api, got)
	}
}

func word(i int) string { return fmt.Sprintf("%c%c%c", 'a'+i%26, 'a'+i/26%26, 'a'+i/676) }

func TestRoutesAreBounded(t *testing.T) {
	g := New(nil)
	names := map[string]bool{}
	for i := range 90 {
		for j := range 90 {
			names[g.Of(request("GET", "/"+word(i)+"/"+word(j)))] = true
		}
	}
	if len(names) > Most+1 || !names[Other] {
		t.Errorf("%d routes", len(names))
	}
}

func FuzzOf(f *testing.F) {
	f.Add([]byte("GET /a/1 HTTP/1.1\r\n\r\n"))
	f.Add([]byte("GET http://a HTTP/1.1\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		g := New(nil)
		name := g.Of(b)
		if again := g.Of(b); again != name || g.Final(name) != name {
			t.Errorf("%q: %q, then %q, in the end %q", b, name, again, g.Final(name))
		}
	})
}
