package main

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"syscall"

	"github.com/buger/gor/internal/stats"
)

// Why a request has no answer. The values are indexes into the counters of
// newHTTPReasons, whose names are in this order.
const (
	failMalformed = iota
	failConnect
	failRefused
	failUnreachable
	failDNS
	failTLS
	failFiles
	failConnectTimeout
	failDown
	failWriteTimeout
	failTimeout
	failSlow
	failReset
	failClosed
	failCut
	failBadResponse
	failAnswerMemory
	failNotRequest

	sendable  = -1 // of a request: nothing speaks against sending it
	delivered = -1 // of an outcome: an answer came, whatever its status
)

func newHTTPReasons() *stats.Reasons {
	return stats.NewReasons(append(stats.List(stats.Failed,
		"malformed request", "CONNECT not replayed", "refused", "unreachable", "name not found", "TLS",
		"too many open files", "connect timeout", "target down", "timeout while sending", "timeout", "timeout within the answer",
		"reset", "closed without an answer", "answer cut short", "bad response", "no memory for the answer"),
		stats.Count{Name: ignoredRow, Kind: stats.Ignored}))
}

// An outcome is what became of one request.
type outcome struct {
	status int
	reason int  // delivered, or why not
	sent   bool // all of it was written to a connection
}

// timedOut reports whether all that was learnt is that time went by.
func (o outcome) timedOut() bool {
	switch o.reason {
	case failConnectTimeout, failWriteTimeout, failTimeout, failSlow:
		return true
	}
	return false
}

// errBadResponse is an answer that is no HTTP/1 response, or one with a head
// above the bound.
var errBadResponse = errors.New("bad response")

// errAnswerMemory is an answer that was given up because all connections
// together hold as much of answers as they may.
var errAnswerMemory = errors.New("no memory for the answer")

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout()
}

// failure names the reason for which an exchange failed with err. sent says
// that the whole request was written, got that a byte of an answer had come.
func failure(err error, sent, got bool) int {
	var op *net.OpError
	switch {
	case errors.Is(err, errBadResponse):
		return failBadResponse
	case errors.Is(err, errAnswerMemory):
		return failAnswerMemory
	case isTimeout(err) && got:
		return failSlow
	case isTimeout(err) && !sent:
		return failWriteTimeout
	case isTimeout(err):
		return failTimeout
	case errors.As(err, &op) && op.Op == "remote error": // an alert: crypto/tls says so in no other way
		return failTLS
	case got:
		return failCut
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return failClosed
	default:
		return failReset
	}
}

// dialFailure names the reason for which there is no connection.
func dialFailure(err error) int {
	var dns *net.DNSError
	var handshake *tlsError
	switch {
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return failFiles
	case isTimeout(err), errors.Is(err, context.DeadlineExceeded):
		return failConnectTimeout
	case errors.As(err, &dns):
		return failDNS
	case errors.As(err, &handshake):
		return failTLS
	case errors.Is(err, syscall.ECONNREFUSED):
		return failRefused
	default:
		return failUnreachable
	}
}

// tlsError is a handshake that failed.
type tlsError struct{ error }

func (e *tlsError) Unwrap() error { return e.error }

// Error ends with what to type when the certificate is the matter.
func (e *tlsError) Error() string {
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	text := "TLS: " + e.error.Error()
	if errors.As(e.error, &authority) || errors.As(e.error, &host) || errors.As(e.error, &invalid) {
		text += "; --output-http-skip-verify sends all the same"
	}
	return text
}
