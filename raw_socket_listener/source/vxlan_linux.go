package source

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/buger/gor/raw_socket_listener/filter"
	"github.com/buger/gor/raw_socket_listener/packet"
)

const (
	// maxDatagram is the longest that UDP can carry.
	maxDatagram = 64 << 10

	// controlBytes is room for the two control messages that are asked for.
	controlBytes = 128

	// vxlanPatience is for how long the socket's buffer, which says nothing of
	// how full it is, is expected to have room while nothing is read from it.
	vxlanPatience = 100 * time.Millisecond

	// vxlanDrain bounds the reading of what came before close.
	vxlanDrain = time.Second
)

// vxlanSource is the end of a VXLAN tunnel (RFC 7348), to which a switch or a
// cloud's traffic mirroring sends copies of packets. It needs no privilege.
type vxlanSource struct {
	counters
	addr   filter.Address
	resp   bool
	vnis   []int
	filter *filter.Expression
	vlans  filter.VLANs
	block  time.Duration
	conn   *net.UDPConn
	closed atomic.Bool

	read      time.Time // when the last datagram came
	overflown uint32    // the kernel's count of what it dropped
}

func openVXLAN(c Config) (Source, error) {
	if !c.Address.EveryInterface() || !c.Address.Live() {
		return nil, fmt.Errorf("capture %q: the vxlan engine receives from a tunnel, not from an interface or a file: type :80 or 10.0.0.5:80", c.Address)
	}
	conn, err := net.ListenUDP("udp", &net.UDPAddr{Port: c.VXLANPort})
	if err != nil {
		return nil, explainVXLAN(c.VXLANPort, err)
	}
	s := &vxlanSource{addr: c.Address, resp: c.TrackResponse, vnis: c.VNIs, filter: c.Filter, vlans: c.VLANs, block: c.BlockTimeout, conn: conn}
	if err := s.setup(c.RingBytes); err != nil {
		_ = conn.Close() // nothing was read
		return nil, fmt.Errorf("receive VXLAN at port %d: %w", c.VXLANPort, err)
	}
	return s, nil
}

func explainVXLAN(port int, err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("receive VXLAN: port %d is in use, perhaps by an interface of this host (ip -d link show type vxlan), which --input-raw-tunnels can capture; another port: --input-raw-vxlan-port", port)
	}
	return fmt.Errorf("receive VXLAN at port %d: %w", port, err)
}

// setup asks for arrival times, for the number of datagrams that were dropped,
// and for a large buffer.
func (s *vxlanSource) setup(bytes int) error {
	raw, err := s.conn.SyscallConn()
	if err != nil {
		return err
	}
	var setErr error
	err = raw.Control(func(fd uintptr) {
		for _, option := range [...]int{unix.SO_TIMESTAMPNS, unix.SO_RXQ_OVFL} {
			if setErr = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, option, 1); setErr != nil {
				return
			}
		}
		if unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, bytes) == nil {
			return
		}
		if setErr = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, bytes); setErr != nil {
			return
		}
		// The kernel doubles what is asked for, for its own needs.
		if got, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF); err == nil && got/2 < bytes {
			s.fault("the kernel gives the VXLAN socket %d bytes of buffer and not %d: raise net.core.rmem_max", got/2, bytes)
		}
	})
	return errors.Join(err, setErr)
}

func (s *vxlanSource) String() string { return s.addr.String() }
func (s *vxlanSource) Stats() Stats   { return s.snapshot() }

func (s *vxlanSource) NearlyFull() bool { return time.Since(s.read) > vxlanPatience }

func (s *vxlanSource) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	return s.conn.SetReadDeadline(time.Now()) // run closes it
}

func (s *vxlanSource) Run(to Sink) error {
	defer s.conn.Close() // what it held was read
	t := tally{addr: s.addr, response: s.resp, vlans: s.vlans}
	datagram, control := make([]byte, maxDatagram), make([]byte, controlBytes)
	ticked, some := time.Now(), false
	tick := func(wait time.Duration) {
		t.flush(&s.counters)
		to.Tick(ticked.UnixNano())
		_ = s.conn.SetReadDeadline(ticked.Add(wait)) // fails only when closed, as the read will
		some = false
	}
	tick(s.block)
	// After close what came before it is read: until there is nothing for a
	// moment, and not for ever if it goes on coming.
	var until, last time.Time
	for {
		if s.closed.Load() {
			until = time.Now().Add(blockSlack)
			_ = s.conn.SetReadDeadline(until)
			if last.IsZero() {
				last = until.Add(vxlanDrain)
			}
		}
		n, oobn, flags, _, err := s.conn.ReadMsgUDPAddrPort(datagram, control)
		now := time.Now()
		switch {
		case err == nil:
			s.read, some = now, true
			s.take(&t, datagram[:n], control[:oobn], flags, to)
			if over := !last.IsZero() && now.After(last); over || now.Sub(ticked) >= s.block {
				ticked = now
				tick(s.block)
				if over {
					return nil
				}
			}
		case errors.Is(err, os.ErrDeadlineExceeded) && now.Before(until): // it was close's
		case errors.Is(err, os.ErrDeadlineExceeded):
			wait := waitAtMost
			if some {
				wait = s.block
			}
			ticked = now
			tick(wait)
			if !until.IsZero() {
				return nil
			}
		case errors.Is(err, unix.EINTR), errors.Is(err, unix.ECONNREFUSED):
		default:
			t.flush(&s.counters)
			return fmt.Errorf("receive VXLAN for %q: %w", s.addr, err)
		}
	}
}

// take decodes a datagram.
func (s *vxlanSource) take(t *tally, b, control []byte, flags int, to Sink) {
	t.seg.Time = s.read.UnixNano()
	s.readControl(control, &t.seg.Time)
	if flags&unix.MSG_TRUNC != 0 {
		t.take(packet.IgnoredShort, to)
		return
	}
	t.take(decodeVXLAN(b, s.vnis, &s.vlans, s.filter, &t.seg), to)
}

// readControl looks for the arrival time, and for the count of datagrams that
// were dropped since the socket was opened (socket(7)).
func (s *vxlanSource) readControl(b []byte, at *int64) {
	for len(b) > 0 {
		h, data, rest, err := unix.ParseOneSocketControlMessage(b)
		if err != nil {
			return
		}
		switch {
		case h.Level != unix.SOL_SOCKET:
		case h.Type == unix.SCM_TIMESTAMPNS && len(data) >= int(unsafe.Sizeof(unix.Timespec{})):
			*at = (*unix.Timespec)(unsafe.Pointer(&data[0])).Nano()
		case h.Type == unix.SO_RXQ_OVFL && len(data) >= 4:
			n := binary.NativeEndian.Uint32(data)
			s.dropped.Add(uint64(n - s.overflown)) // it wraps
			s.overflown = n
		}
		b = rest
	}
}

// decodeVXLAN decodes the Ethernet frame in a VXLAN datagram of one of these
// networks, when any are listed, and of none that is listed below zero, if its
// VLAN is wanted and it matches the filter. Of the header only the I bit and the
// network count (RFC 7348 section 5).
func decodeVXLAN(b []byte, vnis []int, vlans *filter.VLANs, filter *filter.Expression, s *packet.Segment) packet.IgnoreReason {
	if len(b) < packet.VXLANHeaderLen || b[0]&packet.VXLANHasVNI == 0 {
		return packet.IgnoredShort
	}
	if vni := int(binary.BigEndian.Uint32(b[4:]) >> 8); !wantsVNI(vnis, vni) {
		return packet.IgnoredVNI
	}
	b = b[packet.VXLANHeaderLen:]
	if !vlans.All() && !vlans.Wants(packet.LinkTag(packet.LinkEthernet, b)) {
		return packet.IgnoredVLAN
	}
	if filter != nil && !filter.MatchLink(packet.LinkEthernet, b, len(b)) {
		return packet.IgnoredFilter
	}
	return packet.AsReceived(packet.DecodeEther(b, len(b), s, 1), s, len(b), len(b))
}

func wantsVNI(list []int, vni int) bool {
	if slices.Contains(list, -vni) && vni != 0 {
		return false
	}
	return slices.Contains(list, vni) || !slices.ContainsFunc(list, func(n int) bool { return n >= 0 })
}
