package e2e

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/buger/gor/bench/netns"
	"github.com/buger/gor/internal/testkit"
)

const (
	// soakHalfOpen is how many connections are half open before the clients
	// begin.
	soakHalfOpen = 20_000

	// soakExit is how long Gor may take to end, in the middle of it all.
	soakExit = 5 * time.Second

	// soakSeconds is how long each variant runs unless GOR_SOAK_SECONDS says
	// otherwise. Then it also runs at the full rates, which are for a machine
	// that does nothing else.
	soakSeconds = 10
	shortScale  = 0.5
	raceScale   = 0.1 // for programs that the race detector slows down

	// soakBytes is what the established connections of each side send and
	// receive a second.
	soakBytes = 10 << 20
)

// TestSoakUnderAbuse: whatever strangers send, on established connections and
// in forged packets, Gor's memory stays below its ceiling and does not grow,
// and clients beside them have every request captured.
func TestSoakUnderAbuse(t *testing.T) {
	testkit.NeedCapture(t)
	for _, test := range []struct {
		name string
		args []string
	}{
		{"requests", nil},
		{"responses", []string{"--input-raw-track-response", "--output-http", "127.0.0.1:8000"}},
	} {
		t.Run(test.name, func(t *testing.T) { soak(t, test.args) })
	}
}

func soak(t *testing.T, args []string) {
	seconds, scale := soakLength(t)
	rounds := max(1, int(time.Duration(seconds)*time.Second/roundTime))
	wire := soakWire(t)
	parts := newSoakParts(t)
	parts.start(wire.Near.Prefix(), "server", ":80").Await("listening")
	parts.start(wire.Near.Prefix(), "target", "127.0.0.1:8000").Await("listening")
	file := filepath.Join(t.TempDir(), "out.gor")
	patience := time.Duration(seconds)*time.Second + testkit.Timeout
	gor := parts.startGor(wire.Near, append([]string{
		"--input-raw", ":80", "--output-file", file, "--exit-after", (2 * patience).String(), // should the test be gone
	}, args...))
	mem := watchMemory(t, gor)
	abuse := parts.startAbuse(wire, scale)

	began := time.Now()
	for _, p := range []*testkit.Process{
		parts.start(wire.Near.Prefix(), "traffic", "near", strconv.Itoa(rounds)),
		parts.start(wire.Far.Prefix(), "traffic", "far", strconv.Itoa(rounds)),
	} {
		select {
		case <-p.Ended:
		case <-time.After(patience):
			t.Fatal("the clients do not come to an end")
		}
		if code := p.Wait(); code != 0 {
			t.Fatalf("a client failed:\n%s", p.Stderr())
		}
	}
	ended := time.Now()
	gor.Stop() // the abuse goes on
	took := time.Since(ended)
	t.Logf("Gor ended %s after the interrupt", took.Round(time.Millisecond))
	if took > soakExit {
		t.Errorf("after the interrupt Gor took %s to end, want %s at most", took, soakExit)
	}
	for _, p := range abuse {
		p.Stop()
		t.Logf("abuse: %s", strings.ReplaceAll(strings.TrimSpace(p.Stderr()), "\n", ", "))
	}
	wantSoaked(t, gor.Stderr(), file, rounds)
	mem.want(began, ended)
}

// soakLength is how long a soak takes and how hard it is.
func soakLength(t *testing.T) (seconds int, scale float64) {
	t.Helper()
	seconds, scale = soakSeconds, shortScale
	if testkit.RaceEnabled {
		seconds, scale = soakSeconds/2, raceScale
	}
	value := os.Getenv("GOR_SOAK_SECONDS")
	if value == "" {
		return seconds, scale
	}
	seconds, err := strconv.Atoi(value)
	if err != nil || seconds < 1 {
		t.Fatalf("GOR_SOAK_SECONDS is %q: want seconds, such as 120", value)
	}
	if !testkit.RaceEnabled {
		scale = 1
	}
	return seconds, scale
}

// soakWire makes the two hosts of a soak. The networks of forged senders lie
// behind the far one, which throws away what comes for them, as the near one
// does with what comes for soakNobody.
func soakWire(t *testing.T) *netns.Pair {
	t.Helper()
	wire := testkit.NewWire(t)
	for _, host := range []netns.Host{wire.Near, wire.Far} {
		testkit.Must(t, host.Do(func() error {
			for _, name := range []string{"ipv4/ip_forward", "ipv6/conf/all/forwarding"} {
				if err := os.WriteFile("/proc/sys/net/"+name, []byte("0"), 0); err != nil {
					return err
				}
			}
			return nil
		}))
	}
	for _, route := range [][]string{{"10.78.0.0/16", wire.Far.IPv4}, {"fd78::/64", wire.Far.IPv6}} {
		argv := append(wire.Near.Prefix(), "ip", "route", "add", route[0], "via", route[1])
		if out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", strings.Join(argv, " "), err, out)
		}
	}
	return wire
}

// soakParts starts the programs of a soak.
type soakParts struct {
	t     *testing.T
	stdin *os.File // of all of them; ends with the test
}

func newSoakParts(t *testing.T) soakParts {
	t.Helper()
	r, w, err := os.Pipe()
	testkit.Must(t, err)
	t.Cleanup(func() { r.Close(); w.Close() })
	return soakParts{t, r}
}

// start starts a part behind prefix, which puts it on a host.
func (s soakParts) start(prefix []string, args ...string) *testkit.Process {
	s.t.Helper()
	return testkit.Spawn(s.t, "soak", prefix, s.stdin, args...)
}

// startGor starts Gor. It is built as it is released, whose memory counts;
// with the race detector it is the one that all tests start.
func (s soakParts) startGor(host netns.Host, args []string) (gor *testkit.Process) {
	s.t.Helper()
	if testkit.RaceEnabled {
		gor = testkit.Spawn(s.t, "gor", host.Prefix(), nil, args...)
	} else {
		binary := filepath.Join(s.t.TempDir(), "gor")
		build := exec.Command(testkit.NeedTool(s.t, "go", "golang"), "build", "-trimpath", "-ldflags", "-s -w -buildid=", "-o", binary, "..")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			s.t.Fatalf("go build: %v: %s", err, out)
		}
		gor = s.start(host.Prefix(), append([]string{"exec", binary}, args...)...)
	}
	gor.Await("gor: to ")
	return gor
}

// startAbuse starts what sends forged packets and what makes connections, on
// either host, and returns when soakHalfOpen connections are half open. Their
// senders come last when the processors are short: strangers bring their own.
func (s soakParts) startAbuse(wire *netns.Pair, scale float64) (all []*testkit.Process) {
	s.t.Helper()
	var mac string
	testkit.Must(s.t, wire.Near.Do(func() error {
		ifi, err := net.InterfaceByName("veth0")
		if err == nil {
			mac = ifi.HardwareAddr.String()
		}
		return err
	}))
	nice := []string{testkit.NeedTool(s.t, "nice", "coreutils"), "-n", "19"}
	start := func(host netns.Host, args ...string) *testkit.Process {
		p := s.start(append(host.Prefix(), nice...), args...)
		all = append(all, p)
		return p
	}
	forged := start(wire.Far, "packets", "veth0", mac,
		net.JoinHostPort(wire.Near.IPv4, "80"), net.JoinHostPort(wire.Near.IPv6, "80"), soakNobody, fmt.Sprint(scale))
	forged.Await("half-open connections\n")
	rate := strconv.Itoa(int(soakBytes * scale))
	start(wire.Near, "conns", "127.0.0.1:80", rate)
	start(wire.Far, "conns", net.JoinHostPort(wire.Near.IPv4, "80"), rate)
	return all
}
