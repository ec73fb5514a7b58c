package outbound

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
)

// A TLSError is a handshake that failed.
type TLSError struct {
	Err error

	// Name is what was asked for in place of the target's own name; "" for that.
	Name string

	// Hint is what to type when the certificate or the name is the matter.
	Hint string
}

func (e *TLSError) Unwrap() error { return e.Err }

// Error says what is wrong with the server, in its terms, and ends with the hint
// when its certificate is the matter.
func (e *TLSError) Error() string {
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	text := "TLS: "
	if e.Name != "" {
		text = "TLS for " + e.Name + ": "
	}
	if why := ExplainTLS(e.Err); why != "" {
		text += why
	} else {
		text += e.Err.Error()
	}
	if strings.Contains(e.Err.Error(), unrecognized) || errors.As(e.Err, &authority) || errors.As(e.Err, &host) || errors.As(e.Err, &invalid) {
		text += "; " + e.Hint
	}
	return text
}

// unrecognized is how package tls calls the alert of a server that has no such name
// (RFC 6066 section 3).
const unrecognized = "tls: unrecognized name"

// ExplainTLS says what a failure of a client's handshake means where package
// tls speaks of the protocol, or "".
func ExplainTLS(err error) string {
	var header tls.RecordHeaderError
	var host x509.HostnameError
	text := err.Error()
	switch {
	case errors.As(err, &host) && len(host.Certificate.DNSNames)+len(host.Certificate.IPAddresses) == 0:
		kind := "DNS"
		if net.ParseIP(host.Host) != nil {
			kind = "IP"
		}
		return fmt.Sprintf("the server's certificate has no subjectAltName, so it is for no host (a Common Name does not count: RFC 9525); issue it again with subjectAltName=%s:%s",
			kind, host.Host)
	case strings.Contains(text, unrecognized):
		return "the server has no site of the name that it was asked for (unrecognized_name)"
	case strings.Contains(text, "protocol version not supported"), strings.Contains(text, "unsupported protocol version"):
		return "the server speaks only TLS 1.0 or 1.1, which are deprecated (RFC 8996), and Gor speaks TLS 1.2 and 1.3; let the server speak TLS 1.2, or put a proxy that does before it"
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET):
		return "the server ended the connection in the handshake; is it a plain one, for an address without the s?"
	case errors.As(err, &header):
		return "the server speaks no TLS on this port; is it a plain one, for an address without the s?"
	}
	return ""
}
