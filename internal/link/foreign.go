package link

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// A ForeignError says that a sender without TLS has reached something that is no
// receiver of its kind.
type ForeignError struct {
	// Status is the first line of the answer of an HTTP server, which may be that
	// of a page without a status line.
	Status string

	// Said is the first line of what is neither HTTP nor TLS. Without any of both
	// it is a receiver that speaks TLS.
	Said string
}

func (e *ForeignError) Error() string {
	switch {
	case e.Status != "":
		return fmt.Sprintf("this is no Gor but an HTTP server: it answers %q", e.Status)
	case e.Said != "":
		return fmt.Sprintf("this is no Gor: it answers %q", e.Said)
	}
	return "the receiver speaks TLS"
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

// foreign tells what answers there: why is the error with which the first frame
// of the receiver was read. Nil is a connection on which nothing came, or not yet
// all of a frame.
func (c *senderConn) foreign(why error) error {
	b, _ := c.in.Peek(c.in.Buffered()) // which is there
	line, _, _ := bytes.Cut(b, []byte{'\n'})
	line = bytes.TrimSuffix(line, []byte{'\r'})
	first := string(line[:min(len(line), statusBytes)])
	switch {
	case c.counted == nil && bytes.HasPrefix(b, []byte(alertRecord)):
		return &ForeignError{}
	case bytes.HasPrefix(b, []byte(httpStart)), looksHTML(b):
		return &ForeignError{Status: first}
	case first != "" && !errors.Is(why, os.ErrDeadlineExceeded):
		return &ForeignError{Said: first}
	}
	return nil
}

// looksHTML reports whether b begins as the page does with which some servers
// answer what they cannot read, as by HTTP/0.9 without a status line.
func looksHTML(b []byte) bool {
	b = bytes.ToLower(bytes.TrimLeft(b[:min(len(b), statusBytes)], " \r\n\t"))
	return bytes.HasPrefix(b, []byte("<!doctype html")) || bytes.HasPrefix(b, []byte("<html"))
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
