package source

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/buger/gor/raw_socket_listener/packet"
)

// Lengths of the headers of a classic pcap file and of its packets
// (draft-ietf-opsawg-pcap sections 4 and 5).
const (
	pcapHeader       = 24
	pcapPacketHeader = 16
	// What A. Kuznetzov's patches of 1999 put behind a packet's header: its
	// interface, protocol and direction.
	pcapKuznetzov    = 24
	pcapKuznetzovOld = 28
)

// A classicFile is what the header of a pcap file says.
type classicFile struct {
	major, minor uint16
	link         uint32
	check        int    // bytes of the frame check sequence behind each packet
	unit         int64  // ns
	units        uint32 // in a second
	modified     bool   // written with Kuznetzov's patch
	head         int    // length of a packet's header
	signature    [8]byte
}

// classicMagic reads the first four bytes of a pcap file.
func classicMagic(b []byte) (order binary.ByteOrder, nano, modified, ok bool) {
	switch binary.BigEndian.Uint32(b) {
	case 0xa1b2c3d4:
		return binary.BigEndian, false, false, true
	case 0xd4c3b2a1:
		return binary.LittleEndian, false, false, true
	case 0xa1b23c4d:
		return binary.BigEndian, true, false, true
	case 0x4d3cb2a1:
		return binary.LittleEndian, true, false, true
	case 0xa1b2cd34:
		return binary.BigEndian, false, true, true
	case 0x34cdb2a1:
		return binary.LittleEndian, false, true, true
	}
	return nil, false, false, false
}

// classicHeader reads the header of a pcap file; ok is false when b is none.
func classicHeader(b []byte) (f classicFile, order binary.ByteOrder, ok bool) {
	if len(b) < pcapHeader {
		return f, nil, false
	}
	order, nano, modified, ok := classicMagic(b)
	if !ok {
		return f, nil, false
	}
	f = classicFile{
		major: order.Uint16(b[4:]), minor: order.Uint16(b[6:]),
		unit: 1000, units: 1e6, head: pcapPacketHeader, modified: modified,
		signature: [8]byte(b),
	}
	if nano {
		f.unit, f.units = 1, 1e9
	}
	const hasCheck = 1 << 26
	network := order.Uint32(b[20:])
	f.link = network & 0xffff // the upper bits are of the check sequence, or reserved
	if network&hasCheck != 0 {
		f.check = min(int(network>>28)*2, maxCheck) // it counts pairs of bytes
	}
	return f, order, f.major == 2 && f.minor <= 4 || f.major == 543 && f.minor == 0
}

// swapped reports whether the two lengths of a packet stand in the order of
// old versions: libpcap changed it with 2.3, and some wrote 2.3 and the old
// one. 543.0 is DG/UX's.
func (f *classicFile) swapped(caplen, wire uint32) bool {
	switch {
	case f.major == 543, f.minor < 3:
		return true
	case f.minor == 3:
		return caplen > wire
	}
	return false
}

// chooseHeader finds out how long the headers of packets are in a file with
// Kuznetzov's magic, which changed that once without another magic: as the
// second packet shows.
func (c *captureReader) chooseHeader() error {
	if !c.classic.modified {
		return nil
	}
	if err := c.skip(0); err != nil {
		return err
	}
	c.classic.head = pcapKuznetzov
	for _, head := range [...]int{pcapKuznetzov, pcapKuznetzovOld, pcapPacketHeader} {
		h, err := c.peek(pcapPacketHeader)
		if err != nil {
			return nil // next says so
		}
		caplen, _ := c.lengths(h)
		if caplen <= packet.MaxLen && c.followed(head+int(caplen)) {
			c.classic.head = head
			return nil
		}
	}
	return nil
}

// lengths reads those of a packet's header.
func (c *captureReader) lengths(h []byte) (caplen, wire uint32) {
	caplen, wire = c.order.Uint32(h[8:]), c.order.Uint32(h[12:])
	if c.classic.swapped(caplen, wire) {
		return wire, caplen
	}
	return caplen, wire
}

// followed reports whether what stands n bytes behind the beginning of the
// packet to be read can be the header of the next one or of a file, or the end.
func (c *captureReader) followed(n int) bool {
	b, err := c.peek(n + pcapPacketHeader)
	if err != nil {
		return errors.Is(err, io.ErrUnexpectedEOF) && len(b) == n
	}
	this := int64(c.order.Uint32(b))
	b = b[n:]
	if _, _, _, ok := classicMagic(b); ok {
		return true
	}
	if _, ok := sectionOrder(b); ok {
		return true
	}
	caplen, wire := c.lengths(b)
	const year = 366 * 24 * 60 * 60
	apart := int64(c.order.Uint32(b)) - this
	return apart < year && apart > -year && c.order.Uint32(b[4:]) < c.classic.units && caplen <= packet.MaxLen && wire <= packet.MaxLen
}

// findHeader is where in b, behind its first byte, a file like this one
// begins; -1 when none does.
func (c *captureReader) findHeader(b []byte) int {
	for at := 1; at < len(b); at++ {
		i := bytes.Index(b[at:], c.classic.signature[:])
		if i < 0 {
			break
		}
		at += i
		if len(b)-at < pcapHeader {
			return at
		}
		if f, _, ok := classicHeader(b[at:]); ok && f.head == pcapPacketHeader {
			return at
		}
	}
	return -1
}

func (c *captureReader) nextClassic() (p capturedPacket, ok bool, err error) {
	head := c.classic.head
	h, err := c.peek(head)
	if err != nil {
		return p, false, c.torn(c.findHeader(h), err)
	}
	caplen, wire := c.lengths(h)
	if caplen > packet.MaxLen {
		return p, false, c.torn(c.findHeader(c.near()), fmt.Errorf("%w: a packet of %d bytes", errDamaged, caplen))
	}
	b, err := c.peek(head + int(caplen))
	if err != nil {
		return p, false, c.torn(c.findHeader(b), err)
	}
	if at := c.findHeader(b); at > 0 && !c.followed(len(b)) {
		// A packet may well carry a capture file; this one was cut by it.
		return p, false, c.torn(at, nil)
	}
	b, _ = c.r.Peek(head + int(caplen)) // looking ahead moved it
	p = capturedPacket{
		link: c.classic.link,
		time: int64(c.order.Uint32(b))*1e9 + int64(c.order.Uint32(b[4:]))*c.classic.unit,
		data: b[head:],
	}
	p.measure(wire, c.classic.check)
	c.last, c.used = p.time, len(b)
	return p, true, nil
}
