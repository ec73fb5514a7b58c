// Package source gives TCP segments: of packets from rings on interfaces, from
// capture files and from a VXLAN tunnel. It follows interfaces that come and go,
// and makes surveys of what a capture does not take.
package source

import (
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/buger/gor/raw_socket_listener/filter"
	"github.com/buger/gor/raw_socket_listener/packet"
)

// A Sink takes what a source found. A source calls it from one goroutine.
type Sink interface {
	// Segment takes one TCP segment. s and s.Payload are the source's and
	// valid until the call returns.
	Segment(s *packet.Segment)

	// Tick says that packet time has reached at least now, ns since 1970,
	// although there may have been no packet. Live sources call it after each
	// block and when a wait for packets ran out; a file never does.
	Tick(now int64)
}

// A Source gives TCP segments to a sink.
type Source interface {
	// Run blocks until the source ends, which is nil at the end of a file and
	// after Close. It is called once.
	Run(s Sink) error

	// Close makes Run return soon. It is idempotent, may be called from any
	// goroutine, and before Run.
	Close() error

	// NearlyFull reports that packets will be lost if the sink keeps the source
	// waiting. The sink calls it, inside its methods.
	NearlyFull() bool

	// Stats may be called at any time from any goroutine.
	Stats() Stats

	String() string
}

// Config says where packets come from.
type Config struct {
	Address           filter.Address
	TrackResponse     bool               // packets from the server are wanted too
	RingBytes         int                // of all rings together; 0 means defaultRingBytes
	BlockTimeout      time.Duration      // how long the kernel may hold a packet back; 0 means defaultBlockTimeout
	Promisc           bool               // put the interfaces in promiscuous mode
	Tunnels           bool               // look into tunnels and second VLAN tags too; a file's are always looked into
	Filter            *filter.Expression // what packets have to match beside; nil for all
	Stdin             io.Reader          // what "-" reads
	BeforeRead        func()             // called before each read of Stdin, which may wait; nil: nothing is
	VXLANPort         int                // receive the packets from a VXLAN tunnel at this UDP port instead; 0 does not
	VNIs              []int              // the tunnel's networks: those listed, or all but those listed below zero
	Acks              bool               // packets to the server that only acknowledge are wanted too
	VLANs             filter.VLANs       // what frames are wanted by their VLAN tag
	IgnoredInterfaces []string           // interfaces whose frames are ignored, by name or pattern

	// Survey is shown what a capture file holds. Nil is shown nothing.
	Survey *Survey

	// Yield is called between two pieces of work on what interfaces gave: it may
	// let another program have the core, such as the server whose traffic it is.
	// Nil does not. It is not called when the source is behind.
	Yield func()

	// ByIndex has the kernel's filter let only frames of these interfaces
	// through, which can change while the capture runs.
	ByIndex bool
	Indices []uint32
}

// defaultRingBytes is the share of the memory ceiling that is for rings.
const defaultRingBytes = 16 << 20

// defaultBlockTimeout is right when an output waits for each message. Longer
// blocks cost the host less: there are fewer wake-ups.
const defaultBlockTimeout = 16 * time.Millisecond

// openOne opens the interfaces or the file that c names. Packets that the
// interfaces see from now on are not missed.
func openOne(c Config) (Source, error) {
	switch {
	case c.VXLANPort != 0:
		return openVXLAN(c.withDefaults())
	case !c.Address.Live():
		return openFile(c)
	}
	return openRings(c.withDefaults())
}

// Open opens the interfaces or the file that c names. Packets that the interfaces
// see from now on are not missed. For live capture on several cores it opens n
// sources, each of which is given some of the connections, both directions to the
// same one. It is one source for n below two, for a file, with a filter, of which
// nobody knows whether it takes whole connections, and with tunnels, whose
// connections the kernel cannot tell apart.
func Open(c Config, n int) ([]Source, error) {
	if n > 1 && c.Address.Live() && !c.Tunnels && c.Filter == nil && c.VXLANPort == 0 {
		return openFanout(c.withDefaults(), n)
	}
	s, err := openOne(c)
	if err != nil {
		return nil, err
	}
	return []Source{s}, nil
}

// wanted is what the kernel is to let through.
func (c Config) wanted() filter.Wanted {
	return filter.Wanted{
		Address: c.Address, TrackResponse: c.TrackResponse, Acks: c.Acks, Tunnels: c.Tunnels, Filter: c.Filter,
		ByIndex: c.ByIndex, Indices: c.Indices,
	}
}

func (c Config) withDefaults() Config {
	if c.RingBytes <= 0 {
		c.RingBytes = defaultRingBytes
	}
	if c.BlockTimeout <= 0 {
		c.BlockTimeout = defaultBlockTimeout
	}
	return c
}

// interfaces are those that are captured by name, none for all: of those that a
// pattern named without those that are ignored.
func (c Config) interfaces() ([]string, error) {
	all := c.Address.Interfaces
	names := slices.DeleteFunc(slices.Clone(all), func(name string) bool { return filter.MatchesAny(c.IgnoredInterfaces, name) })
	if len(names) == 0 && len(all) > 0 && c.Address.Pattern == "" {
		return nil, fmt.Errorf("capture %q: --input-raw-ignore-interface leaves no interface of it", c.Address)
	}
	return names, nil
}

// Stats says what became of the packets of a source. Received is the
// sum of Segments and of all that was ignored.
type Stats struct {
	Received uint64                       // packets that the source took
	Segments uint64                       // of these, those that were handed on as TCP segments
	Cut      uint64                       // of the segments, those that the capture had not kept whole
	Ignored  [packet.IgnoreReasons]uint64 // by packet.IgnoreReason
	Dropped  uint64                       // packets that the kernel had no room for: not in Received
	Faults   []string                     // what went wrong without ending the capture, once each, in order
}

// Add adds what another source says.
func (s *Stats) Add(o *Stats) {
	s.Received += o.Received
	s.Segments += o.Segments
	s.Cut += o.Cut
	s.Dropped += o.Dropped
	for i, n := range o.Ignored {
		s.Ignored[i] += n
	}
	for _, line := range o.Faults {
		if !slices.Contains(s.Faults, line) {
			s.Faults = append(s.Faults, line)
		}
	}
}

// maxFaults bounds what a flapping interface can pile up.
const maxFaults = 64

// counters are what a source counts while it runs.
type counters struct {
	received, segments, cut, dropped atomic.Uint64

	ignored [packet.IgnoreReasons]atomic.Uint64

	mu     sync.Mutex
	faults []string
}

// fault keeps a line for people, unless it was said before.
func (c *counters) fault(format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.faults) < maxFaults && !slices.Contains(c.faults, line) {
		c.faults = append(c.faults, line)
	}
}

func (c *counters) snapshot() Stats {
	s := Stats{
		Received: c.received.Load(),
		Segments: c.segments.Load(),
		Cut:      c.cut.Load(),
		Dropped:  c.dropped.Load(),
	}
	for i := range c.ignored {
		s.Ignored[i] = c.ignored[i].Load()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	s.Faults = slices.Clone(c.faults)
	return s
}

// tally counts packets without synchronisation, until flush adds them to the
// counters: an atomic addition for each packet would cost as much as its
// decoding.
type tally struct {
	addr          filter.Address
	response      bool
	seg           packet.Segment
	vlans         filter.VLANs
	survey        *Survey      // nil: nobody asks
	ifaces        *ifaceFilter // nil: none is ignored
	filtersFrames bool         // either of these does not want all frames

	counted *counters // those that are to know at once of a packet that was cut, before what it brings about is told; nil: none

	segments, cut uint64
	ignored       [packet.IgnoreReasons]uint64
}

// take counts a packet that was decoded into t.seg with result r, and hands
// the segment on when it is wanted.
func (t *tally) take(r packet.IgnoreReason, to Sink) {
	if r == packet.Decoded && !t.addr.Wants(t.seg.Src, t.seg.Dst, t.response) {
		r = packet.IgnoredOther
	}
	if t.survey != nil && (r == packet.Decoded || r == packet.IgnoredOther) {
		t.survey.segment(&t.seg, r == packet.Decoded)
	}
	if r != packet.Decoded {
		t.ignored[r]++
		return
	}
	t.segments++
	if t.seg.Missing > 0 {
		t.cut++
		if t.counted != nil {
			t.flush(t.counted)
		}
	}
	to.Segment(&t.seg)
}

func (t *tally) flush(c *counters) {
	received := t.segments
	for i, n := range t.ignored {
		if n > 0 {
			c.ignored[i].Add(n)
			received += n
		}
		t.ignored[i] = 0
	}
	c.segments.Add(t.segments)
	c.cut.Add(t.cut)
	c.received.Add(received)
	t.segments, t.cut = 0, 0
}
