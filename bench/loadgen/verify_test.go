package loadgen

import (
	"bytes"
	"testing"

	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/testkit"
)

// TestVerify: what became of each request is reported exactly so.
func TestVerify(t *testing.T) {
	tr := NewTraffic(Mixed, 42)
	sent := []uint32{10, 0, 25}
	number := func(i int) Number { // the i-th of all
		if i < 10 {
			return Number{0, uint32(i)}
		}
		return Number{2, uint32(i - 10)}
	}
	var raws [][]byte
	for i := range 35 {
		raws = append(raws, tr.Append(nil, number(i)))
	}
	size := func(list ...int) (sum int64) {
		for _, i := range list {
			sum += int64(len(raws[i]))
		}
		return sum
	}
	flip := func(raw []byte, at int) []byte {
		raw = bytes.Clone(raw)
		raw[at] ^= 1
		return raw
	}
	for _, test := range []struct {
		name string
		edit func(list [][]byte) [][]byte
		want Findings
	}{
		{"all", func(l [][]byte) [][]byte { return l }, Findings{Intact: 35}},
		{"nothing", func([][]byte) [][]byte { return nil }, Findings{Missing: 35, MissingAtEnds: 35, MissingBytes: size(seq(0, 35)...)}},
		{"backwards", func(l [][]byte) [][]byte {
			var back [][]byte
			for i := range l {
				back = append(back, l[len(l)-1-i])
			}
			return back
		}, Findings{Intact: 35}},
		{"one dropped", func(l [][]byte) [][]byte { return append(l[:4:4], l[5:]...) }, Findings{Intact: 34, Missing: 1, MissingBytes: size(4)}},
		{"first and last dropped", func(l [][]byte) [][]byte { return l[1:34] }, Findings{Intact: 33, Missing: 2, MissingAtEnds: 2, MissingBytes: size(0, 34)}},
		{"one connection dropped", func(l [][]byte) [][]byte { return l[10:] }, Findings{Intact: 25, Missing: 10, MissingAtEnds: 10, MissingBytes: size(seq(0, 10)...)}},
		{"one doubled", func(l [][]byte) [][]byte { return append(l, l[7]) }, Findings{Intact: 35, Duplicates: 1}},
		{"one altered", func(l [][]byte) [][]byte { l[3] = flip(l[3], len(l[3])-1); return l }, Findings{Intact: 34, Altered: 1}},
		{"its header's case altered", func(l [][]byte) [][]byte {
			l[3] = bytes.Replace(l[3], []byte("user-agent"), []byte("User-Agent"), 1)
			return l
		}, Findings{Intact: 34, Altered: 1}},
		{"one cut", func(l [][]byte) [][]byte { l[12] = l[12][:len(l[12])-1]; return l }, Findings{Intact: 34, Altered: 1}},
		{"two glued", func(l [][]byte) [][]byte {
			return append(append(l[:20:20], append(bytes.Clone(l[20]), l[21]...)), l[22:]...)
		}, Findings{Intact: 33, Altered: 1, Missing: 1, MissingBytes: size(21)}},
		{"altered and intact", func(l [][]byte) [][]byte { return append(l, flip(l[30], len(l[30])-1)) }, Findings{Intact: 35, Altered: 1}},
		{"altered to another's number", func(l [][]byte) [][]byte { l[0] = tr.Append(nil, Number{0, 1}); return l },
			Findings{Intact: 34, Duplicates: 1, Missing: 1, MissingAtEnds: 1, MissingBytes: size(0)}},
		{"foreign", func(l [][]byte) [][]byte {
			return append(l, []byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), // nobody's
				NewTraffic(Mixed, 43).Append(nil, Number{0, 0}), // of another run
				tr.Append(nil, Number{0, 10}),                   // beyond what was sent
				tr.Append(nil, Number{1, 0}),
				tr.Append(nil, Number{3, 0}))
		}, Findings{Intact: 35, Foreign: 5}},
		{"one of each", func(l [][]byte) [][]byte {
			l[2] = flip(l[2], 60)
			l = append(append(l[:5:5], l[6:]...), l[8], []byte("GET /trap HTTP/1.1\r\n\r\n"))
			return l
		}, Findings{Intact: 33, Missing: 1, MissingBytes: size(5), Duplicates: 1, Altered: 1, Foreign: 1}},
	} {
		var recording []byte
		list := test.edit(append([][]byte{}, raws...))
		for _, raw := range list {
			recording = appendRecord(recording, raw)
		}
		test.want.Expected, test.want.Records = 35, int64(len(list))
		got := verify(t, tr, recording, sent)
		if got.Damage.Any() {
			t.Errorf("%s: %v", test.name, got.Damage)
		}
		got.Damage = payload.Damage{}
		if !same(got, test.want) {
			t.Errorf("%s: %+v\nwant %+v", test.name, got, test.want)
		}
	}
}

func seq(from, to int) (list []int) {
	for i := from; i < to; i++ {
		list = append(list, i)
	}
	return list
}

// same compares all but the damage.
func same(a, b Findings) bool {
	return a.Expected == b.Expected && a.Intact == b.Intact && a.Missing == b.Missing && a.Duplicates == b.Duplicates &&
		a.Altered == b.Altered && a.Foreign == b.Foreign && a.MissingBytes == b.MissingBytes && a.MissingAtEnds == b.MissingAtEnds && a.Records == b.Records
}

// TestPerfect: only a recording without any fault is.
func TestPerfect(t *testing.T) {
	if f := (Findings{Expected: 3, Intact: 3}); !f.Perfect() || !f.Clean() {
		t.Errorf("%+v is not perfect", f)
	}
	if f := (Findings{Expected: 3, Intact: 2, Missing: 1}); f.Perfect() || !f.Clean() {
		t.Errorf("%+v is perfect, or is not clean", f)
	}
	for _, f := range []Findings{{Duplicates: 1}, {Altered: 1}, {Foreign: 1}, {Damage: payload.Damage{Torn: 1}}} {
		if f.Perfect() || f.Clean() {
			t.Errorf("%+v is clean", f)
		}
	}
}

// TestVerifyOthers: responses are passed over, and a torn end is damage.
func TestVerifyOthers(t *testing.T) {
	tr := NewTraffic(Get, 1)
	raw := tr.Append(nil, Number{})
	recording := appendRecord(nil, raw)
	response := payload.AppendMeta(nil, payload.Meta{Type: payload.Response, ID: []byte("a"), Time: 1, Length: -1})
	recording = payload.AppendRecord(recording, append(response, testkit.OK200...))
	if f := verify(t, tr, recording, []uint32{1}); !f.Perfect() || f.Records != 1 {
		t.Errorf("%+v", f)
	}
	if f := verify(t, tr, append(recording, "1 b 1 1 100\nGET"...), []uint32{1}); f.Clean() || f.Intact != 1 {
		t.Errorf("%+v", f)
	}
}

// FuzzVerify: whatever a recording holds, each request in it is counted as
// exactly one thing, and as intact only if it is what was sent.
func FuzzVerify(f *testing.F) {
	tr := NewTraffic(Get, 1)
	sent := []uint32{2, 1}
	f.Add([]byte{})
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"))
	for _, n := range []Number{{0, 0}, {0, 1}, {1, 0}, {1, 1}, {2, 0}} {
		raw := tr.Append(nil, n)
		f.Add(raw)
		f.Add(raw[:len(raw)-2])
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		v := newVerification(tr, sent)
		for range 2 {
			v.record(raw)
		}
		v.conclude()
		real := false
		for conn, n := range sent {
			for seq := range n {
				real = real || bytes.Equal(raw, tr.Append(nil, Number{uint32(conn), seq}))
			}
		}
		got := v.f
		if real != (got.Intact == 1) || got.Intact != got.Duplicates {
			t.Errorf("was sent: %v: %+v", real, got)
		}
		if got.Records != 2 || got.Intact+got.Duplicates+got.Altered+got.Foreign != got.Records {
			t.Errorf("the counts of records do not sum up: %+v", got)
		}
		onlyAltered := int64(0)
		if got.Altered > 0 {
			onlyAltered = 1
		}
		if got.Expected != got.Intact+got.Missing+onlyAltered {
			t.Errorf("the counts of requests do not sum up: %+v", got)
		}
	})
}

// TestVerifyAllocates: verifying takes nothing for each request.
func TestVerifyAllocates(t *testing.T) {
	tr := NewTraffic(Get, 1)
	raw := tr.Append(nil, Number{})
	v := newVerification(tr, []uint32{1})
	if n := testing.AllocsPerRun(100, func() { v.record(raw) }); n != 0 {
		t.Errorf("%v allocations per request", n)
	}
}

func BenchmarkVerify(b *testing.B) {
	for _, c := range []Case{Get, Post64k} {
		b.Run(c.String(), func(b *testing.B) {
			tr := NewTraffic(c, 1)
			raw := tr.Append(nil, Number{})
			v := newVerification(tr, []uint32{1})
			b.SetBytes(int64(len(raw)))
			for b.Loop() {
				v.record(raw)
			}
		})
	}
}
