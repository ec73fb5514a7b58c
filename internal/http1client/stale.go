package http1client

import "net"

// stale reports whether the kept connection can carry no request any more: the
// target has closed it, or has sent what nobody asked for, such as a 408 that
// announces the end.
func (c *conn) stale() bool {
	if c.source == nil {
		return !c.look.quiet()
	}
	// With TLS, records may have come that are not content, such as session
	// tickets, and the one that is the end may have been read with the last
	// answer. Only crypto/tls can tell; it is not let wait.
	if c.in == nil { // it has carried nothing yet
		c.in = make([]byte, readLeast)
	}
	c.source.noWait = true
	n, err := c.conn.Read(c.in)
	c.source.noWait = false
	return n > 0 || err != errNothingCame
}

// A tlsSource is the connection below TLS.
type tlsSource struct {
	net.Conn
	look   *peek
	noWait bool
}

func (s *tlsSource) Read(p []byte) (int, error) {
	if s.noWait && s.look.quiet() {
		return 0, errNothingCame
	}
	return s.Conn.Read(p)
}

// errNothingCame is what a read that may not wait returns. It is a temporary
// net.Error, after which crypto/tls can go on where it was.
var errNothingCame net.Error = nothingCame{}

type nothingCame struct{}

func (nothingCame) Error() string   { return "nothing came" }
func (nothingCame) Timeout() bool   { return true }
func (nothingCame) Temporary() bool { return true }
