package evloop

import (
	"io"
	"net"
	"sync"
	"testing"

	"github.com/buger/gor/internal/testkit"
)

// An echo is told what comes, and answers it.
type echo struct {
	mu   sync.Mutex
	sock *Socket
	got  []byte
	end  chan error
}

func (e *echo) Ready(buf []byte, _ bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for e.sock != nil {
		n, err := e.sock.Read(buf)
		if err == ErrWait {
			return
		}
		if err != nil {
			e.sock.Close()
			e.sock = nil
			e.end <- err
			return
		}
		e.got = append(e.got, buf[:n]...)
		if _, err := e.sock.Write(buf[:n/2], buf[n/2:n]); err != nil {
			e.end <- err
		}
	}
}

// TestLoops: connections of all loops are read and written, and their end is told.
func TestLoops(t *testing.T) {
	if !Supported {
		t.Skip("no event loops on this system")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	testkit.Must(t, err)
	defer l.Close()
	var loops Loops
	for range 2*most() + 1 {
		dialed, err := net.Dial("tcp", l.Addr().String())
		testkit.Must(t, err)
		other, err := l.Accept()
		testkit.Must(t, err)
		e := &echo{end: make(chan error, 10)}
		e.mu.Lock()
		e.sock, err = loops.Adopt(dialed, e)
		testkit.Must(t, err)
		if !e.sock.Quiet() {
			t.Error("something came already")
		}
		e.mu.Unlock()
		for _, text := range []string{"a", "hello", "more of it"} {
			_, err := io.WriteString(other, text)
			testkit.Must(t, err)
			back := make([]byte, len(text))
			if _, err := io.ReadFull(other, back); err != nil || string(back) != text {
				t.Fatalf("got %q, %v; want %q", back, err, text)
			}
		}
		other.Close()
		if err := <-e.end; err != io.EOF {
			t.Errorf("ended with %v", err)
		}
		if string(e.got) != "ahellomore of it" {
			t.Errorf("read %q", e.got)
		}
	}
	loops.Close()
	c, _ := net.Pipe()
	if _, err := loops.Adopt(c, &echo{}); err != ErrClosed {
		t.Errorf("adopted after Close: %v", err)
	}
	var others Loops
	defer others.Close()
	if _, err := others.Adopt(c, &echo{}); err != ErrUnsupported {
		t.Errorf("adopted what is no socket: %v", err)
	}
}
