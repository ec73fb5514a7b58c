package answers

import (
	"bytes"
	"io"
	"testing"
	"time"

	"github.com/buger/gor/internal/buffers"
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/queue"
	"github.com/buger/gor/internal/stats"
)

// message is a request with that id.
func message(id string) []byte {
	return append(payload.AppendMeta(nil, payload.Meta{Type: payload.Request, ID: []byte(id), Time: 1, Length: -1}), "GET / HTTP/1.1\r\n\r\n"...)
}

func TestAnswerHasItsRequestsID(t *testing.T) {
	in := New(Config{Of: "output-x y", Limit: 100, LimitName: "--limit"})
	r := in.Recorder(nil)
	sent := time.Unix(1700000000, 5)
	r.Add(message("a1"), Answer{Bytes: []byte("HTTP/1.1 200 OK\r\n\r\n"), Sent: sent, Took: 7})
	r.Add(message("a2"), Answer{Bytes: []byte("x"), Cut: true})
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 1<<10)
	n, err := in.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	m, body, err := payload.Split(buf[:n])
	if err != nil || m.Type != payload.ReplayResponse || string(m.ID) != "a1" || m.Time != sent.UnixNano() || m.Duration != 7 || string(body) != "HTTP/1.1 200 OK\r\n\r\n" {
		t.Errorf("%+v %q, %v", m, body, err)
	}
	if _, err := in.Read(buf); err != io.EOF {
		t.Errorf("after Close: %v", err)
	}
	if rows := in.Counts(); stats.Sum(rows) != 1 || rows[0].N != 1 || rows[0].Name != "too large (--limit) or for lack of memory" {
		t.Errorf("%v", rows)
	}
	if in.String() != "responses of output-x y" {
		t.Errorf("%s", in)
	}
}

// A record names the target, and why there was no answer.
func TestAttributes(t *testing.T) {
	in := New(Config{Limit: 100, Label: "candidate"})
	r := in.Recorder(nil)
	r.Add(message("a1"), Answer{Error: "connect timeout", Sent: time.Unix(1700000000, 0), Took: 7})
	r.Add(message("a2"), Answer{Bytes: []byte("x"), Sent: time.Unix(1700000000, 0)})
	in.Close()
	buf := make([]byte, 1<<10)
	for _, want := range []string{"3 a1 1700000000000000000 7 0 t=candidate e=connect%20timeout\n", "3 a2 1700000000000000000 0 1 t=candidate\nx"} {
		n, err := in.Read(buf)
		if err != nil || string(buf[:n]) != want {
			t.Errorf("got %q, %v, want %q", buf[:n], err, want)
		}
	}
}

// What is kept has a bound for one answer and for all, and is given back.
func TestKeepIsBounded(t *testing.T) {
	in := New(Config{Limit: 3 << 20})
	var all [][]byte
	part := make([]byte, 1<<20)
	for want := range 4 {
		answer, ok := in.Keep(nil, part)
		if !ok || len(answer) != len(part) {
			t.Fatalf("the answer after %d is not kept", want)
		}
		all = append(all, answer)
	}
	if _, ok := in.Keep(nil, []byte("x")); ok {
		t.Error("more is kept than there is memory for")
	}
	for _, answer := range all {
		in.GiveBack(answer)
	}
	if in.Kept() != 0 {
		t.Errorf("%d bytes are kept of nothing", in.Kept())
	}
	answer, _ := in.Keep(nil, make([]byte, 3<<20))
	if _, ok := in.Keep(answer, []byte("x")); ok {
		t.Error("an answer above the limit is kept")
	}
}

// An input that nobody reads sheds and counts, and a Recorder holds no more
// memory than it may.
func TestShedsAndGivesBack(t *testing.T) {
	const room = 64 << 10
	memory := buffers.NewBudget(room)
	used := func() int { return room - memory.Free() }
	in := New(Config{Limit: 1 << 20})
	r := in.Recorder(memory)
	for in.Counts()[1].N == 0 {
		r.Add(message("a"), Answer{Bytes: []byte("short")})
	}
	waiting := in.q.Len()
	size, err := in.Read(make([]byte, 1<<10))
	if n := waiting * (size + queue.ItemOverhead); err != nil || n > Memory || n < Memory-queue.ItemOverhead-100 {
		t.Errorf("an answer was shed while %d of %d bytes were taken: %v", n, Memory, err)
	}
	if used() == 0 || used() > keepRecord {
		t.Errorf("%d bytes are held for the next answer", used())
	}
	r.Add(message("a"), Answer{Bytes: bytes.Repeat([]byte("x"), 2*keepRecord)})
	if used() != 0 {
		t.Errorf("%d bytes are held after a long answer", used())
	}
	if !memory.Take(60 << 10) {
		t.Fatal("no memory")
	}
	r.Add(message("a"), Answer{Bytes: make([]byte, 2*keepScarce)})
	r.Release()
	if used() != 60<<10 {
		t.Errorf("%d bytes are held though memory is scarce", used()-60<<10)
	}
}
