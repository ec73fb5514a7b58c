package link

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/buger/gor/internal/testkit"
)

// What answers a plain stream is no receiver of it: nothing counts as delivered
// that its system took, and the log says what answers.
func TestForeignAnswerToThePlainStream(t *testing.T) {
	for _, tt := range []struct{ answer, want string }{
		{"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", `this is no Gor but an HTTP server: it answers "HTTP/1.1 400 Bad Request"; hint of an HTTP server`},
		{"<!DOCTYPE HTML>\n<html lang=\"en\">\n", `this is no Gor but an HTTP server: it answers "<!DOCTYPE HTML>"; hint of an HTTP server`},
		{"220 mail ESMTP\r\n", `this is no Gor: it answers "220 mail ESMTP"; hint of another`},
		{"-ERR\r\n", `this is no Gor: it answers "-ERR"; hint of another`},
		{unexpectedMessage, "the receiver speaks TLS; hint of TLS"},
	} {
		l := listen(t)
		go func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				go func() {
					_, _ = io.ReadFull(conn, make([]byte, 64))
					_, _ = io.WriteString(conn, tt.answer)
					_, _ = io.Copy(io.Discard, conn)
					conn.Close()
				}()
			}
		}()
		var mu sync.Mutex
		var told []string
		src := newTestSource()
		s := NewSender(SenderConfig{
			Dial: func(ctx context.Context) (net.Conn, error) {
				var d net.Dialer
				return d.DialContext(ctx, "tcp", l.Addr().String())
			},
			Plain: PlainAlways,
			ForeignHint: func(e *ForeignError) string {
				switch {
				case e.Status != "":
					return "hint of an HTTP server"
				case e.Said != "":
					return "hint of another"
				}
				return "hint of TLS"
			},
			Logf: func(format string, args ...any) {
				mu.Lock()
				defer mu.Unlock()
				told = append(told, fmt.Sprintf(format, args...))
			},
		}, src)
		for i := range 50 {
			src.ch <- message(1, uint32(i), 100)
		}
		close(src.ch)
		testkit.Eventually(t, "the messages are given up", func() bool { return count(s.Counts(), "failed: a plain connection broke that held it") == 50 })
		testkit.Eventually(t, "told "+tt.want, func() bool {
			mu.Lock()
			defer mu.Unlock()
			return strings.Contains(strings.Join(told, "\n"), tt.want)
		})
		s.Close()
	}
}

// A receiver with TLS that is late the next time, as on a busy machine, is not
// taken for an old one, which gets the plain stream.
func TestForeignIsAskedForLonger(t *testing.T) {
	l := listen(t)
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			io.WriteString(conn, unexpectedMessage)
			conn.Close()
		}
	}()
	src := newTestSource()
	src.ch <- message(1, 0, 10)
	s := newHastySender(t, l.Addr().String(), src, false, time.Second)
	for deadline := time.Now().Add(time.Minute); s.answerWait() < 4*time.Second; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("an answer is waited for %s", s.answerWait())
		}
	}
}
