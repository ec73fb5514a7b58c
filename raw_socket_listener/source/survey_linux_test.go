package source

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/buger/gor/raw_socket_listener/packettest"
)

func testSurvey(t *testing.T) *Survey {
	return NewSurvey(SurveyConfig{Address: addressFor(t, ":80")})
}

// A survey ends when its time is over, when it has seen enough, and when it
// is told to.
func TestSurveyIsBounded(t *testing.T) {
	if !packettest.InNamespace(t) {
		return
	}
	s := testSurvey(t)
	s.longest = 30 * time.Millisecond
	if err := s.Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s.packets != 0 || s.took < s.longest || s.took > time.Minute {
		t.Errorf("%d packets in %v, want none in %v", s.packets, s.took, s.longest)
	}
	if lines := s.Lines(); len(lines) != 1 || !strings.HasPrefix(lines[0], "no packets at all on any interface in 30ms") {
		t.Errorf("of nothing: %q", lines)
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s = testSurvey(t)
	s.longest = time.Hour
	if err := s.Look(ctx); err != nil {
		t.Error(err)
	}

	packettest.RunIP(t, "link", "set", "lo", "up")
	s = testSurvey(t)
	s.longest, s.most = time.Hour, 200
	stop := sendQUIC(t)
	err := s.Look(t.Context())
	last := stop()
	if err != nil {
		t.Fatal(err)
	}
	if s.packets != 200 {
		t.Errorf("%d packets, want 200", s.packets)
	}
	// Every port was sent one datagram, and loopback shows each twice.
	for g, n := range s.sights {
		if g.what != sightQUIC || int(g.port) < firstPort || int(g.port) > last || n != 1 || s.name(g.iface) != "lo" {
			t.Errorf("%d times %+v", n, g)
		}
	}
	if len(s.sights) < 50 { // beside them are the answers that nobody listens
		t.Errorf("%d datagrams of %d packets", len(s.sights), s.packets)
	}
}

const firstPort = 2000

// sendQUIC sends a datagram to one port of loopback after the other until
// stopped, which gives the last port.
func sendQUIC(t *testing.T) (stop func() int) {
	t.Helper()
	done, last := make(chan struct{}), make(chan int)
	conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		defer conn.Close()
		for port := firstPort; ; port++ {
			select {
			case <-done:
				last <- port
				return
			default:
			}
			// An error is one that came back for an earlier datagram.
			_, _ = conn.WriteTo([]byte(quicInitial), &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
			if port == 30000 {
				port = firstPort - 1
			}
		}
	}()
	return func() int {
		close(done)
		return <-last
	}
}
