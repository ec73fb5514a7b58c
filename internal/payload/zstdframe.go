package payload

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
)

// errWindow is only a matter of memory: the recording may be perfect.
var errWindow = fmt.Errorf("zstd window exceeds %d MiB, decompress it with zstd -d first", zstdMaxWindow>>20)

// A zstdFrame is a reader of one frame, RFC 8878 section 3.1.1. The decoder for itself would run on into the
// next, and not say where that began.
type zstdFrame struct {
	in       *bufio.Reader
	left     int  // bytes of the head, block or checksum that is being read
	begun    bool // the head was measured
	last     bool // the last block was measured
	checksum bool // four bytes follow that
	ended    bool // all of the frame was read
}

func (f *zstdFrame) Read(b []byte) (int, error) {
	for f.left == 0 {
		if err := f.measure(); err != nil {
			return 0, err
		}
	}
	n, err := f.in.Read(b[:min(len(b), f.left)])
	f.left -= n
	return n, err
}

// measure finds the size of what comes next. It returns io.EOF behind the frame.
func (f *zstdFrame) measure() error {
	switch {
	case !f.begun:
		return f.measureHead()
	case !f.last:
		b, err := f.in.Peek(3)
		if err != nil {
			return cutShort(err)
		}
		header := int(b[0]) | int(b[1])<<8 | int(b[2])<<16
		f.last = header&1 != 0
		f.left = 3 + header>>3
		if header>>1&3 == 1 { // one byte that is repeated
			f.left = 3 + 1
		}
	case f.checksum:
		f.checksum = false
		f.left = 4
	default:
		f.ended = true
		return io.EOF
	}
	return nil
}

// measureHead finds the size of the frame's head, RFC 8878 section 3.1.1.1.
func (f *zstdFrame) measureHead() error {
	b, err := f.in.Peek(magicSize + 1)
	if err != nil {
		return cutShort(err)
	}
	descriptor := b[magicSize]
	f.checksum = descriptor&0x04 != 0
	single := descriptor&0x20 != 0 // no window descriptor, the window is the content
	window, content := 1, [4]int{0, 2, 4, 8}[descriptor>>6]
	if single {
		window, content = 0, max(content, 1)
	}
	dictionary := [4]int{0, 1, 2, 4}[descriptor&3]
	f.left = magicSize + 1 + window + dictionary + content
	if b, err = f.in.Peek(f.left); err != nil {
		return cutShort(err)
	}
	f.begun = true
	size := uint64(0)
	if single {
		for _, c := range slices.Backward(b[f.left-content:]) {
			size = size<<8 | uint64(c)
		}
	} else {
		size = 1 << (10 + b[magicSize+1]>>3)
		size += size / 8 * uint64(b[magicSize+1]&7)
	}
	if size > zstdMaxWindow {
		return errWindow
	}
	return nil
}

// skipFrame passes over a skippable frame at the beginning of in.
func skipFrame(in *bufio.Reader) error {
	const head = magicSize + 4
	b, err := in.Peek(head)
	if err != nil {
		return cutShort(err)
	}
	_, err = io.CopyN(io.Discard, in, head+int64(binary.LittleEndian.Uint32(b[magicSize:])))
	return cutShort(err)
}

// cutShort is err, of a read inside a member.
func cutShort(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
