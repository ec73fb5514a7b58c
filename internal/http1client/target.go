package http1client

import (
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/buger/gor/internal/address"
)

// A Target is where requests are sent, as its address says.
type Target struct {
	dial   string // host:port to connect to
	host   string // the Host header: without a default port
	server string // the name for TLS; "" for plain HTTP
	auth   string // the Authorization header; "" for none
	prefix string // put before the recorded path; no slash at its end
	label  string // the URL's fragment; "" for none
}

// longestLabel bounds a label, in bytes: it has to fit in a record's header beside all
// that may stand there.
const longestLabel = 32

// validLabel reports whether a label is letters, digits, - _ and dots.
func validLabel(s string) bool {
	return len(s) <= longestLabel && !strings.ContainsFunc(s, func(r rune) bool {
		return r != '-' && r != '_' && r != '.' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
}

// wantTarget ends every refusal of an address.
const wantTarget = "want a target such as staging.com, staging.com:8080, [::1]:8080 or https://user:pass@staging.com/path"

// ParseTarget reads staging.com, staging.com:8080, [::1]:8080, http:// and
// https:// URLs, with user:pass@ and a path.
func ParseTarget(addr string) (*Target, error) {
	if addr == "" {
		return nil, errors.New("the address is empty; " + wantTarget)
	}
	if i := strings.IndexFunc(addr, address.BlankOrControl); i >= 0 {
		return nil, fmt.Errorf("%q has a space or control character in it; %s", addr, wantTarget)
	}
	u, err := address.Parse(addr, "http")
	if err != nil {
		return nil, fmt.Errorf("%q is not a target: %w; %s", addr, err, wantTarget)
	}
	t := &Target{prefix: strings.TrimRight(u.EscapedPath(), "/"), label: u.Fragment}
	host := u.Hostname()
	usual := "80"
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("%q: %s is not a scheme that Gor can send requests with; %s", addr, u.Scheme, wantTarget)
	case host == "" || mistypedScheme(u):
		return nil, fmt.Errorf("%q has no host; %s", addr, wantTarget)
	case strings.ContainsFunc(host, func(c rune) bool { return c > '~' }):
		return nil, fmt.Errorf("%q: write the host %s as DNS has it, in its xn-- form", addr, host)
	case u.RawQuery != "" || u.ForceQuery:
		return nil, fmt.Errorf("%q has a query, which requests bring themselves; %s", addr, wantTarget)
	case strings.HasSuffix(addr, "#") || !validLabel(u.Fragment):
		return nil, fmt.Errorf("%q: what is behind # labels the target's answers: want up to %d letters, digits, - _ and dots, such as #candidate", addr, longestLabel)
	case u.Scheme == "https":
		t.server, usual = host, "443"
	}
	port := u.Port()
	if port == "" {
		port = usual
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		return nil, fmt.Errorf("%q: %s is not a port; %s", addr, port, wantTarget)
	}
	t.dial = net.JoinHostPort(host, port)
	t.host = address.HostHeader(host, port, usual)
	if u.User != nil {
		password, _ := u.User.Password()
		t.auth = "Basic " + base64.StdEncoding.EncodeToString([]byte(u.User.Username()+":"+password))
	}
	return t, nil
}

// mistypedScheme reports whether what was read as the host is a scheme with one
// slash behind it, as in http:/staging.com, or without its colon, as in
// http//staging.com.
func mistypedScheme(u *url.URL) bool {
	if strings.HasPrefix(u.Path, "//") && (strings.EqualFold(u.Host, "http") || strings.EqualFold(u.Host, "https")) {
		return true
	}
	return strings.EqualFold(u.Host, "http:") || strings.EqualFold(u.Host, "https:")
}

// String is the target for people, without the password.
func (t *Target) String() string {
	scheme := "http://"
	if t.server != "" {
		scheme = "https://"
	}
	if t.label != "" {
		return scheme + t.host + t.prefix + "#" + t.label
	}
	return scheme + t.host + t.prefix
}

// Label is what the target's answers are marked with; empty for nothing.
func (t *Target) Label() string { return t.label }

// Address is the host and port to connect to.
func (t *Target) Address() string { return t.dial }

// TLS returns how to speak TLS with the target, or nil when it is plain HTTP.
// skipVerify takes any certificate.
func (t *Target) TLS(skipVerify bool) *tls.Config {
	if t.server == "" {
		return nil
	}
	return &tls.Config{
		ServerName:         t.server,
		InsecureSkipVerify: skipVerify,
		NextProtos:         []string{"http/1.1"},
		ClientSessionCache: tls.NewLRUClientSessionCache(resumable),
	}
}
