package link

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// A ForeignError says that a sender without TLS has reached something that is no
// receiver of its kind.
type ForeignError struct {
	// Status is the first line of the answer of an HTTP server; "" is a receiver
	// that speaks TLS.
	Status string
}

func (e *ForeignError) Error() string {
	if e.Status == "" {
		return "the receiver speaks TLS"
	}
	return fmt.Sprintf("this is no Gor but an HTTP server: it answers %q", e.Status)
}

const (
	// statusBytes is how much of a status line is shown.
	statusBytes = 60

	// httpStart begins every answer of a server that does not understand a
	// request, whatever its version of HTTP/1.
	httpStart = "HTTP/1."

	// alertRecord begins a TLS record that holds an alert, of TLS 1.x (RFC 8446
	// section 5.1).
	alertRecord = "\x15\x03"

	// unexpectedMessage is a whole one: fatal, unexpected_message (section 6.2).
	// A receiver with TLS says it to a sender without.
	unexpectedMessage = alertRecord + "\x01\x00\x02\x02\x0a"
)

// foreign tells from what was read and is not a frame what answers there; nil is
// something unknown.
func (c *senderConn) foreign() error {
	b, _ := c.in.Peek(c.in.Buffered()) // which is there
	switch {
	case c.counted == nil && bytes.HasPrefix(b, []byte(alertRecord)):
		return &ForeignError{}
	case bytes.HasPrefix(b, []byte(httpStart)):
		line, _, _ := bytes.Cut(b, []byte{'\n'})
		line = bytes.TrimSuffix(line, []byte{'\r'})
		return &ForeignError{Status: string(line[:min(len(line), statusBytes)])}
	}
	return nil
}

// hinted adds to an error what the sender's side can do about it.
func (s *Sender) hinted(err error) error {
	if foreign := (*ForeignError)(nil); errors.As(err, &foreign) && s.cfg.ForeignHint != nil {
		return fmt.Errorf("%w; %s", err, s.cfg.ForeignHint(foreign))
	}
	return err
}

// httpWords is what is said of an HTTP request.
const httpWords = "HTTP; this is the port for --output-tcp of another Gor, and --input-http takes requests"

// httpRefusal is the answer to it: whoever sent it sees more than a connection
// that was closed.
func httpRefusal() string {
	const text = "This is the --input-tcp of a Gor, which takes what the --output-tcp of another one sends. HTTP requests are taken by --input-http.\n"
	return fmt.Sprintf("HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", len(text), text)
}

// sayRefused tells a stranger why it loses its connection in words of its own
// protocol.
func (p *peer) sayRefused(text string) {
	p.raw.SetWriteDeadline(time.Now().Add(leaveTime))
	w := p.raw
	if p.tls != nil && p.tls.ConnectionState().HandshakeComplete {
		w = p.tls
	}
	_, _ = io.WriteString(w, text) // or it never knows
}

// looksHTTP reports whether b begins as a request does: a method and a blank
// (RFC 9110 section 9.1), or as much of a method as there is.
func looksHTTP(b []byte) bool {
	method, _, _ := strings.Cut(string(b), " ")
	return len(method) >= len("GET") && strings.Trim(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}
