package link

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/buger/gor/internal/payload"
)

// wholeConn is a connection that cannot be closed by halves, as that of a proxy
// may be.
type wholeConn struct{ net.Conn }

func newHastySender(t *testing.T, addr string, src Source, whole bool, wait time.Duration) *Sender {
	s := NewSender(SenderConfig{
		Dial: func(ctx context.Context) (net.Conn, error) {
			var d net.Dialer
			conn, err := d.DialContext(ctx, "tcp", addr)
			if err == nil && whole {
				conn = wholeConn{conn}
			}
			return conn, err
		},
		AnswerWait:  wait,
		SilenceWait: 20 * time.Second,
		Trial:       20 * time.Second,
		Logf:        quiet(t),
	}, src)
	t.Cleanup(func() { s.Close() })
	return s
}

// inOrder checks that each of the sources gave its messages once, in order.
func inOrder(t *testing.T, msgs [][]byte, sources, each int) {
	t.Helper()
	next := make(map[string]int)
	for _, msg := range msgs {
		m, _, _ := payload.Split(msg)
		conn := string(payload.ConnPart(m.ID))
		if n := next[conn]; !strings.HasSuffix(string(m.ID), fmt.Sprintf("%08x", n)) {
			t.Fatalf("message %s came when %d was due", m.ID, n)
		}
		next[conn]++
	}
	if len(msgs) != sources*each {
		t.Errorf("%d messages came, want %d", len(msgs), sources*each)
	}
}

func wantDelivered(t *testing.T, s *Sender, n int) {
	t.Helper()
	for _, row := range s.Counts() {
		want := uint64(0)
		if row.Name == "delivered" {
			want = uint64(n)
		}
		if row.N != want {
			t.Errorf("%s: %d, want %d", row.Name, row.N, want)
		}
	}
}

// Senders that wait for no answer begin with the plain stream and hear it
// late: no message is lost, comes twice or overtakes another, although the
// receiver's memory makes large ones wait.
func TestLateAnswers(t *testing.T) {
	const senders, each = 12, 40
	for _, whole := range []bool{false, true} {
		t.Run(fmt.Sprint("closed at once ", whole), func(t *testing.T) {
			l := listen(t)
			got := readAll(NewReceiver(l, ReceiverConfig{Limit: 6 << 20, Logf: quiet(t)}))
			var list []*Sender
			for i := range senders {
				src := newTestSource()
				list = append(list, newHastySender(t, l.Addr().String(), src, whole, time.Microsecond))
				for n := range each {
					size := 2000
					if n == i {
						size = 3 << 20
					}
					src.ch <- words(uint64(i+1), uint32(n), size)
				}
				close(src.ch)
			}
			for _, s := range list {
				s.awaitDone(t)
				wantDelivered(t, s, each)
			}
			inOrder(t, got(), senders, each)
		})
	}
}

// A connection over which plain records still come when the sender has opened
// the next one is read to its end first.
func TestLateAnswerWithRecordsUnderWay(t *testing.T) {
	const n = 40
	l := listen(t)
	got := readAll(NewReceiver(l, ReceiverConfig{Limit: 6 << 20, Logf: quiet(t)}))
	front := listen(t)
	defer front.Close()
	second := make(chan struct{})
	go func() {
		for i := 0; ; i++ {
			a, err := front.Accept()
			if err != nil {
				return
			}
			b, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				return
			}
			if i == 1 {
				close(second)
			}
			plain := make(chan struct{})
			go func() {
				if i == 0 {
					<-plain
				}
				io.Copy(a, b)
				a.Close()
			}()
			go func() {
				if i == 0 {
					io.CopyN(b, a, 64<<10) // the hello, and a part of the large message
					close(plain)
					rest, _ := io.ReadAll(a) // until the sender has closed it
					<-second
					time.Sleep(200 * time.Millisecond) // time enough for the second to overtake
					b.Write(rest)
				}
				io.Copy(b, a)
				b.(*net.TCPConn).CloseWrite()
			}()
		}
	}()
	src := newTestSource()
	for i := range n {
		size := 2000
		if i == 9 {
			size = 5 << 20
		}
		src.ch <- words(1, uint32(i), size)
	}
	close(src.ch)
	s := newHastySender(t, front.Addr().String(), src, true, time.Microsecond)
	s.awaitDone(t)
	wantDelivered(t, s, n)
	inOrder(t, got(), 1, n)
}

// What a plain connection carried when it broke, before a receiver of our own
// kind was heard, is neither lost nor sent twice, wherever it broke.
func TestPlainBreakIsMadeGood(t *testing.T) {
	const n = 60
	hello := len(appendProvenHello(nil, Identity{}, version, token{}))
	record := len(payload.AppendOldRecord(nil, words(1, 0, 100)))
	for _, cut := range []int{0, hello, hello + record - 1, hello + record, hello + record + 1, hello + 10*record + 7, hello + 20*record} {
		t.Run(fmt.Sprint(cut), func(t *testing.T) {
			t.Parallel()
			l := listen(t)
			got := readAll(NewReceiver(l, ReceiverConfig{Limit: 1 << 20, Logf: quiet(t)}))
			front := listen(t)
			t.Cleanup(func() { front.Close() })
			var conns atomic.Int32
			go func() {
				for {
					a, err := front.Accept()
					if err != nil {
						return
					}
					first := conns.Add(1) == 1
					b, err := net.Dial("tcp", l.Addr().String())
					if err != nil {
						return
					}
					go func() {
						if first { // no answer comes through
							io.Copy(io.Discard, b)
							return
						}
						io.Copy(a, b)
						a.Close()
					}()
					go func() {
						if first {
							// All was written before any of it came through.
							all := make([]byte, hello+20*record)
							io.ReadFull(a, all)
							b.Write(all[:cut])
							a.(*net.TCPConn).SetLinger(0)
							a.Close()
							b.Close()
							return
						}
						io.Copy(b, a)
						b.(*net.TCPConn).CloseWrite()
					}()
				}
			}()
			wantHastyDelivery(t, front.Addr().String(), n, got)
		})
	}
}

// wantHastyDelivery sends n messages to addr and wants each of them delivered, and
// got in order.
func wantHastyDelivery(t *testing.T, addr string, n int, got func() [][]byte) {
	t.Helper()
	src := newTestSource()
	for i := range n {
		src.ch <- words(1, uint32(i), 100)
	}
	close(src.ch)
	// Long enough for the answer of a receiver on a busy machine.
	s := newHastySender(t, addr, src, false, time.Second)
	s.awaitDone(t)
	wantDelivered(t, s, n)
	inOrder(t, got(), 1, n)
}

// A receiver that was started anew has read nothing of what went to the one
// before it.
func TestPlainHeldForAnotherReceiver(t *testing.T) {
	const n = 30
	front := listen(t)
	defer front.Close()
	l := listen(t)
	got := readAll(NewReceiver(l, ReceiverConfig{Limit: 1 << 20, Logf: quiet(t)}))
	go func() {
		a, err := front.Accept() // takes all and dies
		if err != nil {
			return
		}
		io.CopyN(io.Discard, a, 2000)
		a.(*net.TCPConn).SetLinger(0)
		a.Close()
		if a, err = front.Accept(); err != nil {
			return
		}
		b, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			return
		}
		go func() { io.Copy(a, b); a.Close() }()
		io.Copy(b, a)
		b.(*net.TCPConn).CloseWrite()
	}()
	wantHastyDelivery(t, front.Addr().String(), n, got)
}
