package link

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/stats"
	"github.com/buger/gor/internal/testkit"
)

// testSource is a Source over a channel of messages that checks what the
// sender may rely on.
type testSource struct {
	ch       chan []byte
	mu       sync.Mutex
	taken    [][]byte
	released int
}

func newTestSource() *testSource { return &testSource{ch: make(chan []byte, 1<<16)} }

func (s *testSource) Take(dst [][]byte, cancel <-chan struct{}) (int, bool) {
	n := 0
	for n < len(dst) {
		if n == 0 {
			select {
			case msg, ok := <-s.ch:
				if !ok {
					return 0, false
				}
				dst[n] = msg
				n++
			case <-cancel:
				return 0, true
			}
			continue
		}
		select {
		case msg, ok := <-s.ch:
			if !ok {
				s.keep(dst[:n])
				return n, true
			}
			dst[n] = msg
			n++
			continue
		default:
		}
		break
	}
	s.keep(dst[:n])
	return n, true
}

func (s *testSource) keep(msgs [][]byte) {
	s.mu.Lock()
	s.taken = append(s.taken, msgs...)
	s.mu.Unlock()
}

// Release spoils the memory, as its next use would.
func (s *testSource) Release(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for range n {
		clear(s.taken[s.released])
		s.released++
	}
}

func (s *testSource) releases() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.released
}

// message makes the n-th message of a source: its body can be checked by
// its header alone.
func message(source uint64, n uint32, size int) []byte {
	msg := payload.AppendMeta(nil, payload.Meta{
		Type: payload.Request, ID: payload.AppendID(nil, source, n),
		Time: 1700000000000000000 + int64(n), Duration: 5, Length: -1,
	})
	return append(msg, body(source, n, size)...)
}

func body(source uint64, n uint32, size int) []byte {
	head := fmt.Appendf(nil, "POST /%d/%d HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n", source, n, size)
	r := rand.New(rand.NewPCG(source, uint64(n)))
	for range size / 8 {
		head = binary.BigEndian.AppendUint64(head, r.Uint64())
	}
	return append(head, "abcdefg"[:size%8]...)
}

// key tells source, number and size of a message, and checks its body.
func key(msg []byte) (source uint64, n uint32, err error) {
	m, got, err := payload.Split(msg)
	if err != nil {
		return 0, 0, err
	}
	var size int
	if _, err := fmt.Sscanf(string(m.ID), "%16x%8x", &source, &n); err != nil {
		return 0, 0, err
	}
	if _, err := fmt.Sscanf(string(got[:min(len(got), 120)]), fmt.Sprintf("POST /%d/%d HTTP/1.1\r\nHost: h\r\nContent-Length: %%d", source, n), &size); err != nil {
		return 0, 0, fmt.Errorf("body of %x %d: %w", source, n, err)
	}
	if !bytes.Equal(got, body(source, n, size)) {
		return 0, 0, fmt.Errorf("body of %x %d is not as it was sent", source, n)
	}
	return source, n, nil
}

// sink reads a Receiver to its end.
type sink struct {
	r    *Receiver
	done chan struct{}

	mu   sync.Mutex
	seen map[string]int // bodies checked, by source and number
	got  int
	errs []error
	more chan struct{}
}

func drainInto(r *Receiver) *sink {
	s := &sink{r: r, done: make(chan struct{}), seen: make(map[string]int), more: make(chan struct{}, 1)}
	go func() {
		defer close(s.done)
		buf := make([]byte, 1<<10)
		for {
			n, err := r.Read(buf)
			if errors.Is(err, io.ErrShortBuffer) {
				buf = make([]byte, 2*len(buf))
				continue
			}
			if errors.Is(err, io.EOF) {
				return
			}
			var source uint64
			var number uint32
			if err == nil {
				source, number, err = key(buf[:n])
			}
			s.mu.Lock()
			s.got++
			if err != nil {
				s.errs = append(s.errs, err)
			} else {
				s.seen[fmt.Sprintf("%x/%d", source, number)]++
			}
			s.mu.Unlock()
			select {
			case s.more <- struct{}{}:
			default:
			}
		}
	}()
	return s
}

// await waits until n messages have been read.
func (s *sink) await(t *testing.T, n int) {
	t.Helper()
	late := time.After(time.Minute)
	for {
		s.mu.Lock()
		got := s.got
		s.mu.Unlock()
		if got >= n {
			return
		}
		select {
		case <-s.more:
		case <-late:
			t.Fatalf("%d of %d messages came", got, n)
		}
	}
}

// check closes the receiver and checks that sources 1 to sources each gave
// count messages, exactly once or, if again, at least once.
func (s *sink) check(t *testing.T, sources, count int, again bool) {
	t.Helper()
	s.r.Close()
	<-s.done
	for _, err := range s.errs {
		t.Error(err)
	}
	lost, twice := 0, 0
	for source := 1; source <= sources; source++ {
		for n := range count {
			switch c := s.seen[fmt.Sprintf("%x/%d", source, n)]; {
			case c == 0:
				lost++
			case c > 1:
				twice++
			}
		}
	}
	if lost > 0 || twice > 0 && !again {
		t.Errorf("of %d messages %d are lost and %d came twice", sources*count, lost, twice)
	}
	if len(s.seen) > sources*count {
		t.Errorf("%d messages came, %d were sent", len(s.seen), sources*count)
	}
}

// listen returns a listener whose address stays the test's when it is closed.
func listen(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", testkit.FreePort(t))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func newTestReceiver(t testing.TB, l net.Listener) *Receiver {
	return NewReceiver(l, ReceiverConfig{Limit: 4 << 20, Logf: quiet(t)})
}

// quiet logs to t until the test is over.
func quiet(t testing.TB) func(string, ...any) {
	var mu sync.Mutex
	over := false
	t.Cleanup(func() { mu.Lock(); over = true; mu.Unlock() })
	return func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		if !over {
			t.Logf(format, args...)
		}
	}
}

func newTestSender(t testing.TB, addr string, src Source) *Sender {
	s := NewSender(SenderConfig{
		Dial: func(ctx context.Context) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "tcp", addr)
		},
		AnswerWait:  200 * time.Millisecond,
		SilenceWait: 200 * time.Millisecond,
		Trial:       200 * time.Millisecond,
		Logf:        quiet(t),
	}, src)
	t.Cleanup(func() { s.Close() })
	return s
}

func (s *Sender) awaitDone(t *testing.T) {
	t.Helper()
	select {
	case <-s.Done():
	case <-time.After(time.Minute):
		t.Fatalf("the sender is not done: %v", s.Counts())
	}
}

func count(rows []stats.Count, name string) uint64 {
	for _, r := range rows {
		if r.Name == name {
			return r.N
		}
	}
	return 0
}

func TestAcknowledgedLink(t *testing.T) {
	for _, size := range []int{0, 100, 5 << 10, 70 << 10, 300 << 10, 3 << 20} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			l := listen(t)
			got := drainInto(newTestReceiver(t, l))
			src := newTestSource()
			s := newTestSender(t, l.Addr().String(), src)
			n := max(5, min(1000, (2<<20)/(size+1)))
			for i := range n {
				src.ch <- message(1, uint32(i), size)
			}
			close(src.ch)
			s.awaitDone(t)
			if d := count(s.Counts(), "delivered"); d != uint64(n) || src.releases() != n {
				t.Errorf("delivered %d, released %d, want %d", d, src.releases(), n)
			}
			got.check(t, 1, n, false)
		})
	}
}

func TestManySenders(t *testing.T) {
	const senders, each = 20, 80
	l := listen(t)
	got := drainInto(newTestReceiver(t, l))
	var list []*Sender
	var wg sync.WaitGroup
	for i := range senders {
		src := newTestSource()
		list = append(list, newTestSender(t, l.Addr().String(), src))
		wg.Go(func() {
			r := rand.New(rand.NewPCG(1, uint64(i)))
			for n := range each {
				size := r.IntN(3000)
				if r.IntN(40) == 0 {
					size = r.IntN(400 << 10)
				}
				src.ch <- message(uint64(i+1), uint32(n), size)
			}
			close(src.ch)
		})
	}
	wg.Wait()
	for _, s := range list {
		s.awaitDone(t)
	}
	got.check(t, senders, each, false)
}

// cutter passes connections on and cuts each after a random number of bytes,
// in either direction.
func cutter(t *testing.T, to string, cuts int) (addr string) {
	l := listen(t)
	t.Cleanup(func() { l.Close() })
	r := rand.New(rand.NewPCG(7, 7))
	go func() {
		for i := 0; ; i++ {
			a, err := l.Accept()
			if err != nil {
				return
			}
			b, err := net.Dial("tcp", to)
			if err != nil {
				a.Close()
				continue
			}
			up, down := int64(1<<40), int64(1<<40)
			if i < cuts {
				up = int64(r.IntN(100 << 10))
				if i%3 == 0 {
					down = int64(r.IntN(200))
				}
				if i%5 == 0 {
					up = int64(r.IntN(200))
				}
			}
			var once sync.Once
			end := func() { once.Do(func() { a.Close(); b.Close() }) }
			go func() { io.CopyN(b, a, up); end() }()
			go func() { io.CopyN(a, b, down); end() }()
		}
	}()
	return l.Addr().String()
}

func TestResendAfterCuts(t *testing.T) {
	const n = 6000
	l := listen(t)
	r := newTestReceiver(t, l)
	got := drainInto(r)
	src := newTestSource()
	s := newTestSender(t, cutter(t, l.Addr().String(), 30), src)
	rnd := rand.New(rand.NewPCG(3, 3))
	for i := range n {
		src.ch <- message(1, uint32(i), rnd.IntN(600))
	}
	close(src.ch)
	s.awaitDone(t)
	if d := count(s.Counts(), "delivered"); d != n {
		t.Errorf("delivered %d, want %d", d, n)
	}
	got.check(t, 1, n, false)
}

func TestReceiverRestarts(t *testing.T) {
	const n = 1500
	l := listen(t)
	addr := l.Addr().String()
	src := newTestSource()
	s := newTestSender(t, addr, src)
	seen := make(map[string]int)
	for round := range 4 {
		r := newTestReceiver(t, l)
		got := drainInto(r)
		for i := range n {
			src.ch <- message(1, uint32(round*n+i), 200)
		}
		if round == 3 {
			close(src.ch)
			s.awaitDone(t)
		} else {
			got.await(t, n/2)
		}
		r.Close()
		<-got.done
		for k, c := range got.seen {
			seen[k] += c
		}
		for _, err := range got.errs {
			t.Error(err)
		}
		if round < 3 {
			var err error
			if l, err = net.Listen("tcp", addr); err != nil {
				t.Fatal(err)
			}
		}
	}
	twice := 0
	for i := range 4 * n {
		switch c := seen[fmt.Sprintf("1/%d", i)]; {
		case c == 0:
			t.Fatalf("message %d is lost", i)
		case c > 1:
			twice++
		}
	}
	t.Logf("%d messages, %d twice", 4*n, twice)
}

// A receiver that is killed has given nothing of what it had not settled.
func TestUnsettledIsSentAgain(t *testing.T) {
	const n = 500
	l := listen(t)
	addr := l.Addr().String()
	never := func(cancel <-chan struct{}) error { <-cancel; return errors.New("cancelled") }
	r := NewReceiver(l, ReceiverConfig{Limit: 1 << 20, Settle: never, Logf: quiet(t)})
	got := drainInto(r)
	src := newTestSource()
	s := newTestSender(t, addr, src)
	for i := range n {
		src.ch <- message(1, uint32(i), 200)
	}
	close(src.ch)
	got.await(t, n)
	if src.releases() != 0 {
		t.Fatalf("%d messages were released and none is settled", src.releases())
	}
	l.Close()
	r.mu.Lock()
	for p := range r.peers {
		p.conn.Close() // as a killed process would
	}
	r.mu.Unlock()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	second := drainInto(newTestReceiver(t, l))
	s.awaitDone(t)
	second.check(t, 1, n, false)
	r.Close()
	<-got.done
}
