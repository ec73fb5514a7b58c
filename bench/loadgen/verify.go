package loadgen

import (
	"bytes"
	"errors"
	"io"

	"github.com/buger/gor/internal/payload"
)

// Findings say what a recording has of the requests of a load. Expected is the
// sum of Intact, Missing, and of those that were recorded only altered.
type Findings struct {
	Expected   int64 // requests that were sent
	Intact     int64 // recorded, byte for byte
	Missing    int64 // not recorded
	Duplicates int64 // records of requests that were recorded intact before
	Altered    int64 // records that have the number of a request and other bytes
	Foreign    int64 // records of nothing that was sent

	MissingBytes int64 // of the missing requests
	// MissingAtEnds is how many of the missing were sent before the first
	// that is recorded of their connection, or after the last: who does not
	// see the ends of a connection cannot know of them.
	MissingAtEnds int64

	Records int64 // of requests
	Damage  payload.Damage
}

// Perfect reports whether the recording has all that was sent, once, and
// nothing else.
func (f Findings) Perfect() bool { return f.Intact == f.Expected && f.Clean() }

// Clean reports whether whatever the recording has was sent, and is there once.
func (f Findings) Clean() bool {
	return f.Duplicates == 0 && f.Altered == 0 && f.Foreign == 0 && !f.Damage.Any()
}

// verifyLimit is above any record of ours, so that one which was glued to its
// neighbours is seen to be altered and not skipped.
const verifyLimit = 16 << 20

// Verify reads the recording in r, whose name serves for errors, and compares
// its requests with those of t of which each connection sent so many. It takes
// memory of two bits for each, and of two of the largest.
func (t *Traffic) Verify(r io.Reader, name string, sent []uint32) (Findings, error) {
	src, err := payload.Open(r, name, verifyLimit)
	if err != nil {
		return Findings{}, err
	}
	v := newVerification(t, sent)
	for {
		msg, err := src.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return v.f, err
		}
		meta, raw, err := payload.Split(msg)
		if err != nil {
			return v.f, err
		}
		if meta.Type == payload.Request {
			v.record(raw)
		}
	}
	v.f.Damage = src.Damage()
	v.conclude()
	return v.f, nil
}

// A verification is a Verify under way.
type verification struct {
	t       *Traffic
	sent    []uint32
	intact  []bitmap // of each connection
	altered []bitmap
	want    []byte
	f       Findings
}

func newVerification(t *Traffic, sent []uint32) *verification {
	v := &verification{t: t, sent: sent}
	for _, n := range sent {
		v.intact = append(v.intact, newBitmap(n))
		v.altered = append(v.altered, newBitmap(n))
		v.f.Expected += int64(n)
	}
	return v
}

// record takes one request of the recording.
func (v *verification) record(raw []byte) {
	v.f.Records++
	n, ok := v.t.number(raw)
	if !ok || int64(n.Conn) >= int64(len(v.sent)) || n.Seq >= v.sent[n.Conn] {
		v.f.Foreign++
		return
	}
	v.want = v.t.Append(v.want[:0], n)
	switch {
	case !bytes.Equal(raw, v.want):
		v.f.Altered++
		v.altered[n.Conn].set(n.Seq)
	case v.intact[n.Conn].has(n.Seq):
		v.f.Duplicates++
	default:
		v.f.Intact++
		v.intact[n.Conn].set(n.Seq)
	}
}

// conclude counts what is missing.
func (v *verification) conclude() {
	for conn, n := range v.sent {
		run := int64(0) // of missing ones, up to here
		for seq := range n {
			if v.intact[conn].has(seq) || v.altered[conn].has(seq) {
				if run == int64(seq) {
					v.f.MissingAtEnds += run // none before was recorded
				}
				run = 0
				continue
			}
			run++
			v.f.Missing++
			v.want = v.t.Append(v.want[:0], Number{uint32(conn), seq})
			v.f.MissingBytes += int64(len(v.want))
		}
		v.f.MissingAtEnds += run
	}
}

// A bitmap is a set of numbers.
type bitmap []uint64

func newBitmap(n uint32) bitmap { return make(bitmap, (uint64(n)+63)/64) }

func (b bitmap) has(i uint32) bool { return b[i/64]>>(i%64)&1 != 0 }
func (b bitmap) set(i uint32)      { b[i/64] |= 1 << (i % 64) }
