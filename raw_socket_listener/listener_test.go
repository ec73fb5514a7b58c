package rawsocket

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/buger/gor/raw_socket_listener/filter"
	"github.com/buger/gor/raw_socket_listener/packet"
	"github.com/buger/gor/raw_socket_listener/packettest"
)

func listenerCapture() []byte {
	const cl, sv = "10.0.0.1:40000", "10.0.0.2:80"
	p := [][]byte{
		packettest.TCP4(cl, sv, packettest.Seg{Seq: 99, Flags: packet.FlagSYN}),
		packettest.TCP4(sv, cl, packettest.Seg{Seq: 499, Ack: 100, Flags: packet.FlagSYN | packet.FlagACK}),
		packettest.TCP4(cl, sv, packettest.Seg{Seq: 100, Ack: 500, Flags: packet.FlagACK, Payload: []byte(get1 + get2[:5])}),
		packettest.TCP4(cl, sv, packettest.Seg{Seq: 100 + uint32(len(get1)) + 5, Ack: 500, Flags: packet.FlagACK, Payload: []byte(get2[5:])}),
		packettest.TCP4(sv, cl, packettest.Seg{Seq: 500, Ack: 100 + 2*uint32(len(get1)), Flags: packet.FlagACK, Payload: []byte(ok2 + none)}),
	}
	for i := range p {
		p[i] = packettest.Ethernet(0x0800, p[i])
	}
	return packettest.Pcap(1, p...)
}

func readAll(t *testing.T, l *Listener) (got []string) {
	t.Helper()
	for {
		m, err := l.Next()
		if errors.Is(err, io.EOF) {
			return got
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(m.Data))
	}
}

func TestListenerReadsAFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "x.pcap")
	if err := os.WriteFile(name, listenerCapture(), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		track bool
		want  string
	}{{false, get1 + get2}, {true, get1 + get2 + ok2 + none}} {
		addr, err := filter.ParseAddress(name + ":80")
		if err != nil {
			t.Fatal(err)
		}
		l, err := Listen(Config{Address: addr, TrackResponse: tc.track})
		if err != nil {
			t.Fatal(err)
		}
		if l.Live() || l.String() != name+":80" {
			t.Errorf("live %v, named %q", l.Live(), l)
		}
		if got := strings.Join(readAll(t, l), ""); got != tc.want {
			t.Errorf("track %v: got %q, want %q", tc.track, got, tc.want)
		}
		s := l.Stats()
		if s.Starts != s.Emitted() || s.Emitted() == 0 || s.Source.Segments == 0 || s.Connections != 1 {
			t.Errorf("the ledger: %v", s.Rows())
		}
		for range 2 {
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		}
		if _, err := l.Next(); !errors.Is(err, io.EOF) {
			t.Errorf("behind the end: %v, want io.EOF", err)
		}
	}
}

// What comes through a pipe is given when it is complete, not when the pipe
// is closed; Close ends a Next that waits.
func TestListenerReadsAPipe(t *testing.T) {
	pr, pw, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer pr.Close()
	defer pw.Close()
	addr, err := filter.ParseAddress("-:80")
	if err != nil {
		t.Fatal(err)
	}
	l, err := Listen(Config{Address: addr, Stdin: pr})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pw.Write(listenerCapture()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{get1, get2} {
		m, err := l.Next()
		if err != nil || !bytes.Equal(m.Data, []byte(want)) {
			t.Fatalf("got %v, %v, want %q", m, err, want)
		}
	}
	ended := make(chan error)
	go func() {
		_, err := l.Next()
		ended <- err
	}()
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; !errors.Is(err, io.EOF) {
		t.Errorf("got %v, want io.EOF", err)
	}
}

func TestListenerReportsADamagedFile(t *testing.T) {
	b := listenerCapture()
	damaged := append(b, bytes.Repeat([]byte{0xFF}, 16)...)
	addr, err := filter.ParseAddress("-:80")
	if err != nil {
		t.Fatal(err)
	}
	l, err := Listen(Config{Address: addr, Stdin: bytes.NewReader(damaged)})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for {
		if _, err = l.Next(); err != nil {
			break
		}
		n++
	}
	if n != 2 || errors.Is(err, io.EOF) {
		t.Errorf("%d messages, then %v; want 2 and what is wrong with the file", n, err)
	}
}

// A source of a file waits for Next.
func TestHandoverWaits(t *testing.T) {
	h := newHandover(1000)
	w := newWriter(h, nil)
	const n = 100
	go func() {
		for range n {
			b := w.room(300)
			b.arena = append(b.arena, make([]byte, 300)...)
			e := b.next()
			e.from, e.to = len(b.arena)-300, len(b.arena)
			w.flush()
		}
		w.end()
	}()
	l := &Listener{hand: h}
	got := 0
	for {
		m, err := l.Next()
		if err != nil {
			break
		}
		h.mu.Lock()
		queued := h.bytes
		h.mu.Unlock()
		if len(m.Data) != 300 || queued > 1000 {
			t.Fatalf("%d bytes, %d queued", len(m.Data), queued)
		}
		got++
	}
	if got != n {
		t.Errorf("%d messages, want %d", got, n)
	}
}

func TestRowsNameEveryLoss(t *testing.T) {
	var s Stats
	seen := map[string]bool{}
	for _, c := range s.Rows() {
		if c.Name == "" || seen[c.Name] {
			t.Errorf("a row is named %q", c.Name)
		}
		seen[c.Name] = true
	}
	for l := notLost + 1; l < lossKinds; l++ {
		if !seen["lost: "+l.String()] {
			t.Errorf("no row for %q", l)
		}
	}
}

// A live source waits for a slow reader as long as its ring has room.
func TestHandoverWaitsUntilTheRingIsPressed(t *testing.T) {
	var looks atomic.Int64
	h := newHandover(1000)
	pressed := func() bool { return looks.Add(1) > 3 }
	fill := func() (*batch, bool) {
		return h.put(&batch{arena: make([]byte, 800), entries: make([]entry, 1)}, pressed)
	}
	if _, ok := fill(); !ok {
		t.Fatal("an empty handover refused a batch")
	}
	if _, ok := fill(); ok || looks.Load() != 4 {
		t.Errorf("taken %v after %d looks at the ring, want a refusal after 4", ok, looks.Load())
	}
	looks.Store(-1 << 40)
	took := make(chan bool)
	go func() {
		_, ok := fill()
		took <- ok
	}()
	for looks.Load() < -1<<40+2 { // it waits
		runtime.Gosched()
	}
	h.get(nil)
	if !<-took {
		t.Error("refused although the reader took a batch")
	}
}
