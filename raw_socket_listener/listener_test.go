package rawsocket

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/buger/gor/raw_socket_listener/filter"
	"github.com/buger/gor/raw_socket_listener/packet"
	"github.com/buger/gor/raw_socket_listener/packettest"
)

const (
	firstGet  = "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n"
	secondGet = "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n"
	okAnswer  = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
	noAnswer  = "HTTP/1.1 204 No Content\r\n\r\n"
)

func listenerCapture() []byte {
	const cl, sv = "10.0.0.1:40000", "10.0.0.2:80"
	p := [][]byte{
		packettest.TCP4(cl, sv, packettest.Seg{Seq: 99, Flags: packet.FlagSYN}),
		packettest.TCP4(sv, cl, packettest.Seg{Seq: 499, Ack: 100, Flags: packet.FlagSYN | packet.FlagACK}),
		packettest.TCP4(cl, sv, packettest.Seg{Seq: 100, Ack: 500, Flags: packet.FlagACK, Payload: []byte(firstGet + secondGet[:5])}),
		packettest.TCP4(cl, sv, packettest.Seg{Seq: 100 + uint32(len(firstGet)) + 5, Ack: 500, Flags: packet.FlagACK, Payload: []byte(secondGet[5:])}),
		packettest.TCP4(sv, cl, packettest.Seg{Seq: 500, Ack: 100 + 2*uint32(len(firstGet)), Flags: packet.FlagACK, Payload: []byte(okAnswer + noAnswer)}),
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
	}{{false, firstGet + secondGet}, {true, firstGet + secondGet + okAnswer + noAnswer}} {
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
	for _, want := range []string{firstGet, secondGet} {
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
