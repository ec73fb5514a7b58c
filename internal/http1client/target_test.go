package http1client

import (
	"strings"
	"testing"

	"github.com/buger/gor/internal/testkit"
)

func TestParseTarget(t *testing.T) {
	for _, test := range []struct {
		addr string
		want Target
	}{
		{"staging.com", Target{"staging.com:80", "staging.com", "", "", "", ""}},
		{"staging.com:8080", Target{"staging.com:8080", "staging.com:8080", "", "", "", ""}},
		{"staging.com:80", Target{"staging.com:80", "staging.com", "", "", "", ""}},
		{"staging.com:", Target{"staging.com:80", "staging.com", "", "", "", ""}},
		{"http://staging.com", Target{"staging.com:80", "staging.com", "", "", "", ""}},
		{"http://staging.com/", Target{"staging.com:80", "staging.com", "", "", "", ""}},
		{"HTTP://Staging.com", Target{"Staging.com:80", "Staging.com", "", "", "", ""}},
		{"http://staging.com:443", Target{"staging.com:443", "staging.com:443", "", "", "", ""}},
		{"https://staging.com", Target{"staging.com:443", "staging.com", "staging.com", "", "", ""}},
		{"https://staging.com:443/", Target{"staging.com:443", "staging.com", "staging.com", "", "", ""}},
		{"https://staging.com:8443", Target{"staging.com:8443", "staging.com:8443", "staging.com", "", "", ""}},
		{"staging.com/api", Target{"staging.com:80", "staging.com", "", "", "/api", ""}},
		{"staging.com/api/", Target{"staging.com:80", "staging.com", "", "", "/api", ""}},
		{"staging.com//", Target{"staging.com:80", "staging.com", "", "", "", ""}},
		{"staging.com/a%2Fb/c", Target{"staging.com:80", "staging.com", "", "", "/a%2Fb/c", ""}},
		{"localhost:3000", Target{"localhost:3000", "localhost:3000", "", "", "", ""}},
		{"10.0.0.5:8080", Target{"10.0.0.5:8080", "10.0.0.5:8080", "", "", "", ""}},
		{"[::1]:8080", Target{"[::1]:8080", "[::1]:8080", "", "", "", ""}},
		{"[::1]", Target{"[::1]:80", "[::1]", "", "", "", ""}},
		{"https://[2001:db8::1]/x", Target{"[2001:db8::1]:443", "[2001:db8::1]", "2001:db8::1", "", "/x", ""}},
		{"http://[fe80::1%25eth0]:8080", Target{"[fe80::1%eth0]:8080", "[fe80::1]:8080", "", "", "", ""}},
		{"http://user:pass@staging.com", Target{"staging.com:80", "staging.com", "", "Basic dXNlcjpwYXNz", "", ""}},
		{"user:pass@staging.com:81/p", Target{"staging.com:81", "staging.com:81", "", "Basic dXNlcjpwYXNz", "/p", ""}},
		{"http://us%40er:p%3Aa%2Fss%20w@staging.com", Target{"staging.com:80", "staging.com", "", "Basic dXNAZXI6cDphL3NzIHc=", "", ""}},
		{"http://new#candidate", Target{"new:80", "new", "", "", "", "candidate"}},
		{"staging.com:81/p#v1.2_b-c", Target{"staging.com:81", "staging.com:81", "", "", "/p", "v1.2_b-c"}},
		{"http://user@staging.com", Target{"staging.com:80", "staging.com", "", "Basic dXNlcjo=", "", ""}},
	} {
		got, err := ParseTarget(test.addr)
		if err != nil || *got != test.want {
			t.Errorf("%s:\ngot  %+v, %v\nwant %+v", test.addr, got, err, test.want)
		}
	}
}

func TestParseTargetRefuses(t *testing.T) {
	for _, test := range []struct{ addr, says string }{
		{"", "empty"},
		{"staging .com", `"staging .com" has a space`},
		{"http://user:pass@staging .com", "has a space"},
		{" staging.com", "has a space"},
		{"staging.com\n", "has a space"},
		{"ftp://staging.com", "ftp is not a scheme"},
		{"://staging.com", "missing protocol scheme"},
		{"http:///path", "no host"},
		{"http:/staging.com", "no host"},
		{"HTTPS:/user:pass@staging.com", "no host"},
		{"http://", "no host"},
		{":8080", "no host"},
		{"/var/run/x.sock", "no host"},
		{"staging.com:http", "invalid port"},
		{"staging.com:0", "0 is not a port"},
		{"staging.com:65536", "65536 is not a port"},
		{"staging.com:-1", "invalid port"},
		{"::1", "[::1]:8080"},
		{"::1:8080", "[::1]:8080"},
		{"[staging.com]:80", "invalid host"},
		{"[::1", "missing ']'"},
		{"staging.com?x=1", "query"},
		{"staging.com/?", "query"},
		{"staging.com#", "#candidate"},
		{"staging.com/#a/b", "#candidate"},
		{"staging.com#a%20b", "#candidate"},
		{"staging.com#" + strings.Repeat("x", 33), "#candidate"},
		{"stäging.com", "xn--"},
		{"http://user:pa/ss@staging.com", "cannot be read"},
		{"http://a%zz@staging.com", "cannot be read"},
	} {
		got, err := ParseTarget(test.addr)
		if err == nil {
			t.Errorf("%q is taken: %+v", test.addr, got)
		} else if !strings.Contains(err.Error(), test.says) {
			t.Errorf("%q: %v; want it to say %q", test.addr, err, test.says)
		}
	}
}

func TestTargetHidesThePassword(t *testing.T) {
	target, err := ParseTarget("https://user:secret@staging.com:444/api/")
	testkit.Must(t, err)
	if got, want := target.String(), "https://staging.com:444/api"; got != want {
		t.Errorf("String() = %q, want %q", got, want)
	}
}
