package link

import (
	"encoding/binary"
	"sync"

	"github.com/klauspost/compress/zstd"
)

const (
	// packHead is the length that stands before the compressed bytes, and
	// before each message in them.
	packHead = 4

	// packBytes is how many bytes of messages are compressed together. A
	// larger message is compressed alone.
	packBytes = 64 << 10

	// packWindow is how far a compressor may refer back; it bounds the memory
	// of both ends' codecs, which a run of messages does not need more of.
	packWindow = 128 << 10

	// unpackMemory is shared by what all connections have unpacked and Read
	// has not taken yet.
	unpackMemory = 4 << 20

	// unpackBuffer is the size of buffers that are kept for the next run: a
	// run of small messages, with their lengths.
	unpackBuffer = 2 * packBytes

	// unpackers is how many runs are decompressed at a time.
	unpackers = 2
)

// A packer compresses runs of messages for one connection of a sender.
type packer struct {
	enc *zstd.Encoder
	raw []byte // the run
	out []byte // the body of a frame
}

func newPacker() *packer {
	// The options are constants that the library takes.
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1),
		zstd.WithEncoderCRC(false), zstd.WithWindowSize(packWindow), zstd.WithLowerEncoderMem(true))
	if err != nil {
		panic(err)
	}
	return &packer{enc: enc}
}

// add puts msg behind the messages of the run.
func (p *packer) add(msg []byte) {
	p.raw = binary.BigEndian.AppendUint32(p.raw, uint32(len(msg)))
	p.raw = append(p.raw, msg...)
}

// pack returns the body of a frame with the run, valid until the next call,
// or nil if it would not be shorter, and begins a new one.
func (p *packer) pack() []byte {
	raw := len(p.raw)
	p.out = binary.BigEndian.AppendUint32(p.out[:0], uint32(raw))
	p.out = p.enc.EncodeAll(p.raw, p.out)
	body := p.out
	if cap(p.raw) > 4*packBytes {
		p.raw = nil // one large message must not cost its size for ever
	}
	if cap(p.out) > 4*packBytes {
		p.out = nil
	}
	p.raw = p.raw[:0]
	if len(body)+packHead >= raw {
		return nil
	}
	return body
}

// An unpacker decompresses runs for all connections of a receiver. What it
// needs is made when the first run comes.
type unpacker struct {
	once sync.Once
	dec  *zstd.Decoder
	pool sync.Pool // of *buffer with unpackBuffer bytes
}

// rawSize returns how many bytes body holds when it is decompressed, as it
// says itself.
func rawSize(body []byte) (n int, ok bool) {
	if len(body) < packHead {
		return 0, false
	}
	n = int(binary.BigEndian.Uint32(body))
	return n, n > packHead
}

// unpack decompresses body into dst, whose length is what rawSize has said.
func (u *unpacker) unpack(dst, body []byte) bool {
	u.once.Do(func() {
		// It decodes into the memory that it is given, and never past its end.
		dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(unpackers), zstd.WithDecodeAllCapLimit(true),
			zstd.WithDecoderMaxWindow(64<<20), zstd.WithDecoderLowmem(true))
		if err != nil {
			panic(err) // the options are constants that the library takes
		}
		u.dec = dec
	})
	out, err := u.dec.DecodeAll(body[packHead:], dst[:0:len(dst)])
	return err == nil && len(out) == len(dst)
}

// close ends the use of u. No unpack may be under way.
func (u *unpacker) close() {
	if u.dec != nil {
		u.dec.Close()
	}
}

// runs calls f for each message of a run, with where it lies, and returns
// false when the run is damaged or f says so.
func runs(raw []byte, f func(from, to int) error) (whole bool, err error) {
	for at := 0; at < len(raw); {
		if len(raw)-at < packHead {
			return false, nil
		}
		n := int(binary.BigEndian.Uint32(raw[at:]))
		at += packHead
		if n == 0 || n > len(raw)-at {
			return false, nil
		}
		if err := f(at, at+n); err != nil {
			return true, err
		}
		at += n
	}
	return true, nil
}

// unpackRun gives the messages of the frame h, whose body it is. The spans
// that the peer's buffer has must have been handed on before: it hands on a
// buffer of its own.
func (p *peer) unpackRun(h frame, body []byte) error {
	r := p.r
	size, ok := rawSize(body)
	if !ok {
		return refuse(countDamaged, "damaged frame")
	}
	if size > r.cfg.Limit+headerRoom+packHead && size > unpackBuffer {
		return refuse(countTooLarge, "a compressed message of %d bytes is larger than the limit of %d", size, r.cfg.Limit)
	}
	if !p.takeBack() {
		return errClosing
	}
	// From here to the hand-over nothing is waited for with this memory in
	// hand, and Read returns it: nobody can wait in a circle.
	u := p.unpackInto(size)
	if u == nil {
		return errClosing
	}
	u.n = size
	err := p.unpackTo(u, h, body)
	if len(u.spans) == 0 {
		p.release(u)
		return err
	}
	if !p.handToReader(u) {
		p.release(u)
		return errSuperseded
	}
	return err
}

// unpackInto waits for a buffer for size bytes. It returns nil when the
// receiver closes.
func (p *peer) unpackInto(size int) *buffer {
	r := p.r
	cost := max(size, unpackBuffer)
	if !r.unpacked.take(cost, r.closing) {
		return nil
	}
	var b *buffer
	if size <= unpackBuffer {
		b, _ = r.unpacker.pool.Get().(*buffer)
	}
	if b == nil {
		b = &buffer{bytes: make([]byte, cost), packed: true}
	}
	b.reset()
	b.cost, b.peer, b.session = cost, p, nil
	return b
}

// unpackTo decompresses the run into u and finds its messages.
func (p *peer) unpackTo(u *buffer, h frame, body []byte) error {
	raw := u.bytes[:u.n]
	if !p.r.unpacker.unpack(raw, body) {
		return refuse(countDamaged, "damaged frame: what is compressed in it is not as described")
	}
	whole, err := runs(raw, func(from, to int) error {
		if to-from > p.r.cfg.Limit+headerRoom {
			return refuse(countTooLarge, "a message of %d bytes is larger than the limit of %d", to-from, p.r.cfg.Limit)
		}
		err := p.message(u, frame{kind: kindMessage, number: h.number, length: to - from}, from)
		h.number++
		return err
	})
	if !whole {
		return refuse(countDamaged, "damaged frame: the messages in it are not as long as they say")
	}
	return err
}
