package address

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestRedact(t *testing.T) {
	for in, want := range map[string]string{
		"":                                "",
		":80":                             ":80",
		"requests.gor":                    "requests.gor",
		"/var/log/%Y@host/x.gor":          "/var/log/%Y@host/x.gor",
		"staging.com:8080":                "staging.com:8080",
		"[::1]:8080|10%":                  "[::1]:8080|10%",
		"http://bob:hunter2@stag/p":       "http://bob:xxxxx@stag/p",
		"bob:hunter2@stag:8080|10":        "bob:xxxxx@stag:8080|10",
		"https://ghp_1234@stag":           "https://xxxxx@stag",
		"http://bob:hun/ter2@stag/p":      "http://bob:xxxxx@stag/p",
		"http://bob:hun@ter2@stag":        "http://bob:xxxxx@stag",
		"http://bob:h%zz@stag":            "http://bob:xxxxx@stag",
		"http:/bob:pw12@stag/p":           "http:/bob:xxxxx@stag/p",
		"//bob:pw12@stag:81":              "//bob:xxxxx@stag:81",
		"//var/log/a:b@c.gor":             "//var/log/a:b@c.gor",
		"http://stag/a@b":                 "http://stag/a@b",
		"http://bob:pw@stag/a@b?x=@":      "http://bob:xxxxx@stag/a@b?x=@",
		"ws://s/x?token=abc&b=1":          "ws://s/x?token=xxxxx&b=1",
		"ws://s/x?b=1&X-Amz-Signature=ab": "ws://s/x?b=1&X-Amz-Signature=xxxxx",
		"ws://s/x?access_token=abc|10":    "ws://s/x?access_token=xxxxx|10",
		"ws://s/x#api_key=a":              "ws://s/x#api_key=xxxxx",
		"api_key=123":                     "api_key=xxxxx",
		"user_id=123":                     "user_id=123",
		"Authorization: Bearer abc":       "Authorization: xxxxx",
		"authorization:abc":               "authorization:xxxxx",
		"X-Api-Key: 1":                    "X-Api-Key: xxxxx",
		"User-Agent: Gor":                 "User-Agent: Gor",
		"Cookie: a=b, c":                  "Cookie: xxxxx",
	} {
		if got := Redact(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
		if got := Redact(Redact(in)); got != want {
			t.Errorf("%q: again %q, want %q", in, got, want)
		}
	}
}

func TestRedactError(t *testing.T) {
	inner := errors.New("no port")
	value := "http://bob:hunter2@stag:x?token=SEKRET"
	err := RedactError(fmt.Errorf("%q: ter :hunter2 is wrong, SEKRET too: %w", value, inner), value)
	if text := err.Error(); strings.Contains(text, "hunter2") || strings.Contains(text, "SEKRET") || !errors.Is(err, inner) {
		t.Errorf("%v", err)
	}
	if RedactError(nil, value) != nil || RedactError(inner, "plain") != inner {
		t.Error("what has no secret is not left alone")
	}
}

func TestParse(t *testing.T) {
	for _, text := range []string{"http://bob:hun/ter2@stag", "bob:hun ter2@stag", "http://bob:%zz@stag"} {
		if _, err := Parse(text, "http"); err == nil || strings.Contains(err.Error(), "hun") || strings.Contains(err.Error(), "zz") {
			t.Errorf("%q: %v", text, err)
		}
	}
	u, err := Parse("stag:80/x", "http")
	if err != nil || u.Scheme != "http" || u.Host != "stag:80" {
		t.Errorf("%v, %v", u, err)
	}
}

func FuzzRedact(f *testing.F) {
	f.Add("http://bob:hunter2@stag?token=x")
	f.Fuzz(func(t *testing.T, s string) {
		once := Redact(s)
		if len(once) > len(s)+len(Mask)*(1+strings.Count(s, "=")) {
			t.Fatalf("%q grows to %q", s, once)
		}
	})
}
