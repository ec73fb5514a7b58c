package assemble

import (
	"math/rand/v2"
	"testing"
)

func TestSequence(t *testing.T) {
	cases := []struct {
		s, t sequence
		want int
	}{
		{0, 0, 0}, {1, 0, 1}, {0, 1, -1},
		{0, 0xFFFFFFFF, 1}, {0xFFFFFFFF, 0, -1},
		{0x7FFFFFFF, 0, 1<<31 - 1}, {0x80000001, 0, -(1<<31 - 1)},
		{5, 0xFFFFFFF0, 21},
	}
	for _, c := range cases {
		if got := c.s.minus(c.t); got != c.want {
			t.Errorf("%#x minus %#x is %d, want %d", c.s, c.t, got, c.want)
		}
		if got := c.s.before(c.t); got != (c.want < 0) {
			t.Errorf("%#x before %#x: %v", c.s, c.t, got)
		}
		if got := c.t.plus(c.want); got != c.s {
			t.Errorf("%#x plus %d is %#x, want %#x", c.t, c.want, got, c.s)
		}
	}
}

// The store holds what a map from position to the first byte seen there would.
func TestStoreKeepsTheFirst(t *testing.T) {
	for seed := range uint64(300) {
		rnd := rand.New(rand.NewPCG(seed, 3))
		r := newRig(t, Config{})
		h := &half{}
		base := sequence(rnd.Uint32())
		model := map[int]byte{}
		for range 1 + rnd.IntN(30) {
			at := rnd.IntN(60)
			b := make([]byte, 1+rnd.IntN(20))
			conflict := false
			for i := range b {
				b[i] = byte('a' + rnd.IntN(2))
				if old, ok := model[at+i]; !ok {
					model[at+i] = b[i]
				} else if old != b[i] {
					conflict = true
				}
			}
			if got := r.a.keep(h, base.plus(at), b, 0, arrival{}); got != conflict {
				t.Fatalf("seed %d: conflict %v, want %v", seed, got, conflict)
			}
		}
		pieces, bytes, end := 0, 0, -1
		for p := h.store.first; p != nil; p = p.next {
			pieces++
			at := p.seq.minus(base)
			if at < end {
				t.Fatalf("seed %d: a piece at %d, the one before ends at %d", seed, at, end)
			}
			for i, c := range p.data.appendTo(nil) {
				if want, ok := model[at+i]; !ok || want != c {
					t.Fatalf("seed %d: %q at %d, want %q", seed, c, at+i, want)
				}
				delete(model, at+i)
				bytes++
			}
			end = p.end().minus(base)
			if p.next == nil && h.store.last != p {
				t.Fatalf("seed %d: the last piece is not the last", seed)
			}
		}
		if len(model) != 0 || pieces != h.store.pieces || bytes != h.store.bytes {
			t.Fatalf("seed %d: %d bytes are missing; %d pieces, %d bytes, counted %d, %d", seed, len(model), pieces, bytes, h.store.pieces, h.store.bytes)
		}
		for !h.store.empty() {
			r.a.freePiece(h.store.unlink())
		}
		if r.a.pool.used != 0 {
			t.Fatalf("seed %d: %d bytes leaked", seed, r.a.pool.used)
		}
	}
}

func TestBuffer(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 4))
	p := &pool{limit: 1 << 20}
	for range 100 {
		var b buffer
		var want []byte
		for range rnd.IntN(8) {
			part := make([]byte, rnd.IntN(3*largeChunk>>rnd.IntN(10)))
			for i := range part {
				part[i] = byte(rnd.Uint32())
			}
			p.add(&b, part)
			want = append(want, part...)
		}
		if got := string(b.appendTo(nil)); got != string(want) || b.size != len(want) || !b.equal(0, want) {
			t.Fatal("the buffer does not hold what was added")
		}
		if n := len(want); n > 1 {
			if !b.equal(n/2, want[n/2:]) || b.equal(n/2, append(want[n/2:n:n], 0)) {
				t.Fatal("the buffer compares wrongly")
			}
			want[n-1]++
			if b.equal(n/2, want[n/2:]) {
				t.Fatal("the buffer compares wrongly")
			}
		}
		p.drop(&b)
		if p.used != 0 || p.kept > p.limit {
			t.Fatalf("%d bytes in use, %d kept", p.used, p.kept)
		}
	}
}
