package assemble

import "github.com/buger/gor/internal/http1"

// Bytes of requests that go by without being looked at: what they held is
// counted by its request lines.

// countStarts counts the request lines in bytes that are not looked at.
func (a *Assembler) countStarts(f *flow, b []byte) {
	if !f.response {
		var count http1.StartCounter
		a.stats.SkippedStarts += count.Count(b)
	}
}

// countEarly counts those of b, at seq, that were sent before the first byte that
// the capture came upon, and came behind it.
func (a *Assembler) countEarly(f *flow, seq sequence, b []byte) {
	n := f.first.minus(seq)
	if f.syn || n <= 0 || n > reuseReach {
		return
	}
	a.countStarts(f, b[:min(n, len(b))])
	if n <= len(b) {
		f.first = seq // a copy of them is not counted again
	}
}

// countStored counts those of segments that wait behind a direction's end, and
// that nothing will make part of it any more.
func (a *Assembler) countStored(f *flow) {
	if f.response || f.h == nil {
		return
	}
	var count http1.StartCounter
	end := f.next
	for p := f.h.store.first; p != nil; p = p.next {
		if p.seq != end {
			count = http1.StartCounter{}
		}
		skip := p.skip
		for ch := p.data.head; ch != nil; ch = ch.next {
			b := ch.data[min(skip, len(ch.data)):]
			skip -= len(ch.data) - len(b)
			a.stats.SkippedStarts += count.Count(b)
			a.stats.SkippedBytes += uint64(len(b))
		}
		end = p.end()
	}
}
