package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/buger/gor/internal/outbound"
	"github.com/coder/websocket"
)

const (
	// wsDialTimeout bounds connect, TLS and the WebSocket handshake together.
	wsDialTimeout = 10 * time.Second

	// wsStall is how long a server may take nothing of what is written before
	// the connection is given up for dead: twice what the library gives it for
	// the answer to a ping.
	wsStall = 10 * time.Second

	// wsAnswerHead bounds the head of the server's answer, in bytes.
	wsAnswerHead = 64 << 10
)

// A wsConn is one connection to the server.
type wsConn struct {
	*websocket.Conn
	raw net.Conn // below all; closing it ends everything at once

	dead chan struct{} // closed when the reading side has ended
	err  error         // why, for people; valid when dead is closed
	told bool          // the server has said why
}

// stallConn gives each write a deadline of its own, so that a long message may
// take its time as long as the server takes some of it.
type stallConn struct {
	net.Conn
	stall time.Duration
}

func (c *stallConn) Write(p []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(c.stall)); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}

// statusError is an answer to the handshake other than 101.
type statusError int

func (e statusError) Error() string {
	text := fmt.Sprintf("the server answers %d %s where a WebSocket server has 101 Switching Protocols", int(e), http.StatusText(int(e)))
	switch e {
	case http.StatusUnauthorized:
		text += "; it wants a name and a password: ws://user:pass@host/path"
	case http.StatusNotFound:
		text += "; look at the path in the address"
	}
	return text
}

// connect opens a connection and has the handshake made. Nothing comes from the
// environment, no proxy either, and no redirection is followed: the traffic
// goes where the address says.
func (o *wsOutput) connect(ctx context.Context) (*wsConn, error) {
	ctx, cancel := context.WithTimeout(ctx, wsDialTimeout)
	defer cancel()
	raw, err := o.dial(ctx, "tcp", o.t.dial)
	if err != nil {
		return nil, fmt.Errorf("cannot connect: %w", err)
	}
	conn, err := o.handshake(ctx, &stallConn{raw, o.stall})
	if err != nil {
		raw.Close()
		return nil, err
	}
	conn.SetReadLimit(-1) // what comes is dropped as it comes, see drop
	return &wsConn{Conn: conn, raw: raw, dead: make(chan struct{})}, nil
}

func (o *wsOutput) handshake(ctx context.Context, below net.Conn) (*websocket.Conn, error) {
	if o.tls != nil {
		secure := tls.Client(below, o.tls)
		if err := secure.HandshakeContext(ctx); err != nil {
			return nil, wsTLSError(err)
		}
		below = secure
	}
	given := false
	conn, answer, err := websocket.Dial(ctx, o.t.url, &websocket.DialOptions{
		HTTPHeader: o.t.header,
		HTTPClient: &http.Client{
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			Transport: &http.Transport{
				DisableKeepAlives:      true,
				MaxResponseHeaderBytes: wsAnswerHead,
				DialContext: func(context.Context, string, string) (net.Conn, error) {
					if given {
						return nil, errors.New("the connection was lost in the handshake")
					}
					given = true
					return below, nil
				},
			},
		},
	})
	var request *url.Error
	switch {
	case err == nil:
		return conn, nil
	case answer != nil && answer.StatusCode != http.StatusSwitchingProtocols:
		return nil, statusError(answer.StatusCode)
	case errors.As(err, &request): // its text repeats the address
		err = request.Err
	}
	return nil, fmt.Errorf("no WebSocket handshake: %w", err)
}

// wsTLSError ends with what to type when the certificate is the matter.
func wsTLSError(err error) error {
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	if errors.As(err, &authority) || errors.As(err, &host) || errors.As(err, &invalid) {
		return fmt.Errorf("TLS: %w; --output-ws-skip-verify sends all the same", err)
	}
	return fmt.Errorf("TLS: %w", err)
}

// drop reads until the connection ends, because the library answers pings and
// close frames only to who reads. Messages are dropped piece by piece, however
// long they are.
func (c *wsConn) drop() {
	defer close(c.dead)
	defer c.raw.Close() // the library has written its close frame, if any
	for {
		_, r, err := c.Reader(context.Background())
		if err == nil {
			_, err = io.Copy(io.Discard, r)
		}
		if err != nil {
			c.err, c.told = wsLost(err), websocket.CloseStatus(err) != -1
			return
		}
	}
}

// wsLost says why a connection has ended.
func wsLost(err error) error {
	var closed websocket.CloseError
	var op *net.OpError
	switch {
	case errors.As(err, &closed) && closed.Reason != "":
		return fmt.Errorf("the server closed the connection with status %d: %q", int(closed.Code), closed.Reason)
	case errors.As(err, &closed) && closed.Code != websocket.StatusNoStatusRcvd:
		return fmt.Errorf("the server closed the connection with status %d", int(closed.Code))
	case errors.As(err, &closed), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the server closed the connection")
	case outbound.IsTimeout(err):
		return errors.New("the server does not read any more")
	case errors.As(err, &op): // without the library's words for where it was
		err = op
	}
	return fmt.Errorf("connection lost: %w", err)
}

const (
	// wsRestate is how often a lasting failure is said again, and wsTellAgain
	// bounds how often a server that comes and goes is told of.
	wsRestate   = time.Minute
	wsTellAgain = 10 * time.Second
)

// wsTrouble keeps the log short: a failure is said when it begins, when the
// server's answer is another one, and once in a while when it lasts.
type wsTrouble struct {
	logf   func(format string, args ...any)
	since  time.Time // zero: none
	said   time.Time
	told   bool // that there is trouble
	status statusError
}

func (t *wsTrouble) note(now time.Time, err error) {
	var status statusError
	errors.As(err, &status)
	if t.since.IsZero() {
		t.since = now
	}
	quiet := wsTellAgain
	if t.told {
		quiet = wsRestate
	}
	if !t.said.IsZero() && now.Sub(t.said) < quiet && status == t.status {
		return
	}
	t.said, t.told, t.status = now, true, status
	t.logf("%v; trying again", err)
}

// over notes that a message was written.
func (t *wsTrouble) over(now time.Time) {
	if t.told {
		t.logf("sends again after %s", now.Sub(t.since).Round(time.Millisecond))
	}
	t.since, t.told = time.Time{}, false
}
