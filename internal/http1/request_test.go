package http1

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// msg has odd line ends, spacing, order, case and repetition to keep.
const oddRequest = "\r\nPOST  /a?b=c HTTP/1.1\r\nhOsT:  example.com \nX-A:1\r\nFolded: one\r\n  two\r\n\tthree \r\n" +
	"no colon here\r\nx-a : 2\r\nEmpty:\r\nCookie: a=b\rc\r\n\r\nX-A: body\r\n\r\n"

func mustParse(t testing.TB, r *Request, msg string) {
	t.Helper()
	if err := r.Parse([]byte(msg)); err != nil {
		t.Fatalf("Parse(%q): %v", msg, err)
	}
}

func TestRequestViews(t *testing.T) {
	var r Request
	mustParse(t, &r, oddRequest)
	for _, test := range []struct{ name, got, want string }{
		{"method", string(r.Method()), "POST"},
		{"target", string(r.Target()), "/a?b=c"},
		{"proto", string(r.Proto()), "HTTP/1.1"},
		{"body", string(r.Body()), "X-A: body\r\n\r\n"},
	} {
		if test.got != test.want {
			t.Errorf("%s is %q, want %q", test.name, test.got, test.want)
		}
	}
	for _, test := range []struct {
		name, want string
		ok         bool
	}{
		{"host", "example.com", true},
		{"X-A", "1", true},
		{"folded", "one two three", true},
		{"FOLDED", "one two three", true},
		{"empty", "", true},
		{"cookie", "a=b\rc", true},
		{"no colon here", "", false},
		{"two", "", false},
		{"", "", false},
		{"absent", "", false},
	} {
		got, ok := r.Header(test.name)
		if string(got) != test.want || ok != test.ok {
			t.Errorf("Header(%q) = %q, %v; want %q, %v", test.name, got, ok, test.want, test.ok)
		}
	}
	var all []string
	for name, value := range r.Headers {
		all = append(all, string(name)+"="+string(value))
		if string(name) == "Empty" {
			break
		}
	}
	if got, want := strings.Join(all, "|"), "hOsT=example.com|X-A=1|Folded=one two three|x-a=2|Empty="; got != want {
		t.Errorf("headers are %q, want %q", got, want)
	}
	if r.Changed() {
		t.Error("changed by looking")
	}
}

func TestRequestEdits(t *testing.T) {
	plain := "GET /a HTTP/1.1\r\nHost: a\r\nX: 1\r\nY: 2\r\nx:  3\t\r\n\r\nbody"
	for _, test := range []struct {
		name string
		msg  string
		edit func(r *Request)
		want string
	}{
		{"nothing", oddRequest, func(r *Request) {}, oddRequest},
		{"target", oddRequest, func(r *Request) { r.SetTarget([]byte("/longer?than=before")) },
			strings.Replace(oddRequest, "/a?b=c", "/longer?than=before", 1)},
		{"target twice", plain, func(r *Request) { r.SetTarget([]byte("/b")); r.SetTarget([]byte("/c")) },
			strings.Replace(plain, "/a", "/c", 1)},
		{"value, spelling and spacing kept", oddRequest, func(r *Request) { r.SetHeader("Host", "b") },
			strings.Replace(oddRequest, "example.com", "b", 1)},
		{"folded value", oddRequest, func(r *Request) { r.SetHeader("folded", "x") },
			strings.Replace(oddRequest, "one\r\n  two\r\n\tthree ", "x", 1)},
		{"value folded from the start", "GET / HTTP/1.1\r\nA: \r\n b\r\n \r\nB: c\r\n\r\n", func(r *Request) { r.SetHeader("a", "x") },
			"GET / HTTP/1.1\r\nA: x\r\nB: c\r\n\r\n"},
		{"empty value", oddRequest, func(r *Request) { r.SetHeader("Empty", "x") },
			strings.Replace(oddRequest, "Empty:", "Empty:x", 1)},
		{"first of several", plain, func(r *Request) { r.SetHeader("X", "9") },
			strings.Replace(plain, "X: 1", "X: 9", 1)},
		{"twice", plain, func(r *Request) { r.SetHeader("X", "9"); r.SetHeader("x", "10") },
			strings.Replace(plain, "X: 1", "X: 10", 1)},
		{"to nothing", plain, func(r *Request) { r.SetHeader("X", "") },
			strings.Replace(plain, "X: 1", "X: ", 1)},
		{"add", plain, func(r *Request) { r.SetHeader("New", "n") },
			strings.Replace(plain, "\t\r\n\r\n", "\t\r\nNew: n\r\n\r\n", 1)},
		{"add two", plain, func(r *Request) { r.SetHeader("New", "n"); r.SetHeader("Other", "o"); r.SetHeader("nEW", "m") },
			strings.Replace(plain, "\t\r\n\r\n", "\t\r\nNew: m\r\nOther: o\r\n\r\n", 1)},
		{"add with LF", "GET / HTTP/1.1\nA: b\n\nbody", func(r *Request) { r.SetHeader("New", "n") },
			"GET / HTTP/1.1\nA: b\nNew: n\n\nbody"},
		{"add to no headers", "GET / HTTP/1.0\r\n\r\n", func(r *Request) { r.SetHeader("Host", "h") },
			"GET / HTTP/1.0\r\nHost: h\r\n\r\n"},
		{"delete", plain, func(r *Request) { r.DelHeader("Y") },
			strings.Replace(plain, "Y: 2\r\n", "", 1)},
		{"delete all of a name", plain, func(r *Request) { r.DelHeader("x") },
			"GET /a HTTP/1.1\r\nHost: a\r\nY: 2\r\n\r\nbody"},
		{"delete folded", oddRequest, func(r *Request) { r.DelHeader("Folded") },
			strings.Replace(oddRequest, "Folded: one\r\n  two\r\n\tthree \r\n", "", 1)},
		{"delete and set", plain, func(r *Request) { r.DelHeader("x"); r.SetHeader("X", "4") },
			"GET /a HTTP/1.1\r\nHost: a\r\nY: 2\r\nX: 4\r\n\r\nbody"},
		{"set and delete", plain, func(r *Request) { r.SetHeader("Z", "4"); r.SetHeader("Q", "5"); r.DelHeader("Z") },
			strings.Replace(plain, "\t\r\n\r\n", "\t\r\nQ: 5\r\n\r\n", 1)},
		{"delete what is not there", plain, func(r *Request) { r.DelHeader("Z") }, plain},
		{"all at once", plain, func(r *Request) {
			r.SetTarget([]byte("/b"))
			r.SetHeader("Host", "b")
			r.DelHeader("X")
			r.SetHeader("Z", "z")
		}, "GET /b HTTP/1.1\r\nHost: b\r\nY: 2\r\nZ: z\r\n\r\nbody"},
		{"refused", plain, func(r *Request) {
			r.SetTarget([]byte("/ HTTP/1.1\r\nX: y"))
			r.SetTarget(nil)
			r.SetHeader("X", "a\r\nY: b")
			r.SetHeader("X\r\nY", "a")
			r.SetHeader("", "a")
		}, plain},
	} {
		t.Run(test.name, func(t *testing.T) {
			var r Request
			mustParse(t, &r, test.msg)
			test.edit(&r)
			if got := string(r.AppendTo([]byte("before "))); got != "before "+test.want {
				t.Errorf("got\n%q, want\n%q", got, "before "+test.want)
			}
			head := test.want[:len(test.want)-len(r.Body())]
			if got := string(r.AppendHead([]byte("before "))); got != "before "+head {
				t.Errorf("the head is\n%q, want\n%q", got, "before "+head)
			}
			if r.Changed() != (test.want != test.msg) {
				t.Errorf("Changed is %v", r.Changed())
			}
		})
	}
}

func TestRequestSeesItsEdits(t *testing.T) {
	var r Request
	mustParse(t, &r, "GET /a HTTP/1.1\r\nX: 1\r\nX: 2\r\n\r\n")
	r.SetTarget([]byte("/b"))
	r.SetHeader("X", "3")
	r.SetHeader("New", "n")
	r.DelHeader("gone")
	var all []string
	for name, value := range r.Headers {
		all = append(all, string(name)+"="+string(value))
	}
	if got, want := string(r.Target())+" "+strings.Join(all, "|"), "/b X=3|X=2|New=n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	r.DelHeader("X")
	if v, ok := r.Header("X"); ok {
		t.Errorf("a deleted header has value %q", v)
	}
	mustParse(t, &r, "GET /c HTTP/1.1\r\nX: 5\r\n\r\n")
	if got := string(r.AppendTo(nil)); r.Changed() || got != "GET /c HTTP/1.1\r\nX: 5\r\n\r\n" || string(r.Target()) != "/c" {
		t.Errorf("edits of the last message in %q", got)
	}
}

func TestSetTargetWithSpaces(t *testing.T) {
	var r Request
	mustParse(t, &r, "GET /a HTTP/1.1\r\n\r\n")
	if err := r.SetTarget([]byte("/b c")); err == nil {
		t.Error("a space got into a target without one")
	}
	mustParse(t, &r, "GET /a b HTTP/1.1\r\n\r\n")
	if err := r.SetTarget([]byte("/b c")); err != nil || string(r.AppendTo(nil)) != "GET /b c HTTP/1.1\r\n\r\n" {
		t.Errorf("%v, %q", err, r.AppendTo(nil))
	}
	for _, target := range []string{"/b ", " /b", "/b\nc d"} {
		if err := r.SetTarget([]byte(target)); err == nil {
			t.Errorf("SetTarget(%q) did not fail", target)
		}
	}
}

func TestRequestParseErrors(t *testing.T) {
	var r Request
	for _, test := range []struct{ name, msg, reason string }{
		{"empty", "", ReasonIncompleteHead},
		{"empty lines", "\r\n\r\n", ReasonIncompleteHead},
		{"no line", "GET / HTTP/1.1", ReasonIncompleteHead},
		{"no empty line", "GET / HTTP/1.1\r\nA: b\r\n", ReasonIncompleteHead},
		{"half an empty line", "GET / HTTP/1.1\r\nA: b\r\n\r", ReasonIncompleteHead},
		{"response", "HTTP/1.1 200 OK\r\n\r\n", ReasonRequestLine},
		{"garbage", "\x00\n\n", ReasonRequestLine},
		{"HTTP/2", "PRI * HTTP/2.0\r\n\r\n", ReasonVersion},
		{"large", "GET / HTTP/1.1\r\nA: " + strings.Repeat("a", MaxHead) + "\r\n\r\n", ReasonHeadTooLarge},
	} {
		mustParse(t, &r, oddRequest)
		r.SetHeader("A", "b")
		err := r.Parse([]byte(test.msg))
		var e *Error
		if !errors.As(err, &e) || e.Reason != test.reason {
			t.Errorf("%s: error is %v, want %s", test.name, err, test.reason)
		}
		if _, ok := r.Header("Host"); ok || len(r.Method())+len(r.Target())+len(r.Proto())+len(r.Body())+len(r.AppendTo(nil)) > 0 || r.Changed() {
			t.Errorf("%s: the request is not empty after an error", test.name)
		}
	}
}

func TestResponseViews(t *testing.T) {
	var r Response
	msg := "HTTP/1.1 404 Not\r\nContent-Length: 9\r\n\r\nbody"
	if err := r.Parse([]byte(msg)); err != nil || r.Status() != 404 {
		t.Fatalf("status %d, %v", r.Status(), err)
	}
	r.SetHeader("content-length", "4")
	if got, want := string(r.AppendTo(nil)), strings.Replace(msg, "9", "4", 1); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if err := r.Parse([]byte("GET / HTTP/1.1\r\n\r\n")); err == nil || r.Status() != 0 {
		t.Errorf("a request is a response of status %d", r.Status())
	}
}

func TestRequestLetsGo(t *testing.T) {
	var r Request
	mustParse(t, &r, "GET / HTTP/1.1\r\n"+strings.Repeat("a:b\r\n", 10*keepFields)+"\r\n")
	mustParse(t, &r, "GET / HTTP/1.1\r\n\r\n")
	if cap(r.fields) > keepFields {
		t.Errorf("%d entries are kept", cap(r.fields))
	}
}

func TestRequestKeepsMessage(t *testing.T) {
	msg := []byte(oddRequest)
	var r Request
	if err := r.Parse(msg); err != nil {
		t.Fatal(err)
	}
	r.Header("Folded")
	r.SetHeader("Folded", "x")
	r.SetTarget([]byte("/"))
	r.AppendTo(nil)
	if !bytes.Equal(msg, []byte(oddRequest)) {
		t.Error("the message was changed")
	}
}

func TestEditHeaders(t *testing.T) {
	var r Request
	raw := "GET / HTTP/1.1\r\nA: 1\r\nB: 1\r\na:  2 \r\nA: 3\r\n\r\n"
	if err := r.Parse([]byte(raw)); err != nil {
		t.Fatal(err)
	}
	if err := r.SetHeader("C", "1"); err != nil {
		t.Fatal(err)
	}
	var seen []string
	err := r.EditHeaders("a", func(value []byte) ([]byte, HeaderEdit) {
		seen = append(seen, string(value))
		switch string(value) {
		case "1":
			return nil, RemoveHeader
		case "2":
			return []byte("two"), ReplaceHeader
		}
		return []byte("a\nb"), ReplaceHeader
	})
	if err == nil || fmt.Sprint(seen) != "[1 2 3]" {
		t.Errorf("%v, saw %q", err, seen)
	}
	if err := r.EditHeaders("C", func([]byte) ([]byte, HeaderEdit) { return []byte("9"), ReplaceHeader }); err != nil {
		t.Error(err)
	}
	if got, want := string(r.AppendTo(nil)), "GET / HTTP/1.1\r\nB: 1\r\na:  two \r\nA: 3\r\nC: 9\r\n\r\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if err := r.EditHeaders("C", func([]byte) ([]byte, HeaderEdit) { return nil, RemoveHeader }); err != nil {
		t.Error(err)
	}
	if _, ok := r.Header("C"); ok {
		t.Error("C is still there")
	}
}

// TestSetOnlyHeader: one header of the name is left, in the place of the first.
func TestSetOnlyHeader(t *testing.T) {
	for _, test := range []struct{ head, want string }{
		{"A: 1\r\nB: 2\r\na: 3\r\nA : 4\r\n", "A: new\r\nB: 2\r\n"},
		{"B: 2\r\n", "B: 2\r\nA: new\r\n"},
		{"", "A: new\r\n"},
		{"A: 1\r\n folded\r\nA:\r\n more\r\n", "A: new\r\n"},
	} {
		var r Request
		mustParse(t, &r, "GET / HTTP/1.1\r\n"+test.head+"\r\nbody")
		for range 2 { // an added one is set again
			if err := r.SetOnlyHeader("A", "new"); err != nil {
				t.Fatal(err)
			}
		}
		if got, want := string(r.AppendTo(nil)), "GET / HTTP/1.1\r\n"+test.want+"\r\nbody"; got != want {
			t.Errorf("%q became %q, want %q", test.head, got, want)
		}
		before := string(r.AppendTo(nil))
		if r.SetOnlyHeader("A", "x\ny") == nil || r.SetOnlyHeader("A b", "x") == nil || string(r.AppendTo(nil)) != before {
			t.Errorf("%q: an edit that would break the head was made", test.head)
		}
	}
}

func TestQueryParam(t *testing.T) {
	for _, test := range []struct {
		target, name, want string
		ok                 bool
	}{
		{"/?a=1&b=2", "b", "2", true},
		{"/?a=1&b=2", "a", "1", true},
		{"/?a=1&a=2", "a", "1", true},
		{"/?ab=1&b=2", "b", "2", true},
		{"/?a&b", "b", "", true},
		{"/?a=&b", "a", "", true},
		{"/?a=b=c", "a", "b=c", true},
		{"/?a=%20+", "a", "%20+", true},
		{"/?user%5Bid%5d=7", "user[id]", "7", true},
		{"/?a+b=7", "a b", "7", true},
		{"/?a%=7", "a%", "7", true},
		{"/?a%zz=7", "a%zz", "7", true},
		{"/?a=1", "c", "", false},
		{"/?", "a", "", false},
		{"/?&&", "a", "", false},
		{"/a=1", "a", "", false},
		{"", "a", "", false},
	} {
		got, ok := QueryParam([]byte(test.target), test.name)
		if string(got) != test.want || ok != test.ok {
			t.Errorf("QueryParam(%q, %q) = %q, %v; want %q, %v", test.target, test.name, got, ok, test.want, test.ok)
		}
	}
}

func TestSetQueryParam(t *testing.T) {
	for _, test := range []struct{ target, name, value, want string }{
		{"/", "a", "1", "/?a=1"},
		{"/?", "a", "1", "/?a=1"},
		{"/?b=2", "a", "1", "/?b=2&a=1"},
		{"/?b=2&", "a", "1", "/?b=2&a=1"},
		{"/?a=9", "a", "1", "/?a=1"},
		{"/?a", "a", "1", "/?a=1"},
		{"/?a&b", "a", "1", "/?a=1&b"},
		{"/?x=y&a=9&a=8&z", "a", "1", "/?x=y&a=1&a=8&z"},
		{"/?%61=9", "a", "1", "/?%61=1"},
		{"/", "a", "", "/?a="},
		{"/", "a", "x y&z#\r\n%20+\xc3\xa9=", "/?a=x%20y%26z%23%0D%0A%20+%C3%A9="},
		{"/", "a=b&c", "1", "/?a%3Db%26c=1"},
		{"*", "a", "1", "*"},
		{"a.com:443", "a", "1", "a.com:443"},
		{"[::1]:443", "a", "1", "[::1]:443"},
		{"/x:1", "a", "1", "/x:1?a=1"},
		{"http://a.com:80", "a", "1", "http://a.com:80?a=1"},
	} {
		got := string(SetQueryParam([]byte("<"), []byte(test.target), test.name, test.value))
		if got != "<"+test.want {
			t.Errorf("SetQueryParam(%q, %q, %q) = %q, want %q", test.target, test.name, test.value, got, "<"+test.want)
		}
	}
}

func TestAppendHostTarget(t *testing.T) {
	for _, test := range []struct{ host, target, want string }{
		{"a.com", "/b?c=http://d", "a.com/b?c=http://d"},
		{"a.com:80", "/", "a.com:80/"},
		{"", "/", "/"},
		{"a.com", "http://b.com/c", "b.com/c"},
		{"a.com", "://b", "a.com://b"},
		{"a.com", "http://user:p@ss@b.com:80/c@d", "b.com:80/c@d"},
		{"a.com", "http://b.com", "b.com/"},
		{"a.com", "http://u@b.com?x=1", "b.com/?x=1"},
	} {
		if got := string(AppendHostTarget(nil, []byte(test.host), []byte(test.target))); got != test.want {
			t.Errorf("AppendHostTarget(%q, %q) = %q, want %q", test.host, test.target, got, test.want)
		}
	}
}

func TestHasToken(t *testing.T) {
	for _, test := range []struct {
		list, word string
		want       bool
	}{
		{"keep-alive, Upgrade", "upgrade", true},
		{"Close", "close", true},
		{",\t close ,", "close", true},
		{"closed", "close", false},
		{"not close", "close", false},
		{"", "close", false},
	} {
		if got := HasToken([]byte(test.list), test.word); got != test.want {
			t.Errorf("HasToken(%q, %q) = %v", test.list, test.word, got)
		}
	}
}

func TestValid(t *testing.T) {
	for _, test := range []struct {
		text                string
		name, value, target bool
	}{
		{"", false, true, false},
		{"X-Name_1", true, true, true},
		{"two words", false, true, false},
		{"a\tb", false, true, false},
		{"a:b", false, true, true},
		{"caf\xc3\xa9", false, true, true},
		{"a\rb", false, false, false},
		{"a\nb", false, false, false},
		{"a\x00b", false, false, false},
		{"a\x7fb", false, false, false},
	} {
		if got := ValidHeaderName(test.text); got != test.name {
			t.Errorf("ValidHeaderName(%q) = %v", test.text, got)
		}
		if got := ValidHeaderValue([]byte(test.text)); got != test.value {
			t.Errorf("ValidHeaderValue(%q) = %v", test.text, got)
		}
		if got := ValidTarget(test.text); got != test.target {
			t.Errorf("ValidTarget(%q) = %v", test.text, got)
		}
	}
	const tchar = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	for c := range 256 {
		if isTchar(byte(c)) != (strings.IndexByte(tchar, byte(c)) >= 0) {
			t.Errorf("isTchar(%q) = %v", byte(c), isTchar(byte(c)))
		}
	}
}
