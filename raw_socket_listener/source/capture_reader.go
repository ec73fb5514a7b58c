package source

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/buger/gor/raw_socket_listener/packet"
)

// gopacket's pcapgo will not do for either format. Its link types have 8 bits,
// so that the 276 of tcpdump -i any is read as 20; it refuses packets that are
// longer than they say; in pcapng it divides by zero on a forged time
// resolution, panics on options that are shorter than they should be, and
// believes any length of a packet. A capture file may come from anywhere.

const (
	// fileBuffer has room for one packet and the headers around it, and for
	// many of the usual size, so that reads are few.
	fileBuffer = packet.MaxLen + 64<<10
	// maxCheck is above the longest check sequence that a frame ends in.
	maxCheck = 8
	// seamSearch is how far behind lengths that make no sense the beginning
	// of another capture is looked for: in the next packet.
	seamSearch = 4096
)

// errDamaged is what a capture file is when its own lengths make no sense.
var errDamaged = errors.New("the capture file is damaged")

// A capturedPacket is one packet of a capture file.
type capturedPacket struct {
	link uint32 // LINKTYPE_ number
	time int64  // ns since 1970
	data []byte // the reader's memory, valid until the next call
	// wire is the length before the capture cut it, without the frame check
	// sequence: at least len(data), less that sequence.
	wire int
}

// measure sets wire. Old sniffers count the padding of short frames only as
// captured, and some leave the length on the wire 0. The check sequence that
// a capture says it has is left in data: the lengths of IP trim it, and where
// they are 0 wire does.
func (p *capturedPacket) measure(wire uint32, check int) {
	p.wire = max(len(p.data), int(min(wire, 1<<30)))
	p.wire = max(0, p.wire-check)
}

// A fileForm is how packets stand in a file.
type fileForm uint8

const (
	formUnknown fileForm = iota
	formClassic          // pcap
	formBlocks           // pcapng
)

// captureReader reads the packets of pcap and pcapng files, in either byte
// order, compressed or not, and of several that follow one another: of cat
// a.pcap b.pcap, or of an ssh that is started again when it ends. A packet
// that the end of one cut and the beginning of another followed is left out.
type captureReader struct {
	r      *bufio.Reader
	under  *bufio.Reader // what r decompresses; nil when it decompresses nothing
	done   func()        // frees the decompressor
	offset int64         // of what was read so far, uncompressed
	used   int           // bytes that are to be passed over before the next record
	seam   int           // where in what is to be read another capture begins, when it cut a packet
	cut    uint64        // packets that were cut that way
	last   int64         // time of the last packet, for those that have none

	form       fileForm
	order      binary.ByteOrder
	classic    classicFile
	interfaces []fileInterface // of formBlocks
}

// newCaptureReader reads the beginning of a capture file.
func newCaptureReader(r io.Reader) (*captureReader, error) {
	c := &captureReader{r: bufio.NewReaderSize(r, fileBuffer), done: func() {}}
	magic, err := c.r.Peek(4)
	if err != nil && len(magic) == 0 {
		if errors.Is(err, io.EOF) {
			return nil, errEmptyCapture
		}
		return nil, err
	}
	for c.form == formUnknown {
		begun, err := c.begin()
		if err == nil && !begun {
			err = c.foreign()
		}
		if err != nil {
			c.done()
			return nil, err
		}
	}
	return c, nil
}

var errEmptyCapture = errors.New("the capture file is empty")

// close frees what decompresses. What the packets came from is the caller's.
func (c *captureReader) close() { c.done() }

// next gives the next packet. It returns io.EOF behind the last packet,
// io.ErrUnexpectedEOF when the file ends within one, and an error that is
// errDamaged when it cannot go on.
func (c *captureReader) next() (capturedPacket, error) {
	for {
		if err := c.skip(0); err != nil {
			return capturedPacket{}, err
		}
		if _, err := c.r.Peek(1); errors.Is(err, io.EOF) && c.under != nil {
			// Something else may stand behind what was compressed.
			c.done()
			c.r, c.under, c.form, c.done = c.under, nil, formUnknown, func() {}
			continue
		} else if err != nil {
			return capturedPacket{}, err
		}
		begun, err := c.begin()
		if err != nil {
			return capturedPacket{}, err
		}
		if begun {
			continue
		}
		var p capturedPacket
		ok := false
		switch c.form {
		case formClassic:
			p, ok, err = c.nextClassic()
		case formBlocks:
			p, ok, err = c.nextBlock()
		default:
			err = fmt.Errorf("%w: %w", errDamaged, c.foreign())
		}
		if ok || err != nil {
			return p, err
		}
	}
}

// begin reads the header of a capture, or goes into compressed data, if either
// begins here.
func (c *captureReader) begin() (bool, error) {
	magic, err := c.r.Peek(4)
	switch {
	case len(magic) == 4:
	case errors.Is(err, io.EOF):
		return false, nil
	default:
		return false, err
	}
	if c.under == nil {
		if begun, err := c.decompress(magic); begun || err != nil {
			return begun, err
		}
	}
	if binary.BigEndian.Uint32(magic) == blockSection {
		b, err := c.peek(blockHead + 4)
		if order, ok := sectionOrder(b); ok {
			return true, c.section(order)
		}
		if c.form == formClassic {
			return false, nil // the time of a packet
		}
		if err == nil {
			err = fmt.Errorf("%w: a section of no byte order", errDamaged)
		}
		return false, err
	}
	if _, _, _, ok := classicMagic(magic); !ok {
		return false, nil
	}
	b, err := c.peek(pcapHeader)
	f, order, ok := classicHeader(b)
	switch {
	case ok:
		c.form, c.classic, c.order, c.used = formClassic, f, order, pcapHeader
		return true, c.chooseHeader()
	case err != nil && c.form == formUnknown:
		return false, err
	case c.form == formUnknown:
		return false, fmt.Errorf("it is a pcap file of version %d.%d, which Gor does not read: convert it with editcap -F pcap", f.major, f.minor)
	}
	return false, nil // it is the time of a packet, or the type of a block
}

// peek gives the next n bytes without passing over them, valid until the next
// call. It returns fewer, with io.ErrUnexpectedEOF, when the file ends in them.
func (c *captureReader) peek(n int) ([]byte, error) {
	b, err := c.r.Peek(n)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return b, err
}

// skip passes over what was given last and n bytes behind it.
func (c *captureReader) skip(n int) error {
	n += c.used
	c.used, c.seam = 0, 0
	got, err := c.r.Discard(n)
	c.offset += int64(got)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// near is what there is close by to look for the beginning of a capture in.
func (c *captureReader) near() []byte {
	b, _ := c.r.Peek(seamSearch)
	return b
}

// torn goes on where another capture begins in the record that is to be read,
// which that cut, and is err when none does.
func (c *captureReader) torn(at int, err error) error {
	if at <= 0 {
		return err
	}
	c.used, c.seam, c.form = at, at, formUnknown
	c.cut++
	return nil
}
