package testkit

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
)

// A TurnServer speaks a protocol in turns: a message is four bytes of length
// and as many more, the first of which says what to do; the answer has its hash.
type TurnServer struct {
	net.Listener
	mu    sync.Mutex
	conns [][][]byte // messages by connection
}

// StartTurns serves at an address until the test ends.
func StartTurns(t *testing.T, addr string) *TurnServer {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	Must(t, err)
	return TakeTurns(t, l)
}

// TakeTurns serves the connections of l until the test ends, and ends them then.
func TakeTurns(t *testing.T, l net.Listener) *TurnServer {
	t.Helper()
	s := &TurnServer{Listener: l}
	(&RawTarget{Listener: l}).Serve(t, func(c net.Conn, _ int) {
		s.mu.Lock()
		i := len(s.conns)
		s.conns = append(s.conns, nil)
		s.mu.Unlock()
		s.serve(c, i)
	})
	return s
}

func (s *TurnServer) serve(c net.Conn, i int) {
	defer c.Close()
	for {
		head := make([]byte, 4)
		if _, err := io.ReadFull(c, head); err != nil {
			return
		}
		msg := make([]byte, binary.BigEndian.Uint32(head))
		if _, err := io.ReadFull(c, msg); err != nil {
			return
		}
		s.mu.Lock()
		s.conns[i] = append(s.conns[i], append(head, msg...))
		s.mu.Unlock()
		switch msg[0] {
		case 's': // says nothing
		case 'c': // answers and closes
			c.Write(TurnAnswer(msg))
			return
		case 'x': // closes without an answer
			return
		default:
			c.Write(TurnAnswer(msg))
		}
	}
}

// Seen returns the messages that came so far, by connection.
func (s *TurnServer) Seen() (conns [][][]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append(conns, s.conns...)
}

// TurnAnswer returns the answer to a message, without its length: a line, or ten
// thousand of them when the message begins with 'l'.
func TurnAnswer(msg []byte) []byte {
	h := fnv.New64a()
	h.Write(msg)
	answer := fmt.Appendf(nil, "%x\n🐵🙈🙉\n", h.Sum(nil))
	if msg[0] == 'l' {
		answer = bytes.Repeat(answer, 10_000)
	}
	return answer
}

// Turn makes message n, with its length: random bytes behind kind.
func Turn(kind byte, n int) []byte {
	r := rand.New(rand.NewPCG(uint64(n), 1))
	msg := RandomBytes(r, 1+r.IntN(3000))
	msg[0] = kind
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(msg))), msg...)
}
