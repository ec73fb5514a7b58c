package main

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
	needCapture(t)
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
	for _, addr := range []string{":80", "127.0.0.1:8000"} {
		soakPart(t, wire.Near, "server", addr).await("listening")
	}
	file := filepath.Join(t.TempDir(), "out.gor")
	gor := startSoaked(t, wire.Near, append([]string{"--input-raw", ":80", "--output-file", file}, args...))
	mem := watchMemory(t, gor)
	abuse := startAbuse(t, wire, scale)

	began := time.Now()
	for _, p := range []*process{
		soakPart(t, wire.Near, "traffic", "near", strconv.Itoa(rounds)),
		soakPart(t, wire.Far, "traffic", "far", strconv.Itoa(rounds)),
	} {
		select {
		case <-p.ended:
		case <-time.After(time.Duration(seconds)*time.Second + testTimeout):
			t.Fatal("the clients do not come to an end")
		}
		if code := p.wait(); code != 0 {
			t.Fatalf("a client failed:\n%s", p.said())
		}
	}
	ended := time.Now()
	gor.stop() // the abuse goes on
	if took := time.Since(ended); took > soakExit {
		t.Errorf("after an interrupt Gor took %s to end, want %s at most", took, soakExit)
	}
	for _, p := range abuse {
		p.stop()
		t.Logf("abuse: %s", strings.ReplaceAll(strings.TrimSpace(p.said()), "\n", ", "))
	}
	wantSoaked(t, gor.said(), file, rounds)
	mem.want(began, ended)
}

// soakLength is how long a soak takes and how hard it is.
func soakLength(t *testing.T) (seconds int, scale float64) {
	t.Helper()
	seconds, scale = soakSeconds, shortScale
	if raceEnabled {
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
	if !raceEnabled {
		scale = 1
	}
	return seconds, scale
}

// soakWire makes the two hosts of a soak. The networks of forged senders lie
// behind the far one, which throws away what comes for them, as the near one
// does with what comes for soakNobody.
func soakWire(t *testing.T) *netns.Pair {
	t.Helper()
	wire := newWire(t)
	for _, host := range []netns.Host{wire.Near, wire.Far} {
		must(t, host.Do(func() error {
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

// soakPart starts a program of the soak on a host.
func soakPart(t *testing.T, host netns.Host, args ...string) *process {
	t.Helper()
	return spawn(t, "soak", host.Prefix(), nil, args...)
}

// startSoaked starts Gor. It is built as it is released, whose memory counts;
// with the race detector it is the test's own binary, as always.
func startSoaked(t *testing.T, host netns.Host, args []string) *process {
	t.Helper()
	if raceEnabled {
		gor := spawn(t, "gor", host.Prefix(), nil, args...)
		gor.await("gor: to ")
		return gor
	}
	binary := filepath.Join(t.TempDir(), "gor")
	build := exec.Command(needTool(t, "go", "golang"), "build", "-trimpath", "-ldflags", "-s -w -buildid=", "-o", binary, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v: %s", err, out)
	}
	gor := soakPart(t, host, append([]string{"exec", binary}, args...)...)
	gor.await("gor: to ")
	return gor
}

// startAbuse starts what sends forged packets and what makes connections, on
// either host, and returns when soakHalfOpen connections are half open. Their
// senders come last when the processors are short: strangers bring their own.
func startAbuse(t *testing.T, wire *netns.Pair, scale float64) (all []*process) {
	t.Helper()
	var mac string
	must(t, wire.Near.Do(func() error {
		ifi, err := net.InterfaceByName("veth0")
		if err == nil {
			mac = ifi.HardwareAddr.String()
		}
		return err
	}))
	start := func(host netns.Host, args ...string) *process {
		p := spawn(t, "soak", append(host.Prefix(), needTool(t, "nice", "coreutils"), "-n", "19"), nil, args...)
		all = append(all, p)
		return p
	}
	forged := start(wire.Far, "packets", "veth0", mac,
		net.JoinHostPort(wire.Near.IPv4, "80"), net.JoinHostPort(wire.Near.IPv6, "80"), soakNobody, fmt.Sprint(scale))
	forged.await("half-open connections\n")
	rate := strconv.Itoa(int(soakBytes * scale))
	start(wire.Near, "conns", "127.0.0.1:80", rate)
	start(wire.Far, "conns", net.JoinHostPort(wire.Near.IPv4, "80"), rate)
	return all
}
