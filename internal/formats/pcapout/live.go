package pcapout

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"

	"github.com/buger/gor/internal/formats/message"
)

// A Live makes packets for a file that is written while the messages come.
// Connections that an earlier part of the file had begin anew.
type Live struct {
	w    *Writer
	sink message.Buffer
}

// NewLive returns the writer of one file. One that goes on with a file which holds
// some bytes writes no header, and no connection is a continuation of one there.
func NewLive(holds int64) *Live {
	l := &Live{}
	l.w = NewWriter(&l.sink)
	l.w.opened = uint64(holds)
	if holds > 0 {
		l.w.w.Reset(&l.sink) // the header was not flushed yet
	}
	return l
}

// Encode appends the packets of a batch, in the order of their times. Those that
// come with the next batch stand behind them even if they are earlier.
func (l *Live) Encode(dst []byte, batch []message.Pending) []byte {
	l.sink = dst
	for i := range batch {
		p := &batch[i]
		ignored, unfit := l.w.replayed, l.w.headers+l.w.orphans+l.w.swapped
		l.w.Write(p.Msg) // to memory
		switch {
		case l.w.replayed > ignored:
			p.Fate = message.Ignored
		case l.w.headers+l.w.orphans+l.w.swapped > unfit:
			p.Fate = message.Unfit
		default:
			p.Fate = message.Written
		}
	}
	for len(l.w.held) > 0 {
		l.w.writeFirst()
	}
	l.w.w.Flush()
	dst, l.sink = l.sink, nil
	for i := range batch {
		batch[i].End = len(dst)
	}
	return dst
}

// Most returns how many bytes a message of that length takes at most: it may open
// a connection, acknowledge, and close its own and the oldest one.
func Most(length int) int {
	const packet = 16 + etherHeader + ipHeader + tcpHeader + len(synOptions)
	return length + (length/segmentMost+2+3+1+3+3)*packet
}

// errForeign says that a file is not one that a Writer goes on with.
var errForeign = errors.New("is a capture of another program")

// Whole reads a capture file that a Writer made up to its end. The error says why
// no packet can be appended to it.
func Whole(r io.Reader) error {
	in := bufio.NewReaderSize(r, 64<<10)
	head := fileHeader()
	have := make([]byte, len(head))
	if _, err := io.ReadFull(in, have); err != nil || !bytes.Equal(have, head) {
		return errForeign
	}
	var packet [16]byte
	for {
		switch _, err := io.ReadFull(in, packet[:]); err {
		case nil:
		case io.EOF:
			return nil
		default:
			return errors.New("ends in the middle of a packet")
		}
		if _, err := in.Discard(int(binary.LittleEndian.Uint32(packet[8:]))); err != nil {
			return errors.New("ends in the middle of a packet")
		}
	}
}
