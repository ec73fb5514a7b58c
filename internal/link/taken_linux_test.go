package link

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/buger/gor/internal/payload"
)

func newPlainSender(t *testing.T, addr string, src Source, change func(*SenderConfig)) *Sender {
	cfg := SenderConfig{
		Dial: func(ctx context.Context) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "tcp", addr)
		},
		AnswerWait: 50 * time.Millisecond,
		Logf:       quiet(t),
	}
	change(&cfg)
	s := NewSender(cfg, src)
	t.Cleanup(func() { s.Close() })
	return s
}

// What the socket of a plain connection still held when it broke is not
// delivered. The peer reads a part, stops, and resets the connection.
func TestPlainBreak(t *testing.T) {
	const stuckLooks = 20
	ca := newAuthority(t, "test authority")
	for _, secure := range []bool{false, true} {
		l := listen(t)
		src := newTestSource()
		const n = 4000
		for i := range n {
			src.ch <- message(1, uint32(i), 10_000)
		}
		close(src.ch)
		type end struct{ have int }
		ended := make(chan end, 1)
		go func() {
			raw, err := l.Accept()
			if err != nil {
				return
			}
			l.Close()
			tcp := raw.(*net.TCPConn)
			tcp.SetReadBuffer(64 << 10)
			conn := net.Conn(tcp)
			if secure {
				conn = tls.Server(conn, ca.serving(nil)())
			}
			read, _ := io.CopyN(io.Discard, conn, 100_000)
			most := 0
			// It takes no more: the sender's socket fills up. On a busy machine the
			// sender may only have been slow for one look.
			for same, last := 0, -1; same < stuckLooks; time.Sleep(10 * time.Millisecond) {
				held, room := 0, 0
				rc, _ := tcp.SyscallConn()
				rc.Control(func(fd uintptr) {
					held, _ = unix.IoctlGetInt(int(fd), unix.TIOCINQ)
					room, _ = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF)
				})
				if same++; held != last || held < 16<<10 {
					same = 0
				}
				last = held
				// What its system takes until the end is no more than it has room for,
				// and TLS has read some and not given it.
				most = int(read) + max(held, room) + 64<<10
			}
			ended <- end{most}
			tcp.SetLinger(0)
			tcp.Close()
		}()
		s := newPlainSender(t, l.Addr().String(), src, func(cfg *SenderConfig) {
			cfg.Plain = PlainAlways
			if secure {
				cfg.TLS = ca.trusting(nil)
			}
		})
		have := <-ended
		deadline := time.Now().Add(time.Minute)
		for count(s.Counts(), "failed: a plain connection broke that held it") == 0 && time.Now().Before(deadline) {
			time.Sleep(time.Millisecond)
		}
		rows := s.Counts()
		delivered, lost := int(count(rows, "delivered")), count(rows, "failed: a plain connection broke that held it")
		if lost == 0 {
			t.Errorf("TLS %v: nothing counts as lost with the connection: %v", secure, rows)
		}
		record := len(payload.AppendOldRecord(nil, message(1, 0, 10_000)))
		if most := have.have / record; delivered > most || delivered == 0 {
			t.Errorf("TLS %v: %d messages delivered, and the peer had %d", secure, delivered, most)
		}
		unsent := s.Close()
		if taken := len(src.taken); delivered+int(lost)+unsent != taken {
			t.Errorf("TLS %v: %d delivered, %d lost, %d unsent, of %d that were taken", secure, delivered, lost, unsent, taken)
		}
	}
}

// A forwarder that accepts while there is no receiver, takes what comes and
// then breaks the connection, gets few messages, and none counts as delivered.
func TestForwarderWithoutReceiver(t *testing.T) {
	for _, plain := range []Plain{PlainAuto, PlainNever} {
		l := listen(t)
		defer l.Close()
		src := newTestSource()
		const n = 5000
		for i := range n {
			src.ch <- message(1, uint32(i), 100)
		}
		var swallowed int64
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			for range 3 {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				// The first byte behind the hello, or the sender's end.
				k, _ := io.CopyN(io.Discard, conn, maxHello)
				conn.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
				more, _ := io.Copy(io.Discard, conn)
				swallowed += k + more
				conn.Close()
			}
		}()
		s := newPlainSender(t, l.Addr().String(), src, func(cfg *SenderConfig) {
			cfg.Plain, cfg.SilenceWait, cfg.Trial = plain, 20*time.Millisecond, time.Hour
		})
		<-ended
		unsent := s.Close()
		rows := s.Counts()
		lost := int(count(rows, "failed: a plain connection broke that held it"))
		if d := count(rows, "delivered"); d != 0 || lost > 3*trialCount || plain == PlainNever && lost > 0 {
			t.Errorf("mode %d: %d messages delivered to nobody, %d lost", plain, d, lost)
		}
		if plain == PlainNever && swallowed > 3*128 {
			t.Errorf("mode %d: %d bytes were swallowed", plain, swallowed)
		}
		if taken := len(src.taken); lost+unsent != taken {
			t.Errorf("mode %d: %d lost and %d unsent of %d that were taken", plain, lost, unsent, taken)
		}
	}
}

// A receiver that a restart of this program remembers, as one that
// acknowledges, never gets the plain stream.
func TestPeerRemembered(t *testing.T) {
	told := 0
	first := NewPeer(false, func() { told++ })
	l := listen(t)
	got := drainInto(newTestReceiver(t, l))
	src := newTestSource()
	src.ch <- message(1, 0, 10)
	s := newPlainSender(t, l.Addr().String(), src, func(cfg *SenderConfig) { cfg.Peer, cfg.AnswerWait = first, 10*time.Second })
	got.await(t, 1)
	s.Close()
	if told != 1 || !s.Acknowledged() {
		t.Errorf("told %d times that the receiver acknowledges, want once", told)
	}
	mute := listen(t)
	defer mute.Close()
	src.ch <- message(1, 1, 10)
	newPlainSender(t, mute.Addr().String(), src, func(cfg *SenderConfig) {
		cfg.Peer, cfg.SilenceWait = NewPeer(true, nil), 20*time.Millisecond
	})
	for range 2 {
		conn, err := mute.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(conn); len(b) > 128 || err != nil && !errors.Is(err, unix.ECONNRESET) {
			t.Errorf("a receiver that is known to acknowledge got %q, %v", b, err)
		}
		conn.Close()
	}
}
