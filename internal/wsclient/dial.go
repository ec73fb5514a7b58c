package wsclient

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/coder/websocket"

	"github.com/buger/gor/internal/outbound"
)

const (
	// dialTimeout bounds connect, TLS and the WebSocket handshake together.
	dialTimeout = 10 * time.Second

	// StallTimeout is a good Stall of a Config: twice what the library gives the
	// server for the answer to a ping.
	StallTimeout = 10 * time.Second

	// answerHead bounds the head of the server's answer, in bytes.
	answerHead = 64 << 10
)

// A conn is one connection to the server.
type conn struct {
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

// dial opens a connection and has the handshake made. Nothing comes from the
// environment, no proxy either, and no redirection is followed: the traffic
// goes where the address says.
func (c *Config) dial(ctx context.Context) (*conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	raw, err := c.Dial(ctx, "tcp", c.Target.dial)
	if err != nil {
		return nil, fmt.Errorf("cannot connect: %w", err)
	}
	ws, err := c.handshake(ctx, &stallConn{raw, c.Stall})
	if err != nil {
		raw.Close()
		return nil, err
	}
	ws.SetReadLimit(-1) // what comes is dropped as it comes, see drop
	return &conn{Conn: ws, raw: raw, dead: make(chan struct{})}, nil
}

func (c *Config) handshake(ctx context.Context, below net.Conn) (*websocket.Conn, error) {
	if c.TLS != nil {
		secure := tls.Client(below, c.TLS())
		if err := secure.HandshakeContext(ctx); err != nil {
			return nil, &outbound.TLSError{Err: err, Hint: c.CertificateHint}
		}
		below = secure
	}
	given := false
	ws, answer, err := websocket.Dial(ctx, c.Target.url, &websocket.DialOptions{
		HTTPHeader: c.Target.header,
		HTTPClient: &http.Client{
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			Transport: &http.Transport{
				DisableKeepAlives:      true,
				MaxResponseHeaderBytes: answerHead,
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
		return ws, nil
	case answer != nil && answer.StatusCode != http.StatusSwitchingProtocols:
		return nil, statusError(answer.StatusCode)
	case errors.As(err, &request): // its text repeats the address
		err = request.Err
	}
	return nil, fmt.Errorf("no WebSocket handshake: %w", err)
}

// drop reads until the connection ends, because the library answers pings and
// close frames only to who reads. Messages are dropped piece by piece, however
// long they are.
func (c *conn) drop() {
	defer close(c.dead)
	defer c.raw.Close() // the library has written its close frame, if any
	for {
		_, r, err := c.Reader(context.Background())
		if err == nil {
			_, err = io.Copy(io.Discard, r)
		}
		if err != nil {
			c.err, c.told = lost(err), websocket.CloseStatus(err) != -1
			return
		}
	}
}

// lost says why a connection has ended.
func lost(err error) error {
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
