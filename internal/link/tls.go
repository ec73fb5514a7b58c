package link

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"time"

	"github.com/buger/gor/internal/outbound"
)

// TLS lies below the link: the same bytes go over it. Two things differ.
// A sender of the plain stream never reads, and so nothing must come to it
// after the handshake either: a session ticket that it leaves unread would
// have its system reset the connection when it closes it, and destroy what is
// still in flight. And Close of a tls.Conn may wait for its peer to take the
// closing alert: where that must not be, the connection below is closed.

const (
	// handshakeTime is how long a peer may take for its handshake, and how
	// long it may not take what is written.
	handshakeTime = 10 * time.Second

	// handshakeBytes is how much it may send for that. The first message and a
	// chain of certificates have some ten kilobytes, and what is not whole
	// yet is held in memory, for as many connections as there may be.
	handshakeBytes = 32 << 10
)

var errLongHandshake = errors.New("its handshake is too long")

// belowTLS is the connection below a receiver's TLS. It bounds what is read
// before the handshake is over, and the time for each write: a peer that has
// TLS itself answered, and takes no answer, would stop the reader for ever.
type belowTLS struct {
	net.Conn
	left int  // bytes that the handshake may still read
	over bool // the handshake is
}

func (c *belowTLS) Write(b []byte) (int, error) {
	c.Conn.SetWriteDeadline(time.Now().Add(handshakeTime))
	return c.Conn.Write(b)
}

func (c *belowTLS) Read(b []byte) (int, error) {
	if c.over {
		return c.Conn.Read(b)
	}
	if c.left <= 0 {
		return 0, errLongHandshake
	}
	n, err := c.Conn.Read(b[:min(len(b), c.left)])
	c.left -= n
	return n, err
}

// secure puts TLS on the peer's connection.
func (p *peer) secure(config *tls.Config) {
	config.SessionTicketsDisabled = true
	p.below = &belowTLS{Conn: p.raw, left: handshakeBytes}
	p.tls = tls.Server(p.below, config)
	p.conn = p.tls
}

// handshake is the first that the reader of a connection with TLS does.
func (p *peer) handshake() error {
	if p.tls == nil {
		return nil
	}
	p.raw.SetReadDeadline(time.Now().Add(p.r.cfg.HandshakeWait))
	select {
	case <-p.r.closing: // stopReading may have come before the deadline
		return errClosing
	default:
	}
	err := p.tls.Handshake()
	select {
	case <-p.r.closing:
		return errClosing
	default:
	}
	p.below.over = true
	switch {
	case err == nil:
		return nil
	case errors.Is(err, os.ErrDeadlineExceeded):
		return refuse(countLate, "no whole TLS handshake in %s", p.r.cfg.HandshakeWait)
	case p.below.left == handshakeBytes && isEnd(err):
		return io.EOF // it sent nothing at all, as a probe of the port
	}
	if header := (tls.RecordHeaderError{}); errors.As(err, &header) {
		if looksHTTP(header.RecordHeader[:]) {
			p.sayRefused(httpRefusal())
		} else {
			p.sayRefused(unexpectedMessage)
		}
	}
	return refuse(countTLS, "%s", clientFault(err))
}

// lastWords lets the alert reach a peer whose handshake failed: what it sent
// meanwhile and nobody reads would reset the connection before.
func (p *peer) lastWords() {
	half, ok := p.raw.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return
	}
	p.raw.SetReadDeadline(time.Now().Add(leaveTime))
	select {
	case <-p.r.closing:
		return
	default:
	}
	io.CopyN(io.Discard, p.raw, handshakeBytes)
}

// isEnd reports whether err is the end of a connection, in order or not, and
// not something that TLS found.
func isEnd(err error) bool {
	var op *net.OpError
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.As(err, &op) && (op.Op == "read" || op.Op == "write")
}

// alertOf returns the alert that the other end of a connection has sent.
func alertOf(err error) (text string, ok bool) {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" {
		return "", false
	}
	return op.Err.Error(), true
}

// Alerts about certificates, RFC 8446 section 6.2.
const (
	alertHandshake      = tls.AlertError(40)
	alertBadCertificate = tls.AlertError(42)
	alertExpired        = tls.AlertError(45)
	alertUnknown        = tls.AlertError(46)
	alertUnknownCA      = tls.AlertError(48)
	alertRequired       = tls.AlertError(116)
)

// clientFault says, for the log of a receiver, why a handshake failed.
func clientFault(err error) string {
	var header tls.RecordHeaderError
	if errors.As(err, &header) {
		begin := header.RecordHeader[:]
		if plainStart(begin) || helloLike(begin) {
			return "it speaks no TLS; that Gor needs --output-tcp-secure"
		}
		if looksHTTP(begin) {
			return "it speaks no TLS but " + httpWords
		}
		return "it speaks no TLS"
	}
	if text, ok := alertOf(err); ok {
		if text == alertUnknownCA.Error() || text == alertBadCertificate.Error() || text == alertUnknown.Error() {
			return "it does not accept the certificate of this input, and says: " + text + "; that Gor may need --output-tcp-ca"
		}
		return "it ended the TLS handshake: " + text
	}
	if why := unverified(err); why != "" {
		return "its client certificate is refused: " + why
	}
	switch {
	case err.Error() == "tls: client didn't provide a certificate":
		return "it has no client certificate, which --input-tcp-client-ca requires; that Gor needs --output-tcp-client-cert and --output-tcp-client-key"
	case errors.Is(err, errLongHandshake):
		return errLongHandshake.Error()
	case isEnd(err):
		return "it ended the connection inside the TLS handshake"
	}
	return "the TLS handshake failed: " + err.Error()
}

// unverified says what is wrong with a certificate, if that is what err is
// about.
func unverified(err error) string {
	var (
		failed  *tls.CertificateVerificationError
		unknown x509.UnknownAuthorityError
		invalid x509.CertificateInvalidError
		name    x509.HostnameError
	)
	if !errors.As(err, &failed) {
		return ""
	}
	subject := ""
	if len(failed.UnverifiedCertificates) > 0 {
		subject = failed.UnverifiedCertificates[0].Subject.String()
	}
	switch {
	case errors.As(err, &unknown):
		return fmt.Sprintf("%q is of an unknown authority", subject)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		cert := invalid.Cert
		if time.Now().Before(cert.NotBefore) {
			return fmt.Sprintf("%q is not valid before %s", subject, cert.NotBefore.Format(time.RFC3339))
		}
		return fmt.Sprintf("%q has expired on %s", subject, cert.NotAfter.Format(time.RFC3339))
	case errors.As(err, &name):
		if len(name.Certificate.DNSNames) == 0 && len(name.Certificate.IPAddresses) == 0 {
			return outbound.ExplainTLS(err)
		}
		names := slices.Clone(name.Certificate.DNSNames)
		for _, ip := range name.Certificate.IPAddresses {
			names = append(names, ip.String())
		}
		return fmt.Sprintf("it is for %q, not for %q", names, name.Host)
	}
	return failed.Err.Error()
}

// startTLS does the sender's side of the handshake.
func startTLS(ctx context.Context, conn net.Conn, config *tls.Config) (net.Conn, error) {
	client := tls.Client(conn, config)
	err := client.HandshakeContext(ctx)
	if err == nil {
		return client, nil
	}
	conn.Close()
	var header tls.RecordHeaderError
	why := unverified(err)
	switch {
	case errors.As(err, &header):
		return nil, errors.New("the receiver speaks no TLS; it needs --input-tcp-secure, or this Gor no --output-tcp-secure")
	case why != "":
		if errors.As(err, new(x509.UnknownAuthorityError)) {
			why += "; --output-tcp-ca FILE names the authority that is trusted"
		}
		return nil, fmt.Errorf("the receiver's certificate is refused: %s", why)
	case errors.Is(err, context.DeadlineExceeded):
		return nil, errors.New("the receiver does not answer the TLS handshake; does it have --input-tcp-secure?")
	case isEnd(err):
		return nil, errors.New("the receiver closed the connection in the TLS handshake; does it have --input-tcp-secure?")
	}
	if told := refusedBy(err); told != nil {
		return nil, told
	}
	if why := outbound.ExplainTLS(err); why != "" {
		return nil, errors.New(why)
	}
	return nil, fmt.Errorf("the TLS handshake failed: %w", err)
}

// refusedBy says what a receiver has against this sender, if err is an alert.
// In TLS 1.3 it comes when the sender's side of the handshake is over.
func refusedBy(err error) error {
	text, ok := alertOf(err)
	if !ok {
		return nil
	}
	switch text {
	case alertRequired.Error():
		return errors.New("the receiver requires a client certificate; give one with --output-tcp-client-cert and --output-tcp-client-key")
	case alertUnknownCA.Error():
		return errors.New("the receiver refuses this Gor's client certificate: it is of an authority that its --input-tcp-client-ca does not name")
	case alertExpired.Error():
		return errors.New("the receiver refuses this Gor's client certificate: it has expired; see --output-tcp-client-cert")
	case alertBadCertificate.Error(), alertUnknown.Error():
		return errors.New("the receiver refuses this Gor's client certificate, or that it has none; see --output-tcp-client-cert")
	}
	if text == alertHandshake.Error() { // also what TLS 1.2 has for a missing certificate
		text += "; it may require --output-tcp-client-cert"
	}
	return fmt.Errorf("the receiver ended TLS: %s", text)
}
