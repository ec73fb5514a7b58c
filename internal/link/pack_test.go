package link

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/stats"
)

// words makes the n-th message of a source with a body that compresses.
func words(source uint64, n uint32, size int) []byte {
	msg := message(source, n, 0)
	head := bytes.IndexByte(msg, '\n') + 1
	body := fmt.Sprintf("POST /%d/%d HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n", source, n, size)
	return append(msg[:head:head], body+strings.Repeat("some words ", size/11+1)[:size]...)
}

// counted counts the bytes that are written.
type counted struct {
	net.Conn
	n *atomic.Int64
}

func (c counted) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.n.Add(int64(n))
	return n, err
}

func newPackingSender(t testing.TB, addr string, src Source, written *atomic.Int64, logf func(string, ...any)) *Sender {
	s := NewSender(SenderConfig{
		Dial: func(ctx context.Context) (net.Conn, error) {
			var d net.Dialer
			conn, err := d.DialContext(ctx, "tcp", addr)
			if err != nil {
				return nil, err
			}
			return counted{conn, written}, nil
		},
		Compress:    true,
		AnswerWait:  200 * time.Millisecond,
		SilenceWait: 200 * time.Millisecond,
		Trial:       200 * time.Millisecond,
		Logf:        logf,
	}, src)
	t.Cleanup(func() { s.Close() })
	return s
}

// readAll reads a receiver to its end.
func readAll(r *Receiver) func() [][]byte {
	var msgs [][]byte
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 8<<20)
		for {
			n, err := r.Read(buf)
			if err != nil {
				return
			}
			msgs = append(msgs, bytes.Clone(buf[:n]))
		}
	}()
	return func() [][]byte { r.Close(); <-done; return msgs }
}

// Every message arrives as it is, in order, whatever compresses and whatever
// its size, and what compresses costs less.
func TestPackedLink(t *testing.T) {
	l := listen(t)
	limit := 1 << 20
	got := readAll(NewReceiver(l, ReceiverConfig{Limit: limit, Logf: quiet(t)}))
	var written atomic.Int64
	src := newTestSource()
	s := newPackingSender(t, l.Addr().String(), src, &written, quiet(t))
	random := rand.New(rand.NewPCG(8, 8))
	var want [][]byte
	sent := 0
	for i := range 3000 {
		size := random.IntN(3000)
		switch i % 200 {
		case 7:
			size = packBytes + random.IntN(packBytes)
		case 8:
			size = limit
		}
		var msg []byte
		switch {
		case i%50 == 9:
			msg = message(1, uint32(i), limit+headerRoom) // too large: left out
		case i%3 == 0:
			msg = message(1, uint32(i), size) // does not compress
		default:
			msg = words(1, uint32(i), size)
		}
		if i%50 != 9 {
			want = append(want, bytes.Clone(msg))
			sent += len(msg)
		}
		src.ch <- msg
	}
	close(src.ch)
	s.awaitDone(t)
	rows := s.Counts()
	if count(rows, "delivered") != uint64(len(want)) || rows[tooLarge].N != 60 {
		t.Errorf("counts %v, want %d delivered", rows, len(want))
	}
	msgs := got()
	if len(msgs) != len(want) {
		t.Fatalf("%d messages came, want %d", len(msgs), len(want))
	}
	for i := range want {
		if !bytes.Equal(msgs[i], want[i]) {
			t.Fatalf("message %d came as %.100q, was sent as %.100q", i, msgs[i], want[i])
		}
	}
	if n := written.Load(); n > int64(sent)*7/10 {
		t.Errorf("%d bytes were written for %d of messages, of which a third do not compress", n, sent)
	}
}

func TestPackedResendAfterCuts(t *testing.T) {
	const n = 6000
	l := listen(t)
	got := drainInto(newTestReceiver(t, l))
	var written atomic.Int64
	src := newTestSource()
	s := newPackingSender(t, cutter(t, l.Addr().String(), 30), src, &written, quiet(t))
	random := rand.New(rand.NewPCG(3, 3))
	for i := range n {
		src.ch <- message(1, uint32(i), random.IntN(200))
	}
	close(src.ch)
	s.awaitDone(t)
	if d := count(s.Counts(), "delivered"); d != n {
		t.Errorf("delivered %d, want %d", d, n)
	}
	got.check(t, 1, n, false)
}

// A receiver of version 1 is sent nothing that it does not know, and answers
// version 1, as our answer to a sender of version 1 says.
func TestPackedOnlyForThoseWhoKnow(t *testing.T) {
	const n = 500
	l := listen(t)
	got := drainInto(newTestReceiver(t, l))
	front := listen(t)
	defer front.Close()
	go func() {
		for {
			a, err := front.Accept()
			if err != nil {
				return
			}
			b, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				return
			}
			go func() { io.Copy(a, b); a.Close() }()
			go func() {
				defer b.Close()
				hello := make([]byte, len(appendHello(nil, Identity{}, version)))
				if _, err := io.ReadFull(a, hello); err != nil {
					return
				}
				b.Write(bytes.Replace(hello, []byte("-2\n"), []byte("-1\n"), 1))
				io.Copy(b, a)
			}()
		}
	}()
	var written atomic.Int64
	var said lines
	src := newTestSource()
	s := newPackingSender(t, front.Addr().String(), src, &written, said.logf)
	sent := 0
	for i := range n {
		msg := message(1, uint32(i), 300)
		sent += len(msg)
		src.ch <- msg
	}
	close(src.ch)
	s.awaitDone(t)
	if d := count(s.Counts(), "delivered"); d != n {
		t.Errorf("delivered %d, want %d", d, n)
	}
	got.check(t, 1, n, false) // a "Z" would have cost the connection, see TestStrangers
	if written.Load() < int64(sent) || !strings.Contains(said.String(), "knows no compression") {
		t.Errorf("%d bytes for %d of messages, said %q", written.Load(), sent, said.String())
	}
}

// packedFrame makes a frame that holds raw, and says that it is size long.
func packedFrame(t testing.TB, number uint64, raw []byte, size int, options ...zstd.EOption) []byte {
	t.Helper()
	enc, err := zstd.NewWriter(nil, options...)
	if err != nil {
		t.Fatal(err)
	}
	defer enc.Close()
	body := enc.EncodeAll(raw, binary.BigEndian.AppendUint32(nil, uint32(size)))
	return appendFrame(nil, kindPacked, number, body)
}

// run puts messages together as a packer does.
func run(msgs ...[]byte) []byte {
	var p packer
	for _, msg := range msgs {
		p.add(msg)
	}
	return p.raw
}

// Whoever sends compressed what is not as described costs itself its
// connection, and the receiver no memory.
func TestPackedDamage(t *testing.T) {
	hello := string(appendHello(nil, Identity{1}, 2))
	one := run(words(1, 1, 50))
	zeros := make([]byte, 64<<20)
	bomb := func(size int) string { return hello + string(packedFrame(t, 1, zeros, size)) }
	short := run(words(1, 1, 50))
	short[3]-- // the message's length
	empty := append(bytes.Clone(one), 0, 0, 0, 0)
	two := string(packedFrame(t, 1, one, len(one)))
	tests := []struct {
		name, sends, says string
		count             int
	}{
		{"no length", hello + string(appendFrame(nil, kindPacked, 1, nil)), "damaged", countDamaged},
		{"no data", hello + string(appendFrame(nil, kindPacked, 1, []byte{0, 0, 1, 0})), "not as described", countDamaged},
		{"garbage", hello + string(appendFrame(nil, kindPacked, 1, []byte("\x00\x00\x01\x00garbage"))), "not as described", countDamaged},
		{"more than it says", bomb(1000), "not as described", countDamaged},
		{"much more than it may", bomb(len(zeros)), "larger than the limit", countTooLarge},
		{"four gigabytes", bomb(1<<32 - 1), "larger than the limit", countTooLarge},
		{"zeros as it says", bomb(unpackBuffer), "not as described", countDamaged},
		{"less than it says", hello + string(packedFrame(t, 1, one, len(one)+1)), "not as described", countDamaged},
		{"a large window", hello + string(packedFrame(t, 1, one, len(one), zstd.WithWindowSize(zstd.MaxWindowSize), zstd.WithSingleSegment(false))) + "rubbish and more of it", "damaged", countDamaged},
		{"a message that is too long", hello + string(packedFrame(t, 1, short[:len(short)-2], len(short)-2)), "as long as they say", countDamaged},
		{"a rest", hello + string(packedFrame(t, 1, short, len(short))), "as long as they say", countDamaged},
		{"an empty message", hello + string(packedFrame(t, 1, empty, len(empty))), "as long as they say", countDamaged},
		{"a gap", hello + two + string(packedFrame(t, 3, one, len(one))), "came after", countDamaged},
		{"number zero", hello + string(packedFrame(t, 0, one, len(one))), "damaged", countDamaged},
		{"in version 1", string(appendHello(nil, Identity{1}, 1)) + two, "damaged", countDamaged},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := listen(t)
			var log lines
			r := NewReceiver(l, ReceiverConfig{Limit: 1 << 20, Logf: log.logf})
			got := readAll(r)
			conn, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			go io.WriteString(conn, tt.sends)
			conn.SetReadDeadline(time.Now().Add(time.Minute))
			if _, err := io.Copy(io.Discard, conn); isTimeout(err) {
				t.Error("the connection was not closed")
			}
			conn.Close()
			runtime.ReadMemStats(&after)
			if n := after.TotalAlloc - before.TotalAlloc; n > 12<<20 {
				t.Errorf("it cost %d bytes of memory", n)
			}
			got()
			if !strings.Contains(log.String(), tt.says) || strings.Count(log.String(), "\n") > 0 {
				t.Errorf("log %q, want one line with %q", log.String(), tt.says)
			}
			if n := r.counts.Get(tt.count); n != 1 {
				t.Errorf("%s: %d, want 1", r.counts.Name(tt.count), n)
			}
			if free := r.unpacked.free; free != unpackMemory {
				t.Errorf("%d bytes of the memory for unpacking are free, want %d", free, unpackMemory)
			}
		})
	}
}

// Many connections share the memory for unpacking and none waits for ever,
// also with messages that need all of it.
func TestPackedManySenders(t *testing.T) {
	const senders, each = 12, 40
	l := listen(t)
	got := readAll(NewReceiver(l, ReceiverConfig{Limit: 6 << 20, Logf: quiet(t)}))
	var written atomic.Int64
	var list []*Sender
	for i := range senders {
		src := newTestSource()
		list = append(list, newPackingSender(t, l.Addr().String(), src, &written, quiet(t)))
		for n := range each {
			size := 2000
			if n == i {
				size = 5 << 20
			}
			src.ch <- words(uint64(i+1), uint32(n), size)
		}
		close(src.ch)
	}
	for _, s := range list {
		s.awaitDone(t)
	}
	next := make(map[string]int)
	msgs := got()
	for _, msg := range msgs {
		m, _, _ := payload.Split(msg)
		conn := string(payload.ConnPart(m.ID))
		if n := next[conn]; !strings.HasSuffix(string(m.ID), fmt.Sprintf("%08x", n)) {
			t.Fatalf("message %s came when %d was due", m.ID, n)
		}
		next[conn]++
	}
	if len(msgs) != senders*each {
		t.Errorf("%d messages came, want %d", len(msgs), senders*each)
	}
}

func TestPackedLinkAllocates(t *testing.T) {
	const warm, measured = 20_000, 50_000
	l := listen(t)
	r := newTestReceiver(t, l)
	var written atomic.Int64
	s := newPackingSender(t, l.Addr().String(), &sameSource{words(1, 1, 500), warm + measured + 1}, &written, quiet(t))
	wantFewMallocs(t, s, r, warm, measured, measured/10) // under the race detector the pool forgets
}

// Whatever is in a compressed frame, every message that is given is one and no
// larger than the limit, and the pieces in which it came do not matter. With
// packed, what is compressed is the fuzzer's; without, the compressed bytes.
func FuzzPacked(f *testing.F) {
	good := run(words(1, 1, 50), words(1, 2, 5000), message(1, 3, 100))
	f.Add(good, true, uint32(len(good)), uint16(7))
	f.Add(good[:len(good)-1], true, uint32(len(good)-1), uint16(100))
	f.Add(run([]byte("no header"), words(1, 2, 9000)), true, uint32(0), uint16(50))
	enc, _ := zstd.NewWriter(nil)
	f.Add(enc.EncodeAll(good, nil), false, uint32(len(good)), uint16(30))
	f.Add(enc.EncodeAll(make([]byte, 1<<20), nil), false, uint32(500), uint16(1))
	f.Fuzz(func(t *testing.T, data []byte, packed bool, size uint32, piece uint16) {
		stream := appendHello(nil, Identity{7}, 2)
		body := binary.BigEndian.AppendUint32(nil, size)
		if packed {
			body = binary.BigEndian.AppendUint32(nil, uint32(len(data)))
			data = enc.EncodeAll(data, nil)
		}
		frame := appendFrame(nil, kindPacked, 2, append(body, data...))
		stream = appendFrame(stream, kindMessage, 1, words(2, 1, 30))
		stream = append(stream, frame...)
		stream = append(stream, frame...) // again: duplicates, or a gap
		whole, wholeRows := receiveAll(stream, 1<<20)
		parts, partsRows := receiveAll(stream, int(piece)+1)
		if len(whole) != len(parts) || len(whole) == 0 {
			t.Fatalf("%d messages whole, %d in pieces of %d", len(whole), len(parts), int(piece)+1)
		}
		for i := range whole {
			if !bytes.Equal(whole[i], parts[i]) {
				t.Fatalf("message %d is %q whole and %q in pieces", i, whole[i], parts[i])
			}
			if _, _, err := payload.Split(whole[i]); err != nil || len(whole[i]) > 8<<10+headerRoom {
				t.Fatalf("message %q: %v", whole[i], err)
			}
		}
		if stats.Sum(wholeRows) != stats.Sum(partsRows) {
			t.Fatalf("counts %v whole, %v in pieces", wholeRows, partsRows)
		}
	})
}
