package rawsocket

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/buger/gor/raw_socket_listener/assemble"
	"github.com/buger/gor/raw_socket_listener/packet"
	"github.com/buger/gor/raw_socket_listener/source"
)

const (
	// noticeGrain is how often the counters are looked at.
	noticeGrain = time.Second
	// silence is after what time without a request a live capture says what
	// there is instead.
	silence = 10 * time.Second
)

// notices tells people what they would want to know before the summary at the
// end: that the traffic is not HTTP/1, that messages are being lost and what
// helps, and what there is to see when nothing is captured. The goroutines of
// all assemblers of a capture call it.
type notices struct {
	logf  func(string, ...any)
	stats func() Stats // of the whole capture; nil when there is none
	cfg   Config
	live  bool

	silence time.Duration                               // after which the hint comes
	observe func(ctx context.Context) ([]string, error) // makes a survey and says what it saw

	mu          sync.Mutex
	began, next int64    // packet time
	faults      []string // of the source, that were told
	losses      lossNotices

	toldTLS, toldHTTP2, toldSilence, toldOneSided, toldShared bool

	ended   bool
	cancel  context.CancelFunc // ends the survey
	surveys sync.WaitGroup     // at most one
}

func newNotices(c Config, stats func() Stats) *notices {
	return &notices{
		logf: c.Logf, stats: stats, cfg: c, live: c.Address.Live(),
		silence: silence,
		observe: func(ctx context.Context) ([]string, error) { return observe(ctx, c) },
		losses:  lossNotices{cfg: c},
	}
}

// TLS tells of the first connection with TLS.
func (n *notices) TLS(server netip.AddrPort) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !once(&n.toldTLS) {
		return
	}
	n.logf("port %d carries TLS, which cannot be read: capture behind the TLS terminator, on the port it forwards plain HTTP to", server.Port())
}

// HTTP2 tells of the first connection with HTTP/2.
func (n *notices) HTTP2(server netip.AddrPort) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !once(&n.toldHTTP2) {
		return
	}
	n.logf("port %d carries HTTP/2, which is not captured: capture where it has been translated to HTTP/1, behind the proxy", server.Port())
}

// Shed tells of the first message that the reader was too slow for, at once.
func (n *notices) Shed() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.losses.told[assemble.LostShed] == 0 {
		var s Stats
		s.Lost[assemble.LostShed] = 1
		n.losses.look(n.next, &s, n.logf)
	}
}

// Look tells what the counters show. now is packet time.
func (n *notices) Look(now int64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if now < n.next || n.ended {
		return
	}
	if n.began == 0 {
		n.began = now
	}
	n.next = now + int64(noticeGrain)
	if n.stats == nil {
		return
	}
	s := n.stats()
	n.tellFaults(&s.Source)
	n.losses.look(now, &s, n.logf)
	if s.Requests > 0 {
		n.toldSilence = true
	}
	n.tellOneSided(&s)
	if n.live && now-n.began >= int64(n.silence) && once(&n.toldSilence) {
		n.tellSilence(&s)
	}
}

// oneSided is how many requests without a single response show that the other
// direction is not seen: more than are sent ahead of their first response.
const oneSided = 20

// tellOneSided says that no response is seen although they are wanted.
func (n *notices) tellOneSided(s *Stats) {
	enough := n.live && s.Requests >= oneSided || !n.live && n.ended && s.Requests > 0
	if !n.cfg.TrackResponse || n.cfg.RequestsAlone || !enough || s.Responses+s.Interim+s.Lost[assemble.LostUnpaired] > 0 || !once(&n.toldOneSided) {
		return
	}
	n.logf("%s and no response: the capture sees only what goes to the servers; both directions have to pass the interface, the mirror port, or the filter with which a capture file was recorded",
		source.Counted(s.Requests, "request"))
}

// tellSilence says what of the packets that are captured was of no use, and
// has a survey find out what there is beside them.
func (n *notices) tellSilence(s *Stats) {
	if k := s.Source.Ignored[packet.IgnoredVLAN]; k > 0 {
		n.logf("%s of a VLAN, or of none, that --input-raw-vlan or --input-raw-vlan-vid leaves out", source.Counted(k, "packet"))
	}
	switch {
	case s.Source.Received > 0 && n.cfg.Binary:
		n.logf("no request in %v from %s: %s, %s (%d excluded), %s begun, %d lost",
			n.silence, n.cfg.Address, source.Counted(s.Source.Received, "packet"), source.Counted(s.Connections, "connection"),
			s.Excluded, source.Counted(s.Starts, "message"), s.LostSum())
		return // what a survey knows is HTTP
	case n.cfg.Binary:
		n.logf("no request in %v, and no packet for %s", n.silence, n.cfg.Address)
		return
	case s.Source.Received == 0:
		n.logf("no request in %v, and no packet for %s: looking at what else there is", n.silence, n.cfg.Address)
	default:
		n.logf("no request in %v from %s: %s, %s (%d TLS, %d HTTP/2, %d excluded), %s begun, %d lost; looking at what else there is",
			n.silence, n.cfg.Address, source.Counted(s.Source.Received, "packet"), source.Counted(s.Connections, "connection"),
			s.TLS, s.HTTP2, s.Excluded, source.Counted(s.Starts, "message"), s.LostSum())
	}
	ctx, cancel := context.WithCancel(context.Background())
	n.cancel = cancel
	n.surveys.Go(func() { n.survey(ctx) })
}

// observe makes a survey of what the capture does not take.
func observe(ctx context.Context, c Config) ([]string, error) {
	s := source.NewSurvey(source.SurveyConfig{Address: c.Address, Tunnels: c.Tunnels, Ignore: c.Ignore, VXLANPort: c.VXLANPort, Exclude: c.Exclude})
	if err := s.Look(ctx); err != nil {
		return nil, err
	}
	return s.Lines(), nil
}

func (n *notices) survey(ctx context.Context) {
	lines, err := n.observe(ctx)
	switch {
	case ctx.Err() != nil:
	case err != nil:
		n.logf("what else there is cannot be seen: %v", err)
	default:
		for _, line := range lines {
			n.logf("%s", line)
		}
	}
}

// end tells what the source had to say at last, and ends the survey.
func (n *notices) end() {
	n.mu.Lock()
	n.ended = true
	if n.stats != nil {
		s := n.stats()
		n.tellFaults(&s.Source)
		if !n.live { // which may have been over before anybody looked
			n.losses.look(n.next, &s, n.logf)
			n.tellOneSided(&s)
		}
	}
	if n.cancel != nil {
		n.cancel()
	}
	n.mu.Unlock()
	n.surveys.Wait()
}

func (n *notices) tellFaults(s *source.Stats) {
	for _, line := range s.Faults { // those of several rings, in no order that stays
		if !slices.Contains(n.faults, line) {
			n.faults = append(n.faults, line)
			n.logf("%s", line)
		}
	}
}

// once reports whether told was false, and makes it true.
func once(told *bool) bool {
	first := !*told
	*told = true
	return first
}

// Rewritten tells of the first connection that was seen twice.
func (n *notices) Rewritten(firstClient, firstServer, client, server netip.AddrPort) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.logf("a connection from %s to %s is seen again as one from %s to %s, as a published container port or masquerading rewrites it: each is taken once, as it is seen first; to choose, name the interface or the server's address, such as --input-raw %s",
		firstClient, firstServer, client, server, server)
}

// Shared tells of the first connection that another capture had seen before.
func (n *notices) Shared(client, server netip.AddrPort) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if once(&n.toldShared) {
		n.logf("%s overlaps another --input-raw: both see the connection from %s to %s; each is taken once, by whichever sees it first", n.cfg.Address, client, server)
	}
}
