package pace

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"sort"
	"testing"
	"time"

	"github.com/buger/gor/internal/buffers"
)

// run sends times through a window and returns them in the order they leave.
// Each message says its place in times.
func run(t *testing.T, r *Reorder, times []int64) (order []int) {
	t.Helper()
	pop := func() bool {
		peeked, any := r.Peek()
		msg, at, ok := r.Pop()
		if any != ok || ok && peeked != at {
			t.Fatalf("Peek = %d, %v before Pop = %d, %v", peeked, any, at, ok)
		}
		if ok {
			i := int(binary.BigEndian.Uint32(msg))
			if times[i] != at {
				t.Fatalf("message %d of time %d came with %d", i, times[i], at)
			}
			order = append(order, i)
		}
		return ok
	}
	for i, at := range times {
		for r.Full() {
			pop()
		}
		r.Push(at, binary.BigEndian.AppendUint32(nil, uint32(i)), 0)
	}
	for pop() {
	}
	return order
}

func TestReorder(t *testing.T) {
	tests := []struct {
		name             string
		depth, bytes     int
		times            []int64
		want             []int
		outOfOrder, late uint64
	}{
		{"in order", 3, 100, []int64{1, 2, 3, 4}, []int{0, 1, 2, 3}, 0, 0},
		{"two changed", 3, 100, []int64{2, 1, 3, 4}, []int{1, 0, 2, 3}, 1, 0},
		{"equal times keep their order", 4, 100, []int64{5, 5, 1, 5, 5}, []int{2, 0, 1, 3, 4}, 1, 0},
		{"within the window", 3, 100, []int64{3, 2, 1}, []int{2, 1, 0}, 2, 0},
		{"beyond the window", 2, 100, []int64{3, 4, 5, 1}, []int{0, 1, 3, 2}, 1, 1},
		{"as they come", 1, 100, []int64{3, 1, 2}, []int{0, 1, 2}, 2, 2},
		{"depth zero", 0, 100, []int64{3, 1, 2}, []int{0, 1, 2}, 2, 2},
		{"bytes bound", 100, 8, []int64{3, 2, 1}, []int{1, 2, 0}, 2, 1},
		{"one larger than the bound", 100, 1, []int64{2, 1}, []int{0, 1}, 1, 1},
		{"nothing", 3, 100, nil, nil, 0, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := NewReorder(tt.depth, tt.bytes)
			if got := run(t, r, tt.times); !slices.Equal(got, tt.want) {
				t.Errorf("order %v, want %v", got, tt.want)
			}
			if r.OutOfOrder() != tt.outOfOrder || r.Late() != tt.late {
				t.Errorf("out of order %d, late %d, want %d, %d", r.OutOfOrder(), r.Late(), tt.outOfOrder, tt.late)
			}
			if r.Len() != 0 || r.bytes != 0 {
				t.Errorf("left: %d messages, %d bytes", r.Len(), r.bytes)
			}
		})
	}
}

// Times that are less than the window out of place come out sorted, stably.
func TestReorderSorts(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 9))
	for range 50 {
		depth := 2 + rng.IntN(100)
		times := make([]int64, 2000)
		for i := range times {
			times[i] = int64(i / 3)
		}
		// Shuffled in blocks: none is more than a window away.
		for i := 0; i < len(times); i += depth {
			b := times[i:min(i+depth, len(times))]
			rng.Shuffle(len(b), func(i, j int) { b[i], b[j] = b[j], b[i] })
		}
		r := NewReorder(depth, 1<<20)
		got := run(t, r, times)
		want := make([]int, len(times))
		for i := range want {
			want[i] = i
		}
		sort.SliceStable(want, func(i, j int) bool { return times[want[i]] < times[want[j]] })
		if !slices.Equal(got, want) {
			t.Fatalf("depth %d: not sorted", depth)
		}
		if r.Late() != 0 {
			t.Errorf("depth %d: %d late", depth, r.Late())
		}
	}
}

// What a clock that was behind recorded comes after what was there, but for
// the first few, and in its own order.
func TestReorderStepBack(t *testing.T) {
	const depth, n = 100, 1000
	var times []int64
	for i := range int64(n) {
		times = append(times, t0+i*ms)
	}
	for i := range int64(n) {
		times = append(times, t0-int64(time.Hour)+i*ms)
	}
	got := run(t, NewReorder(depth, 1<<20), times)
	last := 0
	for place, i := range got {
		if i == n-1 {
			last = place
		}
	}
	if last > n+depth+stepBackRun {
		t.Errorf("the first recording's last message came at place %d", last)
	}
	if tail := got[n+depth+stepBackRun:]; !slices.IsSorted(tail) {
		t.Error("the second recording is not in order")
	}
}

// Everything comes out once, unchanged, whatever its size, and the buffers
// that are kept have a bound.
func FuzzReorder(f *testing.F) {
	f.Add(uint64(1), uint8(10), uint16(1000), uint16(300))
	f.Add(uint64(2), uint8(0), uint16(0), uint16(65535))
	f.Add(uint64(3), uint8(255), uint16(60000), uint16(2))
	f.Fuzz(func(t *testing.T, seed uint64, depth uint8, limit, size uint16) {
		rng := rand.New(rand.NewPCG(seed, 1))
		r := NewReorder(int(depth), int(limit))
		want := map[uint32][]byte{}
		var largest int
		pop := func() bool {
			msg, _, ok := r.Pop()
			if !ok {
				return false
			}
			k := binary.BigEndian.Uint32(msg)
			if w, ok := want[k]; !ok || !bytes.Equal(w, msg) {
				t.Fatalf("message %d came changed or twice", k)
			}
			delete(want, k)
			return true
		}
		for i := range uint32(500) {
			msg := binary.BigEndian.AppendUint32(nil, i)
			msg = append(msg, bytes.Repeat([]byte{byte(rng.Uint32())}, rng.IntN(int(size)+1))...)
			largest = max(largest, len(msg))
			want[i] = bytes.Clone(msg)
			r.Push(rng.Int64N(1000)*int64(time.Second), msg, 0)
			clear(msg) // the window must not refer to it
			if r.bytes > max(int(limit), 1)+largest || r.Len() > max(int(depth), 1) {
				t.Fatalf("%d messages, %d bytes held", r.Len(), r.bytes)
			}
			for r.Full() {
				pop()
			}
			// One more buffer may have come back since the bound was looked at.
			if r.free.Bytes() > 0 && r.free.Bytes()+r.caps > 2*max(int(limit), 1)+buffers.LargestKept {
				t.Fatalf("%d bytes of buffers kept, %d in use", r.free.Bytes(), r.caps)
			}
		}
		for pop() {
		}
		if len(want) != 0 || r.bytes != 0 || r.Late() > r.OutOfOrder() {
			t.Fatalf("%d messages missing, %d bytes left, %d late, %d out of order", len(want), r.bytes, r.Late(), r.OutOfOrder())
		}
	})
}

func TestReorderAllocates(t *testing.T) {
	r := NewReorder(100, 4<<20)
	rng := rand.New(rand.NewPCG(4, 2))
	msg := make([]byte, 40000)
	at := t0
	cycle := func() {
		at += ms
		r.Push(at-rng.Int64N(50*ms), msg[:100+rng.IntN(len(msg)-100)], 0)
		for r.Full() {
			r.Pop()
		}
	}
	for range 20000 {
		cycle()
	}
	if n := testing.AllocsPerRun(10000, cycle); n != 0 {
		t.Errorf("Push and Pop allocate %v times", n)
	}
}

func BenchmarkReorder(b *testing.B) {
	r := NewReorder(100, 4<<20)
	rng := rand.New(rand.NewPCG(4, 2))
	msg := make([]byte, 500)
	at := t0
	b.ReportAllocs()
	for b.Loop() {
		at += ms
		r.Push(at-rng.Int64N(50*ms), msg, 0)
		for r.Full() {
			r.Pop()
		}
	}
}
