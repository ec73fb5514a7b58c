package testkit

import (
	"context"
	"io"
	"net"
	"sync/atomic"

	"github.com/buger/gor/internal/http1"
)

// OK200 is an answer that keeps the connection.
const OK200 = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// ReadRequest reads one HTTP request off a connection, and nothing behind it.
func ReadRequest(c io.Reader) ([]byte, error) {
	var p http1.Parser
	p.ResetRequest()
	var raw []byte
	var b [1]byte
	for {
		if _, err := c.Read(b[:]); err != nil {
			return raw, err
		}
		raw = append(raw, b[0])
		if _, done, err := p.Feed(b[:]); err != nil || done {
			return raw, err
		}
	}
}

// ResetConn closes a TCP connection with RST.
func ResetConn(c net.Conn) {
	c.(*net.TCPConn).SetLinger(0)
	c.Close()
}

// Answering returns a RawTarget's handler that gives these answers to requests,
// in turn.
func Answering(answers ...string) func(c net.Conn, n int) {
	return func(c net.Conn, _ int) {
		for i := 0; ; i++ {
			if _, err := ReadRequest(c); err != nil {
				return
			}
			io.WriteString(c, answers[i%len(answers)])
		}
	}
}

// A Dial makes outgoing connections, as net.Dialer.DialContext does.
type Dial = func(ctx context.Context, network, address string) (net.Conn, error)

// CountDials returns dial, which adds to n each time that it is called.
func CountDials(dial Dial, n *atomic.Int64) Dial {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		n.Add(1)
		return dial(ctx, network, address)
	}
}

// DialTo returns a Dial that connects to addr whatever the address.
func DialTo(addr string) Dial {
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, addr)
	}
}
