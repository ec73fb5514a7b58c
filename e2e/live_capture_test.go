package e2e

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/buger/gor/bench/loadgen"
	"github.com/buger/gor/bench/netns"
	"github.com/buger/gor/internal/testkit"
)

// liveSecondsVar is how many seconds each cell of the live matrix lasts. By
// default the whole matrix takes little more than half a minute.
const liveSecondsVar = "GOR_LIVE_SECONDS"

const (
	liveSeconds = 0.2
	liveConns   = 8

	// liveDefaultBytes bounds what a cell sends to half of Gor's ring, so that
	// a machine that is busy with other tests sees all of it as well.
	liveDefaultBytes = 8 << 20
	// liveMostBytes is the bound when the length of the cells was asked for.
	liveMostBytes = 2 << 30
)

// A liveLink is a way from a client to a server beside which Gor runs.
type liveLink struct {
	name           string
	server, client netns.Host
	ip             string // of the server
}

func liveLinks(wire *netns.Pair) []liveLink {
	return []liveLink{
		{"loopback IPv4", netns.Host{}, netns.Host{}, "127.0.0.1"},
		{"loopback IPv6", netns.Host{}, netns.Host{}, "::1"},
		{"veth IPv4", wire.Near, wire.Far, wire.Near.IPv4},
		{"veth IPv6", wire.Near, wire.Far, wire.Near.IPv6},
	}
}

// liveRates are the requests a second that a case is sent at; 0 is saturation.
// A thousand uploads of a megabyte are saturation for most machines.
func liveRates(c loadgen.Case) []float64 {
	if testkit.RaceEnabled {
		return []float64{0} // it is there to find races, and ten times as slow
	}
	if c == loadgen.Chunked1m {
		return []float64{50, 0}
	}
	return []float64{1000, 5000, 0}
}

// TestLiveCapture records numbered requests of every case over every link at
// every rate and finds each of them in the recording: all of them, byte for
// byte and once, where the kernel dropped no packet and Gor shed nothing, and
// otherwise what the ledger says.
func TestLiveCapture(t *testing.T) {
	testkit.NeedCapture(t)
	seconds, most := liveSeconds, int64(liveDefaultBytes)
	if s := os.Getenv(liveSecondsVar); s != "" {
		var err error
		if seconds, err = strconv.ParseFloat(s, 64); err != nil || seconds <= 0 {
			t.Fatalf("%s is %q: want seconds, such as 10", liveSecondsVar, s)
		}
		most = liveMostBytes
	}
	length := time.Duration(seconds * float64(time.Second))
	run := uint64(0)
	for _, link := range liveLinks(testkit.NewWire(t)) {
		for _, c := range loadgen.Cases() {
			for _, rate := range liveRates(c) {
				run++
				cell := newLiveCell(link, loadgen.NewTraffic(c, run))
				cell.load.Rate = rate
				cell.load.Requests = most / cell.bytes
				cell.patience += 10 * length
				pace := "saturation"
				if rate > 0 {
					cell.load.Requests = min(cell.load.Requests, int64(rate*seconds))
					pace = fmt.Sprintf("%.0f a second", rate)
				}
				t.Run(fmt.Sprintf("%s %v at %s", link.name, c, pace), func(t *testing.T) {
					cell.start(t)
					if rate == 0 {
						stop, cancel := context.WithTimeout(t.Context(), length)
						defer cancel()
						cell.load.Stop = stop.Done()
					}
					cell.run(t)
					cell.check(t)
				})
			}
		}
	}
}

// TestLiveCaptureLoss stops Gor while the requests go on, so that the kernel
// must drop packets, and lets it go on: whatever is missing then, the ledger
// says so, and what was recorded is as it was sent.
func TestLiveCaptureLoss(t *testing.T) {
	testkit.NeedCapture(t)
	links := liveLinks(testkit.NewWire(t))
	for i, c := range loadgen.Cases() {
		link := links[i%2*3] // loopback IPv4 and veth IPv6 in turn
		t.Run(fmt.Sprintf("%s %v", link.name, c), func(t *testing.T) {
			cell := newLiveCell(link, loadgen.NewTraffic(c, uint64(1000+i)))
			stop := make(chan struct{})
			cell.load.Stop = stop
			// As fast as a Gor that has gone on can follow.
			cell.load.Rate = min(20_000, float64(20<<20/cell.bytes))
			cell.start(t, "--input-raw-buffer-size", "2mb", "--input-raw-expire", "50ms", "--output-file-flush-interval", "20ms")

			// Before, several requests of each connection, and while Gor is
			// stopped several times what the ring holds of packets, each of
			// which takes more than its payload.
			const some = 2 * liveConns
			overflow := max(6<<20/(cell.bytes+150), some)
			ctx, cancel := context.WithCancel(t.Context())
			phases := make(chan struct{})
			go func() {
				defer close(phases)
				defer close(stop)
				cell.awaitMore(ctx, some)
				cell.gor.Cmd.Process.Signal(syscall.SIGSTOP)
				cell.awaitMore(ctx, overflow)
				cell.gor.Cmd.Process.Signal(syscall.SIGCONT)
				// Until what came behind the hole is recorded.
				waitFor(ctx, func() bool {
					cell.awaitMore(ctx, int64(cell.load.Rate/8))
					found, err := cell.recorded()
					return err != nil || found.Missing > found.MissingAtEnds
				})
			}()
			defer func() { cancel(); <-phases }()
			cell.run(t)
			l, found := cell.check(t)
			if l.dropped == 0 || l.gaps == 0 || found.Missing == found.MissingAtEnds {
				t.Errorf("%d packets dropped, %d gaps, %d missing and %d of them at ends: the test shows nothing", l.dropped, l.gaps, found.Missing, found.MissingAtEnds)
			}
		})
	}
}
