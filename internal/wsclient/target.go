package wsclient

import (
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"

	"github.com/buger/gor/internal/address"
)

// A Target is where messages are sent, as its address says.
type Target struct {
	dial   string      // host:port to connect to
	server string      // the name for TLS; "" without
	url    string      // of the handshake's request, without user and password
	shown  string      // for people: without user, password and query, which may be a secret too
	header http.Header // of the handshake: Authorization or nothing
}

// wantWS ends every refusal of an address.
const wantWS = "want an address such as ws://replay.local:28020/endpoint or wss://user:pass@replay.local/endpoint"

// Parse reads ws:// and wss:// URLs, with user:pass@, path and query.
func Parse(addr string) (*Target, error) {
	if addr == "" {
		return nil, errors.New("the address is empty; " + wantWS)
	}
	if i := strings.IndexFunc(addr, address.BlankOrControl); i >= 0 {
		return nil, fmt.Errorf("%q has a space or control character in it; %s", addr, wantWS)
	}
	scheme, rest, found := strings.Cut(addr, "://")
	if !found {
		return nil, fmt.Errorf("%q has no scheme; write ws://%s, or wss://%s for TLS", addr, addr, addr)
	}
	scheme = strings.ToLower(scheme)
	switch scheme {
	case "ws", "wss":
	case "http":
		return nil, fmt.Errorf("%q is not an address of a WebSocket server; write ws://%s", addr, rest)
	case "https":
		return nil, fmt.Errorf("%q is not an address of a WebSocket server; write wss://%s", addr, rest)
	default:
		return nil, fmt.Errorf("%q: %s is not a WebSocket scheme; %s", addr, scheme, wantWS)
	}
	if before, _, found := strings.Cut(addr, "#"); found {
		// RFC 6455 section 3 has no fragments.
		return nil, fmt.Errorf("%q has a fragment, which no server would see; write %s, with %%23 for a # that belongs to it", addr, before)
	}
	u, err := address.Parse(addr, "ws")
	if err != nil {
		return nil, fmt.Errorf("%q is not an address: %w; %s", addr, err, wantWS)
	}
	host, port, usual := u.Hostname(), u.Port(), "80"
	if scheme == "wss" {
		usual = "443"
	}
	if port == "" {
		port = usual
	}
	n, err := strconv.Atoi(port)
	switch {
	case host == "":
		return nil, fmt.Errorf("%q names no host; %s", addr, wantWS)
	case strings.ContainsFunc(host, func(c rune) bool { return c > '~' }):
		return nil, fmt.Errorf("%q: write the host %s as DNS has it, in its xn-- form", addr, host)
	case err != nil || n < 1 || n > 65535:
		return nil, fmt.Errorf("%q: %s is not a port; %s", addr, port, wantWS)
	}
	t := &Target{dial: net.JoinHostPort(host, port), header: http.Header{}}
	if scheme == "wss" {
		t.server = host
	}
	if u.User != nil {
		password, _ := u.User.Password()
		t.header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(u.User.Username()+":"+password)))
	}
	// The handshake goes over a connection that is there already and encrypted
	// if need be, so that the library has to know only the plain scheme.
	u.Scheme, u.User = "ws", nil
	u.Host = address.HostHeader(host, port, usual)
	t.url = u.String()
	u.Scheme, u.RawQuery, u.ForceQuery = scheme, "", false
	t.shown = u.String()
	return t, nil
}

// String is the target for people: without user, password and query, which may
// be a secret too.
func (t *Target) String() string { return t.shown }

// TLS returns how to speak TLS with the target, or nil when it is without.
// skipVerify takes any certificate.
func (t *Target) TLS(skipVerify bool) *tls.Config {
	if t.server == "" {
		return nil
	}
	return &tls.Config{
		ServerName:         t.server,
		InsecureSkipVerify: skipVerify,
		NextProtos:         []string{"http/1.1"}, // the handshake is one of HTTP/1.1 (RFC 6455 section 4.1)
	}
}
