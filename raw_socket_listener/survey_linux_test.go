package rawsocket

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/buger/gor/raw_socket_listener/packettest"
)

// insideVar says that the process is a test's copy in a network namespace of
// its own, where nobody else sends anything.
const insideVar = "RAWSOCKET_TEST_INSIDE"

// inNamespace reports whether the test runs in a namespace of its own. When
// it does not, it has a copy of the test run there, and the test is done.
func inNamespace(t *testing.T) bool {
	t.Helper()
	packettest.NeedRoot(t)
	if os.Getenv(insideVar) != "" {
		return true
	}
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=60s")
	cmd.Env = append(os.Environ(), insideVar+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("in a network namespace: %v\n%s", err, out)
	} else if !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("in a network namespace, it did not pass:\n%s", out)
	}
	return false
}

func testSurvey(t *testing.T) *survey {
	return newSurvey(Config{Address: mustAddress(t, ":80")})
}

// A survey ends when its time is over, when it has seen enough, and when it
// is told to.
func TestSurveyIsBounded(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	s := testSurvey(t)
	s.longest = 30 * time.Millisecond
	if err := s.look(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s.packets != 0 || s.took < s.longest || s.took > 40*s.longest {
		t.Errorf("%d packets in %v, want none in %v", s.packets, s.took, s.longest)
	}
	if lines := s.lines(); len(lines) != 1 || !strings.HasPrefix(lines[0], "no packets at all on any interface in 30ms") {
		t.Errorf("of nothing: %q", lines)
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s = testSurvey(t)
	s.longest = time.Hour
	if err := s.look(ctx); err != nil {
		t.Error(err)
	}

	packettest.RunIP(t, "link", "set", "lo", "up")
	s = testSurvey(t)
	s.longest, s.most = time.Hour, 200
	stop := sendQUIC(t)
	err := s.look(t.Context())
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

// A capture on the wrong port: the hint names the right one, and where. The
// end of the capture is the end of the hint.
func TestSilenceNamesTheRightPort(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	packettest.RunIP(t, "link", "set", "lo", "up")
	server, err := net.Listen("tcp4", "127.0.0.1:8123")
	if err != nil {
		t.Fatal(err)
	}
	web := &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})}
	go func() { _ = web.Serve(server) }()
	defer web.Close()

	lines := make(chan string, 100)
	c := Config{
		Address:      mustAddress(t, "lo:80"),
		BlockTimeout: time.Millisecond,
		Logf:         func(f string, args ...any) { lines <- fmt.Sprintf(f, args...) },
	}.withDefaults()
	sources, err := openSources(sourceConfig{Address: c.Address, BlockTimeout: c.BlockTimeout}, 1)
	if err != nil {
		t.Fatal(err)
	}
	l := &Listener{live: true, hand: newHandover(handoverBytes)}
	l.add(c, sources)
	l.parts[0].asm.notice.silence = time.Millisecond
	l.start()

	// The client goes on until the hint is there.
	quiet := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-quiet:
				return
			default:
			}
			if resp, err := http.Get("http://127.0.0.1:8123/"); err == nil {
				resp.Body.Close()
			}
		}
	}()
	var got []string
	patience := time.After(packettest.Patience)
	for len(got) < 3 {
		select {
		case line := <-lines:
			got = append(got, line)
		case <-patience:
			t.Fatalf("told only %q", got)
		}
	}
	close(quiet)
	<-done
	for i, want := range []string{"no packet for lo:80", "the interfaces saw, in ", "HTTP requests go to port 8123 on lo: capture them with --input-raw :8123"} {
		if !strings.Contains(got[i], want) {
			t.Errorf("line %d is %q, want %q", i+1, got[i], want)
		}
	}
	if !strings.Contains(got[1], ": lo ") {
		t.Errorf("the interface is not named: %q", got[1])
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if m, err := l.Next(); err == nil {
		t.Errorf("captured %q", m.Data)
	}
}
