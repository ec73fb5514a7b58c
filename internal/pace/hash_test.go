package pace

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"testing"
)

func TestFNV32a(t *testing.T) {
	for _, s := range []string{"", "a", "foobar", "\x00\xff", "user-id-123456"} {
		h := fnv.New32a()
		h.Write([]byte(s))
		if got := FNV32a([]byte(s)); got != h.Sum32() {
			t.Errorf("FNV32a(%q) = %#x, want %#x", s, got, h.Sum32())
		}
	}
	// From the test vectors of the hash's authors.
	if got := FNV32a([]byte("foobar")); got != 0xbf9cf968 {
		t.Errorf("FNV32a(foobar) = %#x", got)
	}
}

func TestHashFraction(t *testing.T) {
	tests := []struct {
		n, d uint64
	}{{0, 1}, {1, 1}, {0, 4}, {1, 4}, {3, 4}, {4, 4}, {1, 32}, {31, 32}, {1, 1 << 31}, {1<<31 - 1, 1 << 31}, {1 << 31, 1 << 31}}
	for _, tt := range tests {
		for i := range 10000 {
			v := fmt.Appendf(nil, "user%d", i)
			// By the definition, in real numbers.
			want := float64(FNV32a(v))/(1<<32) < float64(tt.n)/float64(tt.d)
			if got := HashFraction(v, tt.n, tt.d); got != want {
				t.Fatalf("HashFraction(%q, %d, %d) = %v, want %v", v, tt.n, tt.d, got, want)
			}
		}
	}
	if HashFraction([]byte("a"), 1, 0) {
		t.Error("HashFraction of 1/0 = true")
	}
}

func TestHashPercent(t *testing.T) {
	for i := range 1000 {
		v := fmt.Appendf(nil, "user%d", i)
		for _, p := range []uint32{0, 1, 50, 99, 100} {
			if got, want := HashPercent(v, p), FNV32a(v)%100 < p; got != want {
				t.Fatalf("HashPercent(%q, %d) = %v, want %v", v, p, got, want)
			}
		}
	}
}

// Ids as Gor makes them: 16 random digits for a connection, 8 that count.
func idSets() map[string][][]byte {
	const n = 100_000
	rng := rand.New(rand.NewPCG(5, 6))
	sets := map[string][][]byte{}
	for range n {
		sets["connections with one request"] = append(sets["connections with one request"], fmt.Appendf(nil, "%016x%08x", rng.Uint64(), 0))
	}
	for c := range 3 {
		conn, name := rng.Uint64(), fmt.Sprintf("connection %d with many", c)
		for i := range n {
			sets[name] = append(sets[name], fmt.Appendf(nil, "%016x%08x", conn, i))
		}
	}
	for range n / 20 {
		conn := rng.Uint64()
		for i := range 20 {
			sets["connections with some"] = append(sets["connections with some"], fmt.Appendf(nil, "%016x%08x", conn, i))
		}
	}
	for i := range n {
		sets["counted in decimal"] = append(sets["counted in decimal"], fmt.Appendf(nil, "%d", i))
	}
	return sets
}

func TestKeepIDShare(t *testing.T) {
	for name, ids := range idSets() {
		for _, p := range []int{0, 1, 5, 10, 25, 50, 75, 90, 99, 100} {
			kept, longest, run := 0, 0, 0
			for _, id := range ids {
				if KeepID(id, p) {
					kept++
					run = 0
				} else if run++; run > longest {
					longest = run
				}
			}
			n, f := float64(len(ids)), float64(p)/100
			// Four standard deviations of a fair coin: a choice that is
			// chance in all but name passes.
			if off := math.Abs(float64(kept) - n*f); off > 4*math.Sqrt(n*f*(1-f))+1 {
				t.Errorf("%s, %d%%: kept %d of %d", name, p, kept, len(ids))
			}
			if p > 0 && float64(longest) > 20*100/float64(p) {
				t.Errorf("%s, %d%%: %d dropped in a row", name, p, longest)
			}
		}
	}
}

// Every tenth of one connection's requests has its share, not the whole alone.
func TestKeepIDEven(t *testing.T) {
	conn := uint64(0x9b1c0f2a77d3e415)
	for block := range 50 {
		kept := 0
		for i := range 2000 {
			if KeepID(fmt.Appendf(nil, "%016x%08x", conn, block*2000+i), 10) {
				kept++
			}
		}
		if kept < 140 || kept > 260 {
			t.Errorf("block %d: kept %d of 2000 at 10%%", block, kept)
		}
	}
}

func TestKeepIDSalt(t *testing.T) {
	for name, ids := range idSets() {
		first, both := 0, 0
		for _, id := range ids {
			if KeepIDOf(id, 20, FNV32a([]byte("output-http a"))) {
				first++
				if KeepIDOf(id, 20, FNV32a([]byte("output-http b"))) {
					both++
				}
			}
		}
		if f := float64(both) / float64(first); f < 0.18 || f > 0.22 {
			t.Errorf("%s: of what one salt keeps at 20%%, another keeps %.3f", name, f)
		}
	}
	for i := range 1000 {
		id := fmt.Appendf(nil, "%024x", i)
		if KeepIDOf(id, 50, 0) != KeepID(id, 50) {
			t.Fatal("salt 0 is not KeepID")
		}
	}
}

func TestHashAllocates(t *testing.T) {
	id := []byte("0123456789abcdef00000001")
	if n := testing.AllocsPerRun(100, func() { KeepID(id, 10); HashFraction(id, 1, 4); HashPercent(id, 10) }); n != 0 {
		t.Errorf("hashing allocates %v times", n)
	}
}

func BenchmarkKeepID(b *testing.B) {
	id := []byte("0123456789abcdef00000001")
	for b.Loop() {
		KeepID(id, 10)
	}
}
