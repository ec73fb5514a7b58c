package source

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/bits"

	"github.com/buger/gor/raw_socket_listener/packet"
)

// maxFileInterfaces bounds what one section of a pcapng file declares.
const maxFileInterfaces = 1 << 12

// maxBlockBytes bounds a block of a pcapng file: what is not a packet may be
// large, as the secrets of TLS are, and is passed over.
const maxBlockBytes = 1 << 30

// fileInterface is an interface that a pcapng section declared.
type fileInterface struct {
	link   uint32
	snap   uint32
	check  int    // bytes of the frame check sequence behind each packet
	units  uint64 // of time in a second
	offset int64  // seconds to add to a time
}

// Types of pcapng blocks (draft-ietf-opsawg-pcapng section 11.1).
const (
	blockSection   = 0x0a0d0d0a
	blockInterface = 1
	blockOldPacket = 2
	blockSimple    = 3
	blockEnhanced  = 6
)

// Lengths of the parts of pcapng blocks.
const (
	blockHead     = 8  // type and length
	blockTail     = 4  // the length again
	oldPacketHead = 20 // and of enhanced packets
	simpleHead    = 4
)

// sectionOrder are the bytes behind the length of a section header block,
// which say in which order all others of the section are.
func sectionOrder(b []byte) (binary.ByteOrder, bool) {
	if len(b) < blockHead+4 || binary.BigEndian.Uint32(b) != blockSection {
		return nil, false
	}
	switch binary.BigEndian.Uint32(b[blockHead:]) {
	case 0x1a2b3c4d:
		return binary.BigEndian, true
	case 0x4d3c2b1a:
		return binary.LittleEndian, true
	}
	return nil, false
}

// findSection is where a section begins in b, behind its first byte; -1 when
// none does.
func findSection(b []byte) int {
	for at := 1; at < len(b); at++ {
		i := bytes.Index(b[at:], []byte("\x0a\x0d\x0d\x0a"))
		if i < 0 {
			break
		}
		at += i
		if _, ok := sectionOrder(b[at:]); ok {
			return at
		}
	}
	return -1
}

// nextBlock reads a block. ok is false when it was not a packet.
func (c *captureReader) nextBlock() (p capturedPacket, ok bool, err error) {
	h, err := c.peek(blockHead)
	if err != nil {
		return p, false, c.torn(findSection(h), err)
	}
	kind, total := c.order.Uint32(h), c.order.Uint32(h[4:])
	if total < blockHead+blockTail || total > maxBlockBytes {
		return p, false, c.torn(findSection(c.near()), fmt.Errorf("%w: a block of %d bytes", errDamaged, total))
	}
	size := (total + 3) &^ 3 // the draft pads, some writers forget to count it
	switch kind {
	case blockEnhanced, blockOldPacket, blockSimple:
		return c.blockPacket(kind, int(size))
	case blockInterface:
		return p, false, c.declare(int(size))
	}
	return p, false, c.passBlock(int(size))
}

// passBlock passes over a block that is of no use, unless it is none: a type
// and a length that another capture cut can be any.
func (c *captureReader) passBlock(size int) error {
	b := c.near()
	if size <= c.r.Size() {
		var err error
		if b, err = c.peek(size); err != nil {
			return c.torn(findSection(b), err)
		}
		if (c.order.Uint32(b[size-blockTail:])+3)&^3 == uint32(size) {
			return c.skip(size)
		}
	}
	if at := findSection(b); at > 0 {
		return c.torn(at, nil)
	}
	return c.skip(size)
}

// section begins a section: all that was declared before is over, and the
// byte order, length's too, may be another.
func (c *captureReader) section(order binary.ByteOrder) error {
	h, err := c.peek(blockHead + 4)
	if err != nil {
		return err
	}
	total := order.Uint32(h[4:])
	if total < 28 || total > maxBlockBytes {
		return fmt.Errorf("%w: a section header of %d bytes", errDamaged, total)
	}
	c.form, c.order, c.interfaces = formBlocks, order, c.interfaces[:0]
	return c.skip(int(total+3) &^ 3)
}

// blockPacket reads a packet block of size bytes.
func (c *captureReader) blockPacket(kind uint32, size int) (p capturedPacket, ok bool, err error) {
	head := blockHead + oldPacketHead
	if kind == blockSimple {
		head = blockHead + simpleHead
	}
	if size < head+blockTail {
		return p, false, fmt.Errorf("%w: a packet block of %d bytes", errDamaged, size)
	}
	h, err := c.peek(head)
	if err != nil {
		return p, false, c.torn(findSection(h), err)
	}
	h = h[blockHead:]
	var id uint32
	switch kind {
	case blockEnhanced:
		id = c.order.Uint32(h)
	case blockOldPacket:
		id = uint32(c.order.Uint16(h))
	}
	if uint64(id) >= uint64(len(c.interfaces)) {
		return p, false, c.torn(findSection(c.near()), fmt.Errorf("%w: a packet of interface %d of %d", errDamaged, id, len(c.interfaces)))
	}
	iface := &c.interfaces[id]
	p = capturedPacket{link: iface.link, time: c.last}
	room := uint32(size - head - blockTail)
	caplen, wire := c.order.Uint32(h), c.order.Uint32(h)
	if kind == blockSimple {
		caplen = min(caplen, room)
		if iface.snap != 0 {
			caplen = min(caplen, iface.snap)
		}
	} else {
		units := uint64(c.order.Uint32(h[4:]))<<32 | uint64(c.order.Uint32(h[8:]))
		if t, ok := iface.time(units); ok {
			p.time = t
		}
		caplen, wire = c.order.Uint32(h[12:]), c.order.Uint32(h[16:])
	}
	if caplen > packet.MaxLen || caplen > room {
		return p, false, c.torn(findSection(c.near()), fmt.Errorf("%w: a packet of %d bytes", errDamaged, caplen))
	}
	whole := min(size, c.r.Size()) // options may make a block longer than a buffer
	b, err := c.peek(whole)
	if err != nil {
		// The packet is there and what follows it is not.
		if err = c.torn(findSection(b), err); len(b) < head+int(caplen) || c.seam > 0 {
			return p, false, err
		}
	} else if whole == size && (c.order.Uint32(b[size-blockTail:])+3)&^3 != uint32(size) {
		// Its length does not stand at its end: it may have been cut by the
		// beginning of another capture.
		ahead, _ := c.r.Peek(min(size+blockHead+4, c.r.Size()))
		if at := findSection(ahead); at > 0 && at < size {
			return p, false, c.torn(at, nil)
		}
		b = ahead // looking ahead moved it
	}
	p.data = b[head:][:caplen]
	p.measure(wire, iface.check)
	c.last, c.used = p.time, size
	return p, true, nil
}

// time converts units since 1970 to nanoseconds; ok is false outside of the
// years that those can tell, 1970 to 2262.
func (f *fileInterface) time(units uint64) (ns int64, ok bool) {
	hi, lo := bits.Mul64(units, 1e9)
	if hi >= f.units {
		return 0, false
	}
	q, _ := bits.Div64(hi, lo, f.units)
	const maxSeconds = 1 << 33 // 272 years, and no sum of two overflows
	if q > maxSeconds*1e9 || f.offset > maxSeconds || f.offset < -maxSeconds {
		return 0, false
	}
	ns = int64(q) + f.offset*1e9
	return ns, ns >= 0
}

// declare reads an interface description block of size bytes.
func (c *captureReader) declare(size int) error {
	if size < blockHead+8+blockTail || size > packet.MaxLen || len(c.interfaces) == maxFileInterfaces {
		return fmt.Errorf("%w: an interface description of %d bytes behind %d others", errDamaged, size, len(c.interfaces))
	}
	b, err := c.peek(size)
	if err != nil {
		return c.torn(findSection(b), err)
	}
	b = b[blockHead : size-blockTail]
	f := fileInterface{link: uint32(c.order.Uint16(b)), snap: c.order.Uint32(b[4:]), units: 1e6}
	const optEnd, optResolution, optCheck, optOffset = 0, 9, 13, 14
	for o := b[8:]; len(o) >= 4; {
		code, n := c.order.Uint16(o), int(c.order.Uint16(o[2:]))
		if code == optEnd || len(o) < 4+n {
			break
		}
		v := o[4 : 4+n]
		switch {
		case code == optResolution && n == 1:
			f.units = resolution(v[0])
		case code == optCheck && n == 1:
			f.check = min(int(v[0]), maxCheck)
		case code == optOffset && n == 8:
			f.offset = int64(c.order.Uint64(v))
		}
		o = o[min(len(o), 4+(n+3)&^3):]
	}
	if f.units == 0 {
		return fmt.Errorf("%w: a time resolution that no clock has", errDamaged)
	}
	c.interfaces = append(c.interfaces, f)
	c.used = size
	return nil
}

// resolution is how many units a second has: a power of 10, or of 2 when the
// highest bit is set. It is 0 when the number is larger than 64 bits.
func resolution(v byte) uint64 {
	exp := v & 0x7f
	if v&0x80 != 0 {
		if exp > 63 {
			return 0
		}
		return 1 << exp
	}
	if exp > 19 {
		return 0
	}
	units := uint64(1)
	for range exp {
		units *= 10
	}
	return units
}
