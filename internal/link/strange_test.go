package link

import (
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/testkit"
)

// lines collects what is logged.
type lines struct {
	mu  sync.Mutex
	all []string
}

func (l *lines) logf(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range args {
		switch a := a.(type) {
		case string:
			format += " " + a
		case error:
			format += " " + a.Error()
		}
	}
	l.all = append(l.all, format)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.all, "\n")
}

// A peer that sends what is not a link costs itself its connection, with one line
// in the log, and a good sender beside it nothing.
func TestStrangers(t *testing.T) {
	frames := string(appendHello(nil, Identity{1}, 1))
	bad := appendFrame(nil, kindMessage, 1, message(1, 1, 10))
	bad[len(bad)-1] ^= 1
	first := string(appendFrame(nil, kindMessage, 5, message(1, 1, 10)))
	tests := []struct {
		name, sends, says string
		count             int
	}{
		{"zeros", strings.Repeat("\x00", 2000), "not a record", countRefused},
		{"hex lines of 0.9.8", strings.Repeat("47455420", 40) + "\n", "0.9.6", countRefused},
		{"hex that begins like a type", "31206120310a\n", "0.9.6", countRefused},
		{"separators of 0.9.4", "GET / HTTP/1.1\r\n\r\n\xC2\xB6GET", "0.9.4", countRefused},
		{"TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc", "TLS", countRefused},
		{"HTTP", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP", countRefused},
		{"a record without end", "1 a 1 1\n" + strings.Repeat("x", 2<<20), "limit", countTooLarge},
		{"a header without end", "1 a " + strings.Repeat("1", 1000), "not a record", countRefused},
		{"hello without identity", "gor x-1\n" + payload.Separator, "hello", countRefused},
		{"hello without end", "gor " + strings.Repeat("x", 1000), "hello", countRefused},
		{"bad checksum", frames + string(bad), "damaged", countDamaged},
		{"unknown kind", frames + "Z" + string(bad), "damaged", countDamaged},
		{"huge frame", frames + "M\xff\xff\xff\xff" + strings.Repeat("\x01", 12), "limit", countTooLarge},
		{"a gap", frames + first + string(appendFrame(nil, kindMessage, 7, message(1, 2, 10))), "came after", countDamaged},
		{"number zero", frames + string(appendFrame(nil, kindSkip, 0, nil)), "damaged", countDamaged},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := listen(t)
			var log lines
			r := NewReceiver(l, ReceiverConfig{Limit: 1 << 20, Logf: log.logf})
			got := drainInto(r)
			src := newTestSource()
			s := newTestSender(t, l.Addr().String(), src)
			src.ch <- message(9, 0, 100)
			got.await(t, 1)

			conn, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			go io.WriteString(conn, tt.sends)
			conn.SetReadDeadline(time.Now().Add(time.Minute))
			answer, err := io.ReadAll(conn)
			if isTimeout(err) {
				t.Error("the connection was not closed")
			}
			if got := strings.HasPrefix(string(answer), "HTTP/1.1 400 Bad Request\r\n"); got != (tt.name == "HTTP") {
				t.Errorf("it is answered %q", answer)
			}
			conn.Close()
			if !strings.Contains(log.String(), tt.says) || strings.Count(log.String(), "\n") > 0 {
				t.Errorf("log %q, want one line with %q", log.String(), tt.says)
			}
			if n := r.counts.Get(tt.count); n != 1 {
				t.Errorf("%s: %d, want 1", r.counts.Name(tt.count), n)
			}
			src.ch <- message(9, 1, 100)
			close(src.ch)
			s.awaitDone(t)
			r.Close()
			<-got.done
			if got.seen["9/0"] != 1 || got.seen["9/1"] != 1 {
				t.Errorf("the good sender lost messages: %v", got.seen)
			}
		})
	}
}

// wantThirdClosed opens three connections, for the length of the test, and wants the
// last to be closed. It returns the others.
func wantThirdClosed(t *testing.T, l net.Listener) (open []net.Conn) {
	t.Helper()
	for i := range 3 {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		if i < 2 {
			open = append(open, c)
			continue
		}
		c.SetReadDeadline(time.Now().Add(time.Minute))
		if _, err := c.Read(make([]byte, 1)); err == nil || isTimeout(err) {
			t.Errorf("the third connection was not closed: %v", err)
		}
	}
	return open
}

func TestTooManyConnections(t *testing.T) {
	l := listen(t)
	r := NewReceiver(l, ReceiverConfig{Limit: 1 << 20, MaxConns: 2, Logf: quiet(t)})
	defer r.Close()
	wantThirdClosed(t, l)
	if n := r.counts.Get(countCrowded); n != 1 {
		t.Errorf("refused %d, want 1", n)
	}
}

// The connection that was silent longest gives way to a new one; those that
// speak do not.
func TestIdleConnectionGivesWay(t *testing.T) {
	l := listen(t)
	r := NewReceiver(l, ReceiverConfig{Limit: 1 << 20, MaxConns: 2, IdleLeast: 50 * time.Millisecond, Logf: quiet(t)})
	defer r.Close()
	got := make(chan string)
	go func() {
		buf := make([]byte, 1<<10)
		for {
			n, err := r.Read(buf)
			if err != nil {
				close(got)
				return
			}
			got <- string(buf[:n])
		}
	}()
	say := func(c net.Conn, id string) {
		t.Helper()
		if _, err := c.Write(payload.AppendOldRecord(nil, []byte("1 "+id+" 1700000000000000000 0\nGET / HTTP/1.1\r\n\r\n"))); err != nil {
			t.Fatal(err)
		}
		if msg := <-got; !strings.Contains(msg, id) {
			t.Fatalf("got %q, want the message %s", msg, id)
		}
	}
	dial := func() net.Conn {
		t.Helper()
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	silent, speaks := dial(), dial()
	say(silent, "a1")
	time.Sleep(100 * time.Millisecond) // longer than IdleLeast
	say(speaks, "b1")
	say(dial(), "c1")
	say(speaks, "b2")
	silent.SetReadDeadline(time.Now().Add(time.Minute))
	if _, err := silent.Read(make([]byte, 1)); err == nil || isTimeout(err) {
		t.Errorf("the silent connection was not closed: %v", err)
	}
}

func TestSilentPeer(t *testing.T) {
	l := listen(t)
	r := NewReceiver(l, ReceiverConfig{Limit: 1 << 20, FirstWait: 50 * time.Millisecond, Logf: quiet(t)})
	defer r.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetReadDeadline(time.Now().Add(time.Minute))
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("read %v, want EOF", err)
	}
	if n := r.counts.Get(countLate); n != 1 {
		t.Errorf("counted %d, want 1", n)
	}
}

// A message that the receiver does not take is left out, once, and the next
// ones are delivered.
func TestMessageLargerThanReceiversLimit(t *testing.T) {
	l := listen(t)
	r := NewReceiver(l, ReceiverConfig{Limit: 10 << 10, Logf: quiet(t)})
	got := drainInto(r)
	src := newTestSource()
	s := newTestSender(t, l.Addr().String(), src)
	src.ch <- message(1, 0, 100)
	src.ch <- message(1, 7, 20<<10)
	src.ch <- message(1, 1, 9<<10)
	close(src.ch)
	s.awaitDone(t)
	rows := s.Counts()
	if count(rows, "delivered") != 2 || rows[tooLarge].N != 1 {
		t.Errorf("counts %v", rows)
	}
	got.check(t, 1, 2, false)
}

// Read keeps the contract: a short buffer loses nothing, Close gives what is
// held and ends it, and acknowledges no more than was done with.
func TestReadAndClose(t *testing.T) {
	l := listen(t)
	settled := make(chan struct{}, 100)
	r := NewReceiver(l, ReceiverConfig{Limit: 1 << 20, Logf: quiet(t), Settle: func(<-chan struct{}) error {
		settled <- struct{}{}
		return nil
	}})
	src := newTestSource()
	s := newTestSender(t, l.Addr().String(), src)
	for i := range 3 {
		src.ch <- message(1, uint32(i), 100)
	}
	buf := make([]byte, 1<<10)
	if _, err := r.Read(buf[:10]); !errors.Is(err, io.ErrShortBuffer) {
		t.Fatalf("Read into 10 bytes: %v", err)
	}
	for i := range 3 {
		n, err := r.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		if _, k, err := key(buf[:n]); err != nil || k != uint32(i) {
			t.Fatalf("message %d: %d, %v", i, k, err)
		}
		if i == 1 {
			<-settled // the first; the second is not done with
			late := time.After(time.Minute)
			for src.releases() == 0 {
				select {
				case <-late:
					t.Fatal("the first message is not acknowledged")
				case <-time.After(time.Millisecond):
				}
			}
			if n := src.releases(); n != 1 {
				t.Fatalf("%d messages are acknowledged, 1 is done with", n)
			}
		}
	}
	r.Close()
	r.Close()
	for range 2 {
		if _, err := r.Read(buf); !errors.Is(err, io.EOF) {
			t.Fatalf("Read after Close: %v", err)
		}
	}
	if n := src.releases(); n != 3 {
		t.Errorf("%d messages are acknowledged at the end, want 3", n)
	}
	if n := s.Close(); n != 0 {
		t.Errorf("%d unsent", n)
	}
}

func TestCloseUnblocksRead(t *testing.T) {
	r := newTestReceiver(t, listen(t))
	end := make(chan error)
	go func() {
		_, err := r.Read(make([]byte, 100))
		end <- err
	}()
	r.Close()
	if err := <-end; !errors.Is(err, io.EOF) {
		t.Errorf("Read: %v, want EOF", err)
	}
}

func TestCloseWithoutReceiver(t *testing.T) {
	src := newTestSource()
	s := newTestSender(t, testkit.FreePort(t), src)
	src.ch <- message(1, 1, 1)
	if n := s.Close(); n != 0 {
		t.Errorf("%d messages were taken without a receiver", n)
	}
}
