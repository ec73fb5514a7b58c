package link

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/stats"
)

// scripted is a connection that gives its bytes in pieces of a given size.
type scripted struct {
	net.Conn // nil: what is not below is not called
	in       []byte
	piece    int
	out      bytes.Buffer
}

func (c *scripted) Read(p []byte) (int, error) {
	if len(c.in) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), c.piece)], c.in)
	c.in = c.in[n:]
	return n, nil
}
func (c *scripted) Write(p []byte) (int, error)      { return c.out.Write(p) }
func (c *scripted) Close() error                     { return nil }
func (c *scripted) SetReadDeadline(time.Time) error  { return nil }
func (c *scripted) SetWriteDeadline(time.Time) error { return nil }
func (c *scripted) RemoteAddr() net.Addr             { return &net.TCPAddr{} }

// receiveAll runs a receiver's connection over stream.
func receiveAll(stream []byte, piece int) (msgs [][]byte, rows []stats.Count) {
	l, _ := net.Listen("tcp", "127.0.0.1:0")
	r := NewReceiver(l, ReceiverConfig{Limit: 8 << 10})
	p := newPeer(r, &scripted{in: bytes.Clone(stream), piece: piece})
	r.admit(p)
	go func() {
		p.run()
		r.Close()
	}()
	buf := make([]byte, 16<<10)
	for {
		n, err := r.Read(buf)
		if errors.Is(err, io.EOF) {
			return msgs, r.Counts()
		}
		if err != nil {
			panic(err)
		}
		msgs = append(msgs, bytes.Clone(buf[:n]))
	}
}

// Whatever comes, every message that is given is one, and it does not matter
// in which pieces it came.
func FuzzReceiver(f *testing.F) {
	hello := appendHello(nil, Identity{7}, 1)
	plain := payload.AppendOldRecord(nil, message(1, 1, 30))
	frames := appendFrame(bytes.Clone(hello), kindMessage, 1, message(1, 1, 30))
	frames = appendFrame(frames, kindSkip, 2, nil)
	frames = appendFrame(frames, kindPush, 2, nil)
	frames = appendFrame(frames, kindMessage, 3, message(1, 2, 5000))
	f.Add(plain, uint16(7))
	f.Add(append(bytes.Clone(plain), "1 a 1 1 99\nx"+payload.Separator...), uint16(100))
	f.Add(append(bytes.Clone(hello), plain...), uint16(3))
	f.Add(frames, uint16(20))
	f.Add(append(bytes.Clone(frames), frames[len(hello):]...), uint16(4096))
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n\xC2\xB6"), uint16(5))
	f.Add([]byte("4745540a\n"), uint16(1))
	f.Fuzz(func(t *testing.T, stream []byte, piece uint16) {
		whole, wholeRows := receiveAll(stream, 1<<20)
		parts, partsRows := receiveAll(stream, int(piece)+1)
		if len(whole) != len(parts) {
			t.Fatalf("%d messages whole, %d in pieces of %d", len(whole), len(parts), int(piece)+1)
		}
		for i := range whole {
			if !bytes.Equal(whole[i], parts[i]) {
				t.Fatalf("message %d is %q whole and %q in pieces", i, whole[i], parts[i])
			}
			if _, _, err := payload.Split(whole[i]); err != nil {
				t.Fatalf("message %q: %v", whole[i], err)
			}
		}
		if stats.Sum(wholeRows) != stats.Sum(partsRows) {
			t.Fatalf("counts %v whole, %v in pieces", wholeRows, partsRows)
		}
	})
}

// Whatever a receiver says, the sender's decoder gives only frames that are
// intact, and they are those that were written.
func FuzzControl(f *testing.F) {
	f.Add(answer{version: 1, received: 9, settled: 8, limit: 100}.append(nil))
	f.Add(appendFrame(nil, kindAck, 1<<63, nil))
	f.Add([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		c := &senderConn{in: bufio.NewReaderSize(bytes.NewReader(b), 4<<10)}
		var again []byte
		for {
			h, body, err := c.control()
			if err != nil {
				break
			}
			again = appendFrame(again, h.kind, h.number, body)
			if a, err := parseAnswer(h, body); err == nil && a.settled > a.received {
				t.Fatalf("answer %+v", a)
			}
		}
		if !bytes.HasPrefix(b, again) {
			t.Fatalf("%q was read as %q", b, again)
		}
	})
}

func FuzzHello(f *testing.F) {
	f.Add("gor 00112233445566778899aabbccddeeff-1")
	f.Add("gor 00112233445566778899AABBCCDDEEFF-007")
	f.Add("gor x-1")
	f.Fuzz(func(t *testing.T, line string) {
		id, v, err := parseHello([]byte(line))
		if err != nil {
			return
		}
		id2, v2, err := parseHello(bytes.TrimSuffix(appendHello(nil, id, v), []byte("\nlink"+payload.Separator)))
		if err != nil || id2 != id || v2 != v {
			t.Fatalf("%q is %v %d, and written again %v %d, %v", line, id, v, id2, v2, err)
		}
	})
}
