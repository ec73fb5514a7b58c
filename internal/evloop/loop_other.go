//go:build !linux

package evloop

import "net"

// Supported says that there are loops on this system.
const Supported = false

type loop struct{}

func newLoop() (*loop, error) { return nil, ErrUnsupported }
func (l *loop) close()        {}

func (l *loop) adopt(net.Conn, Handler) (*Socket, error) { return nil, ErrUnsupported }

// A Socket is a connection of a loop; there are none here.
type Socket struct{}

func (s *Socket) Read([]byte) (int, error)             { return 0, ErrUnsupported }
func (s *Socket) Write(head, body []byte) (int, error) { return 0, ErrUnsupported }
func (s *Socket) Quiet() bool                          { return false }
func (s *Socket) Again()                               {}
func (s *Socket) Close()                               {}
