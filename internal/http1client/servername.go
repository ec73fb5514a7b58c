package http1client

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"net"

	"github.com/buger/gor/internal/http1"
)

const (
	// longestName is the longest name of a host, in bytes (RFC 1035 section 2.3.4).
	longestName = 253

	// resumable is how many servers' sessions are kept for resumption.
	resumable = 64
)

// named returns how a connection for a name speaks TLS. The certificate has to be
// for that name or, as for every connection, for the target's: a stand-in has
// often a certificate of its own. When the target's address has a password, which
// is sent with each request, the latter alone will do, since whoever makes requests
// chooses the name.
func (c *conn) named(config *tls.Config) *tls.Config {
	config = config.Clone()
	own := config.ServerName
	config.ServerName = c.name
	if config.InsecureSkipVerify {
		return config
	}
	config.InsecureSkipVerify = true // it is verified here
	config.VerifyConnection = func(state tls.ConnectionState) error {
		options := x509.VerifyOptions{Roots: config.RootCAs, DNSName: own, Intermediates: x509.NewCertPool()}
		for _, cert := range state.PeerCertificates[1:] {
			options.Intermediates.AddCert(cert)
		}
		_, err := state.PeerCertificates[0].Verify(options)
		if err != nil && c.cfg.Target.auth == "" {
			options.DNSName = c.name
			_, err = state.PeerCertificates[0].Verify(options)
		}
		if err != nil {
			return &tls.CertificateVerificationError{UnverifiedCertificates: state.PeerCertificates, Err: err}
		}
		return nil
	}
	return config
}

// serverName returns the name that TLS asks for when the request is sent: that of
// its host, in small letters, or "" for the target's. last is what was returned
// for the request before.
func (r *sentRequest) serverName(last string) string {
	host, _ := r.Header("Host")
	if authority, _, absolute := http1.CutAbsolute(r.Target()); absolute {
		host = authority[bytes.Index(authority, []byte("://"))+len("://"):]
		host = host[bytes.LastIndexByte(host, '@')+1:]
	}
	if port := bytes.LastIndexByte(host, ':'); port >= 0 {
		host = host[:port]
	}
	host = bytes.TrimSuffix(host, []byte("."))
	if last != "" && bytes.EqualFold(host, []byte(last)) {
		return last
	}
	if !isHostName(host) {
		return ""
	}
	name := string(bytes.ToLower(host))
	if net.ParseIP(name) != nil || name == r.target.server {
		return ""
	}
	return name
}

// isHostName reports whether TLS may ask for a name: letters, digits, hyphens and
// dots, and the underscores that some have.
func isHostName(b []byte) bool {
	other := func(c rune) bool {
		return c != '-' && c != '_' && c != '.' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z')
	}
	return len(b) > 0 && len(b) <= longestName && b[0] != '.' && bytes.IndexFunc(b, other) < 0
}
