package rawsocket

import (
	"bufio"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"

	"github.com/google/gopacket/pcapgo"
)

// Classic pcap files are read by gopacket's pcapgo. For pcapng it will not do:
// it divides by zero on a forged time resolution, panics on options that are
// shorter than they should be, and believes any length of a packet, and a
// capture file may come from anywhere.

const (
	// maxPacket bounds one packet of a file. The kernel makes none larger
	// than 512 KiB (BIG TCP), tcpdump keeps at most 256 KiB.
	maxPacket = 1 << 20
	// maxFileInterfaces bounds what one section of a pcapng file declares.
	maxFileInterfaces = 1 << 12
	// fileBuffer holds many packets, so that reads are few.
	fileBuffer = 256 << 10
)

// errDamaged is what a capture file is when its own lengths make no sense.
var errDamaged = errors.New("the capture file is damaged")

// A capturedPacket is one packet of a capture file.
type capturedPacket struct {
	link uint32
	time int64  // ns since 1970
	data []byte // the reader's memory, valid until the next call
	wire int    // length before the capture cut it, at least len(data)
}

// captureReader reads the packets of a pcap or pcapng file, in either byte
// order, compressed with gzip or not.
type captureReader struct {
	r      *bufio.Reader
	offset int64 // of what was read so far, in the uncompressed file
	order  binary.ByteOrder
	buf    []byte
	last   int64 // time of the last packet, for those that have none

	pcap *pcapgo.Reader // nil for pcapng

	// pcapng
	trailer    bool // the end of the last packet's block is still to be passed
	interfaces []fileInterface
}

// fileInterface is an interface that a pcapng section declared.
type fileInterface struct {
	link   uint32
	snap   uint32
	units  uint64 // of time in a second
	offset int64  // seconds to add to a time
}

// newCaptureReader reads the beginning of a capture file.
func newCaptureReader(r io.Reader) (*captureReader, error) {
	br := bufio.NewReaderSize(r, fileBuffer)
	if magic, err := br.Peek(2); err == nil && string(magic) == "\x1f\x8b" {
		z, err := gzip.NewReader(br)
		if err != nil {
			return nil, fmt.Errorf("decompress: %w", err)
		}
		br = bufio.NewReaderSize(z, fileBuffer)
	}
	c := &captureReader{r: br, buf: make([]byte, 4096)}
	magic, err := br.Peek(4)
	if err != nil && len(magic) == 0 {
		if errors.Is(err, io.EOF) {
			return nil, errors.New("the capture file is empty")
		}
		return nil, err
	}
	c.order = binary.LittleEndian // the section of a pcapng file says which
	if string(magic) == "\x0a\x0d\x0d\x0a" {
		return c, nil
	}
	if c.pcap, err = pcapgo.NewReader(br); err != nil {
		return nil, fmt.Errorf("it is no pcap and no pcapng file, or an empty one: %w", err)
	}
	c.pcap.SetSnaplen(maxPacket) // what the file says may be too small, or anything
	c.offset = pcapHeader
	return c, nil
}

// Lengths of the headers of a classic pcap file and of its packets
// (draft-ietf-opsawg-pcap sections 4 and 5).
const (
	pcapHeader       = 24
	pcapPacketHeader = 16
)

// next gives the next packet. It returns io.EOF behind the last packet,
// io.ErrUnexpectedEOF when the file ends within one, and an error that is
// errDamaged when it cannot go on.
func (c *captureReader) next() (capturedPacket, error) {
	if c.pcap == nil {
		return c.nextBlock()
	}
	data, ci, err := c.pcap.ZeroCopyReadPacketData()
	switch {
	case err == io.EOF && ci.CaptureLength > 0: // behind the packet's header
		return capturedPacket{}, io.ErrUnexpectedEOF
	case err == io.EOF, errors.Is(err, io.ErrUnexpectedEOF):
		return capturedPacket{}, err
	case err != nil && ci.CaptureLength > 0:
		return capturedPacket{}, fmt.Errorf("%w: %w", errDamaged, err)
	case err != nil:
		return capturedPacket{}, err
	}
	c.offset += int64(pcapPacketHeader + len(data))
	return capturedPacket{
		// The high bits tell of a frame check sequence, which the lengths of
		// IP trim.
		link: uint32(c.pcap.LinkType()) & 0xffff,
		time: ci.Timestamp.UnixNano(),
		data: data,
		wire: max(len(data), ci.Length),
	}, nil
}

// data reads the bytes of a packet, which are the beginning of the next size
// bytes of the file, and skips the rest of these.
func (c *captureReader) data(p capturedPacket, caplen, wire, size uint32) (capturedPacket, error) {
	if caplen > maxPacket || caplen > size {
		return p, fmt.Errorf("%w: a packet of %d bytes", errDamaged, caplen)
	}
	var err error
	if p.data, err = c.read(int(caplen)); err != nil {
		return p, unexpected(err)
	}
	if err := c.skip(int64(size - caplen)); err != nil {
		return p, err
	}
	p.wire = max(int(caplen), int(wire))
	c.last = p.time
	return p, nil
}

// read gives the next n bytes, valid until the next call, io.EOF when there is
// none and io.ErrUnexpectedEOF when there are fewer.
func (c *captureReader) read(n int) ([]byte, error) {
	if n > len(c.buf) {
		c.buf = make([]byte, n)
	}
	got, err := io.ReadFull(c.r, c.buf[:n])
	c.offset += int64(got)
	return c.buf[:n], err
}

func (c *captureReader) skip(n int64) error {
	got, err := c.r.Discard(int(n)) // at most 1 GiB
	c.offset += int64(got)
	return unexpected(err)
}

// unexpected is err, where the end of the file would cut something.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
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

func (c *captureReader) nextBlock() (capturedPacket, error) {
	if c.trailer {
		if err := c.skip(blockTail); err != nil {
			return capturedPacket{}, err
		}
		c.trailer = false
	}
	for {
		h, err := c.read(blockHead)
		if err != nil {
			return capturedPacket{}, err
		}
		kind := c.order.Uint32(h)
		if kind == blockSection {
			if err := c.section([4]byte(h[4:8])); err != nil {
				return capturedPacket{}, err
			}
			continue
		}
		total := c.order.Uint32(h[4:])
		if total < blockHead+blockTail || total > 1<<30 {
			return capturedPacket{}, fmt.Errorf("%w: a block of %d bytes", errDamaged, total)
		}
		size := (total+3)&^3 - blockHead - blockTail // the draft pads, some writers forget to count it
		switch kind {
		case blockEnhanced, blockOldPacket, blockSimple:
			p, err := c.packet(kind, size)
			c.trailer = err == nil
			return p, err
		case blockInterface:
			err = c.declare(size)
		default:
			err = c.skip(int64(size))
		}
		if err == nil {
			err = c.skip(blockTail)
		}
		if err != nil {
			return capturedPacket{}, err
		}
	}
}

// section begins a section: all that was declared before is over, and the
// byte order, length's too, may be another.
func (c *captureReader) section(length [4]byte) error {
	magic, err := c.read(4)
	if err != nil {
		return unexpected(err)
	}
	switch binary.BigEndian.Uint32(magic) {
	case 0x1a2b3c4d:
		c.order = binary.BigEndian
	case 0x4d3c2b1a:
		c.order = binary.LittleEndian
	default:
		return fmt.Errorf("%w: a section of no byte order", errDamaged)
	}
	total := c.order.Uint32(length[:])
	if total < 28 || total > 1<<30 {
		return fmt.Errorf("%w: a section header of %d bytes", errDamaged, total)
	}
	c.interfaces = c.interfaces[:0]
	return c.skip(int64((total+3)&^3) - blockHead - 4)
}

// packet reads a packet block whose body is of size bytes.
func (c *captureReader) packet(kind, size uint32) (capturedPacket, error) {
	head := uint32(oldPacketHead)
	if kind == blockSimple {
		head = simpleHead
	}
	if size < head {
		return capturedPacket{}, fmt.Errorf("%w: a packet block of %d bytes", errDamaged, size)
	}
	h, err := c.read(int(head))
	if err != nil {
		return capturedPacket{}, unexpected(err)
	}
	size -= head
	var id uint32
	switch kind {
	case blockEnhanced:
		id = c.order.Uint32(h)
	case blockOldPacket:
		id = uint32(c.order.Uint16(h))
	}
	if uint64(id) >= uint64(len(c.interfaces)) {
		return capturedPacket{}, fmt.Errorf("%w: a packet of interface %d of %d", errDamaged, id, len(c.interfaces))
	}
	iface := &c.interfaces[id]
	p := capturedPacket{link: iface.link, time: c.last}
	if kind == blockSimple {
		wire := c.order.Uint32(h)
		caplen := min(wire, size)
		if iface.snap != 0 {
			caplen = min(caplen, iface.snap)
		}
		return c.data(p, caplen, wire, size)
	}
	units := uint64(c.order.Uint32(h[4:]))<<32 | uint64(c.order.Uint32(h[8:]))
	if t, ok := iface.time(units); ok {
		p.time = t
	}
	return c.data(p, c.order.Uint32(h[12:]), c.order.Uint32(h[16:]), size)
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

// declare reads an interface description block whose body is of size bytes.
func (c *captureReader) declare(size uint32) error {
	if size < 8 || size > maxPacket || len(c.interfaces) == maxFileInterfaces {
		return fmt.Errorf("%w: an interface description of %d bytes behind %d others", errDamaged, size, len(c.interfaces))
	}
	b, err := c.read(int(size))
	if err != nil {
		return unexpected(err)
	}
	f := fileInterface{link: uint32(c.order.Uint16(b)), snap: c.order.Uint32(b[4:]), units: 1e6}
	const optEnd, optResolution, optOffset = 0, 9, 14
	for o := b[8:]; len(o) >= 4; {
		code, n := c.order.Uint16(o), int(c.order.Uint16(o[2:]))
		if code == optEnd || len(o) < 4+n {
			break
		}
		v := o[4 : 4+n]
		switch {
		case code == optResolution && n == 1:
			f.units = resolution(v[0])
		case code == optOffset && n == 8:
			f.offset = int64(c.order.Uint64(v))
		}
		o = o[min(len(o), 4+(n+3)&^3):]
	}
	if f.units == 0 {
		return fmt.Errorf("%w: a time resolution that no clock has", errDamaged)
	}
	c.interfaces = append(c.interfaces, f)
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
