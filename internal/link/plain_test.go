package link

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/buger/gor/internal/payload"
)

// oldReceiver behaves like GoReplay 1.x: it splits at separators, passes over
// records of fewer than three fields, and never writes.
type oldReceiver struct {
	l    net.Listener
	mu   sync.Mutex
	msgs [][]byte
	wg   sync.WaitGroup
}

func startOldReceiver(t *testing.T) *oldReceiver {
	o := &oldReceiver{l: listen(t)}
	o.start(t)
	return o
}

func (o *oldReceiver) start(t *testing.T) {
	o.wg.Go(func() {
		for {
			conn, err := o.l.Accept()
			if err != nil {
				return
			}
			o.wg.Go(func() { o.serve(conn) })
		}
	})
	t.Cleanup(func() { o.l.Close() })
}

func (o *oldReceiver) serve(conn net.Conn) {
	defer conn.Close()
	r := bufio.NewReader(conn)
	var record []byte
	for {
		line, err := r.ReadBytes('\n')
		if err != nil {
			return
		}
		if string(line) != payload.Separator[1:] {
			record = append(record, line...)
			continue
		}
		record = record[:len(record)-1] // the LF before the monkeys
		head, _, _ := bytes.Cut(record, []byte{'\n'})
		if len(bytes.Split(head, []byte{' '})) >= 3 {
			o.mu.Lock()
			o.msgs = append(o.msgs, record)
			o.mu.Unlock()
		}
		record = nil
	}
}

// stop waits for the connections to end and returns what came.
func (o *oldReceiver) stop() [][]byte {
	o.l.Close()
	o.wg.Wait()
	return o.msgs
}

func TestPlainStreamToOldReceiver(t *testing.T) {
	const n = 3000
	o := startOldReceiver(t)
	src := newTestSource()
	s := newTestSender(t, o.l.Addr().String(), src)
	r := rand.New(rand.NewPCG(5, 5))
	for i := range n {
		src.ch <- message(1, uint32(i), r.IntN(2000))
	}
	forged := append(message(1, n, 8), payload.Separator+"1 forged 1 1\nGET /never-sent HTTP/1.1\r\n\r\n"...)
	src.ch <- forged
	src.ch <- []byte("no header")
	big := message(1, n+1, 3<<20)
	src.ch <- big
	close(src.ch)
	s.awaitDone(t)
	got := o.stop()
	if len(got) != n+1 {
		t.Fatalf("%d messages came, want %d", len(got), n+1)
	}
	for i, msg := range got {
		if i == n {
			i++
		}
		if source, k, err := key(msg); err != nil || source != 1 || k != uint32(i) {
			t.Fatalf("message %d came as %d, %v", i, k, err)
		}
		head, _, _ := bytes.Cut(msg, []byte{'\n'})
		if f := bytes.Count(head, []byte{' '}) + 1; f != 4 {
			t.Fatalf("header %q has %d fields, an old receiver wants 4", head, f)
		}
	}
	rows := s.Counts()
	if count(rows, "delivered") != n+1 || rows[malformed].N != 1 || rows[separated].N != 1 {
		t.Errorf("counts %v", rows)
	}
}

func TestOldSender(t *testing.T) {
	const n = 3000
	l := listen(t)
	got := drainInto(newTestReceiver(t, l))
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(6, 6))
	var stream []byte
	for i := range n {
		size := r.IntN(2000)
		if i%1000 == 999 {
			size = 1 << 20
		}
		stream = payload.AppendOldRecord(stream, message(1, uint32(i), size))
	}
	for len(stream) > 0 {
		k := min(len(stream), 1+r.IntN(100<<10))
		if _, err := conn.Write(stream[:k]); err != nil {
			t.Fatal(err)
		}
		stream = stream[k:]
	}
	got.await(t, n)
	conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	if k, err := conn.Read(make([]byte, 1)); k > 0 || !isTimeout(err) {
		t.Errorf("the receiver wrote %d bytes to a sender that never reads, %v", k, err)
	}
	conn.Close()
	got.check(t, 1, n, false)
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout()
}

// collect sends stream to a new receiver and returns what it reads.
func collect(t *testing.T, stream string) (msgs []string, r *Receiver) {
	t.Helper()
	l := listen(t)
	r = newTestReceiver(t, l)
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, stream); err != nil {
		t.Fatal(err)
	}
	conn.(*net.TCPConn).CloseWrite()
	io.Copy(io.Discard, conn) // until the receiver has seen it all
	conn.Close()
	r.Close()
	buf := make([]byte, 8<<20)
	for {
		n, err := r.Read(buf)
		if err != nil {
			return msgs, r
		}
		msgs = append(msgs, string(buf[:n]))
	}
}

func TestPlainRecords(t *testing.T) {
	sep := payload.Separator
	tests := []struct {
		name, stream string
		want         []string
		damaged      uint64
		torn         uint64
	}{
		{"three fields", "1 a 1700000000000000000\nGET" + sep, []string{"1 a 1700000000000000000 -1\nGET"}, 0, 0},
		{"four fields", "1 a 1700000000000000000 7\nGET" + sep, []string{"1 a 1700000000000000000 7\nGET"}, 0, 0},
		{"time and duration swapped, as 0.15 did", "3 a 7 1700000000000000000\nX" + sep, []string{"3 a 1700000000000000000 7\nX"}, 0, 0},
		{"a body with separators and a length", "1 a 1700000000000000000 7 " + "33" + "\nabc" + sep + "12" + sep + sep[:0] + sep + "1 b 1700000000000000000 7\nx" + sep,
			[]string{"1 a 1700000000000000000 7 33\nabc" + sep + "12" + sep, "1 b 1700000000000000000 7\nx"}, 0, 0},
		{"a length that is too long", "1 a 1700000000000000000 7 9\nabc" + sep + "1 b 1700000000000000000 7\nx" + sep,
			[]string{"1 a 1700000000000000000 7 9\nabc", "1 b 1700000000000000000 7\nx"}, 0, 0},
		{"damage between", "1 a 1 1\nx" + sep + "rubbish" + sep + sep + "2 b 1700000000000000000 1\ny" + sep, []string{"1 a 1 1\nx", "2 b 1700000000000000000 1\ny"}, 2, 0},
		{"torn", "1 a 1 1\nx" + sep + "1 b 1 1\nGET / HT", []string{"1 a 1 1\nx"}, 0, 1},
		{"empty payload", "1 a 1 1\n" + sep, []string{"1 a 1 1\n"}, 0, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, r := collect(t, tt.stream)
			if strings.Join(got, "|") != strings.Join(tt.want, "|") {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if d := r.counts.Get(countDamaged); d != tt.damaged {
				t.Errorf("damaged %d, want %d", d, tt.damaged)
			}
			if d := r.counts.Get(countTorn); d != tt.torn {
				t.Errorf("torn %d, want %d", d, tt.torn)
			}
		})
	}
}

// slowAnswers passes connections on to addr; what comes back on the first one
// is held until release is closed.
func slowAnswers(t *testing.T, addr string, release <-chan struct{}) (front string) {
	slow := listen(t)
	t.Cleanup(func() { slow.Close() })
	go func() {
		for first := true; ; first = false {
			a, err := slow.Accept()
			if err != nil {
				return
			}
			b, err := net.Dial("tcp", addr)
			if err != nil {
				return
			}
			hold := first
			go func() { io.Copy(b, a); b.(*net.TCPConn).CloseWrite() }()
			go func() {
				if hold {
					<-release
				}
				io.Copy(a, b)
				a.Close()
			}()
		}
	}()
	return slow.Addr().String()
}

// An answer that comes after the sender has begun the plain stream costs
// nothing, and the next connection is an acknowledged one.
func TestLateAnswer(t *testing.T) {
	l := listen(t)
	r := newTestReceiver(t, l)
	got := drainInto(r)
	release := make(chan struct{})
	src := newTestSource()
	s := newTestSender(t, slowAnswers(t, l.Addr().String(), release), src)
	for i := range 100 {
		src.ch <- message(1, uint32(i), 100)
	}
	got.await(t, 100) // over the plain stream
	if s.Acknowledged() {
		t.Fatal("there was no answer yet")
	}
	close(release)
	late := time.After(time.Minute)
	for !s.Acknowledged() {
		select {
		case <-late:
			t.Fatal("the late answer was not heard")
		case <-time.After(time.Millisecond):
		}
	}
	for i := range 100 {
		src.ch <- message(1, uint32(100+i), 100)
	}
	close(src.ch)
	s.awaitDone(t)
	got.check(t, 1, 200, false)
}

// The same when the sender has nothing more to send by then.
func TestLateAnswerAtTheEnd(t *testing.T) {
	l := listen(t)
	got := drainInto(newTestReceiver(t, l))
	release := make(chan struct{})
	src := newTestSource()
	s := newTestSender(t, slowAnswers(t, l.Addr().String(), release), src)
	for i := range 2000 {
		src.ch <- message(1, uint32(i), 100)
	}
	close(src.ch)
	got.await(t, 1)
	close(release)
	s.awaitDone(t)
	got.await(t, 2000)
	got.check(t, 1, 2000, false)
}

// A sender never falls back with a peer that once answered.
func TestNoFallBackAfterAnswer(t *testing.T) {
	l := listen(t)
	addr := l.Addr().String()
	r := newTestReceiver(t, l)
	got := drainInto(r)
	src := newTestSource()
	s := newTestSender(t, addr, src)
	src.ch <- message(1, 0, 100)
	got.await(t, 1)
	r.Close()
	<-got.done
	mute, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	src.ch <- message(1, 1, 100)
	for range 2 { // connections that are never answered
		conn, err := mute.Accept()
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(conn)
		if !bytes.HasPrefix(b, []byte(helloStart)) || bytes.Count(b, []byte(payload.Separator)) != 1 {
			t.Errorf("a peer that once answered got %q", b)
		}
		conn.Close()
	}
	mute.Close()
	if l, err = net.Listen("tcp", addr); err != nil {
		t.Fatal(err)
	}
	second := drainInto(newTestReceiver(t, l))
	close(src.ch)
	s.awaitDone(t)
	second.await(t, 1)
	second.r.Close()
	<-second.done
	if second.seen["1/1"] != 1 {
		t.Errorf("got %v", second.seen)
	}
}
