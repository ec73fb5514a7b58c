package payload

import (
	"fmt"
	"strings"
	"testing"
)

func TestAttribute(t *testing.T) {
	msg := []byte("3 ab 1 2 5 zz t=new%20one  e= t=other 4\nhello")
	for _, tt := range []struct {
		key, want string
		ok        bool
	}{
		{AttrTarget, "new one", true}, // the first of two
		{AttrError, "", true},
		{AttrOrigin, "", false},
		{"zz", "", false},
		{"4", "", false},
	} {
		value, ok := Attribute(msg, tt.key)
		if got := string(Unescape(nil, value)); got != tt.want || ok != tt.ok {
			t.Errorf("%s: got %q, %v, want %q, %v", tt.key, got, ok, tt.want, tt.ok)
		}
	}
	for _, none := range []string{"", "1 ab 1\nt=x", "1 a=b 1 2\nt=x", "1 ab 1 t=x\n", "hello", "t=x\n"} {
		if value, ok := Attribute([]byte(none), "t"); ok {
			t.Errorf("%q: got %q", none, value)
		}
	}
}

func TestNewer(t *testing.T) {
	for line, want := range map[string]bool{
		"1 ab 1 2 3 o=har": false, "3 ab 1 2 3 t=a e=b a=c s=k v=h2 x=1 sc=https r=7": false, "2 ab 1": false,
		"4 ab 1": true, "9 ab 1 2 3": true, "1 ab 1 2 3 o=har zz=1": true, "1 ab 1 2 3 4": true, "1 ab 1 2 3 o": false,
	} {
		m, err := ParseMeta([]byte(line))
		if err != nil || m.Newer() != want {
			t.Errorf("%q: got %v, %v, want %v", line, m.Newer(), err, want)
		}
	}
}

func TestReaderCountsNewer(t *testing.T) {
	const marked = "1 ab 1400000000000000000 1000 "
	data := "9 0 1 -1 2\n{}" + Separator + marked + "27 o=har\n" + get + Separator + marked + "27 zz=1  o=har \n" + get + Separator + "5 ab 1\nx" + Separator
	for _, most := range []int{1, 40, 1 << 20} {
		r := textReader(inPieces([]byte(data), most), 1000)
		equal(t, drain(t, r), []string{marked + "27 o=har\n" + get, marked + "27 zz=1  o=har\n" + get})
		if d := r.Damage(); d.Newer != 3 || d.Any() || d.String() != "" || len(d.Spots) != 0 {
			t.Errorf("damage %+v", d)
		}
	}
}

func TestAppendAttributeKey(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a key that cannot be read was taken")
		}
	}()
	AppendAttribute(nil, "two words", "x")
}

// A length that grows must not make a header line that no reader takes.
func TestRecordLeavesOutAttributesWithoutRoom(t *testing.T) {
	msg := "1 ab 1 2 1 o=har t=" + strings.Repeat("x", 512-19) + "\n" + strings.Repeat("y", 1000)
	want := "1 ab 1 2 1000 o=har\n" + strings.Repeat("y", 1000) + Separator
	if got := string(AppendRecord(nil, []byte(msg))); got != want {
		t.Fatalf("got %q\nwant %q", got, want)
	}
}

func FuzzEscape(f *testing.F) {
	for _, s := range []string{"", "plain", "a b", "100%", "%41", "\x00\n\r\t\x7f\xff", "%", "%4"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) {
		escaped := AppendEscaped(nil, value)
		if strings.ContainsAny(string(escaped), " \n\r\t\x00") {
			t.Fatalf("%q", escaped)
		}
		if got := string(Unescape(nil, escaped)); got != value {
			t.Fatalf("got %q, want %q", got, value)
		}
		Unescape(nil, []byte(value)) // whatever it is
		meta, _, err := Split([]byte(head + get))
		if err != nil {
			t.Fatal(err)
		}
		meta.Length = int64(len(get))
		plain := AppendMeta(nil, meta)
		meta.Attributes = AppendAttribute(nil, AttrError, value)
		if len(plain)+len(meta.Attributes) > maxLine {
			return // it is left out
		}
		msg := append(AppendMeta(nil, meta), get...)
		got, ok := Attribute(msg, AttrError)
		if string(Unescape(nil, got)) != value || !ok || string(Body(msg)) != get {
			t.Fatalf("got %q of %q", got, msg)
		}
	})
}

func TestAttributeMemory(t *testing.T) {
	a := NewAttributeMemory()
	back := func(msg string) string { return string(a.Restore([]byte(msg))) }
	same := func(msg, want string) {
		t.Helper()
		if got := back(msg); got != want {
			t.Errorf("%q: got %q, want %q", msg, got, want)
		}
	}
	same("1 ab 1 2\nx", "1 ab 1 2\nx")
	a.Put([]byte("1 ab 1 2 5 o=http zz=%20\nhello"))
	a.Put([]byte("3 ab 7 2 0 t=old\n"))
	a.Put([]byte("3 ab 8 2 0 t=new\n"))
	same("1 ab 1 2\nrewritten", "1 ab 1 2 9 o=http zz=%20\nrewritten")
	same("1 ab 1 2\nagain", "1 ab 1 2 5 o=http zz=%20\nagain")
	same("1 ab 9 2\nother time", "1 ab 9 2 10 o=http zz=%20\nother time")
	same("2 ab 1 2\nx", "2 ab 1 2\nx")
	same("1 abc 1 2\nx", "1 abc 1 2\nx")
	same("3 ab 8 2\nx", "3 ab 8 2 1 t=new\nx")
	same("3 ab 7 2\nx", "3 ab 7 2 1 t=old\nx")
	same("1 ab 1 2 1 zz=own\nx", "1 ab 1 2 1 zz=own o=http\nx")
	same("no message", "no message")
	a.Put([]byte("1 ab 1 2\nhello"))
	same("1 ab 1 2\nx", "1 ab 1 2\nx")

	for i := range 3 * memorySlots {
		a.Put(fmt.Appendf(nil, "1 %d 1 2 0 o=%d\n", i, i))
	}
	if len(a.slots) > 2*memorySlots {
		t.Errorf("%d keys for %d slots", len(a.slots), memorySlots)
	}
	last := 3*memorySlots - 1
	same(fmt.Sprintf("1 %d 1 2\n", last), fmt.Sprintf("1 %d 1 2 0 o=%d\n", last, last))
	same("1 0 1 2\n", "1 0 1 2\n")
}

func TestAttributesAllocateNothing(t *testing.T) {
	msg := []byte("3 00112233445566778899aabb 1400000000000000000 1000 27 t=new e=timeout\n" + get)
	plain := []byte(head + get)
	buf := make([]byte, 0, 4096)
	m, _, err := Split(msg)
	if err != nil {
		t.Fatal(err)
	}
	a := NewAttributeMemory()
	for range memorySlots + 1 {
		a.Put(msg)
	}
	a.Restore(plain)
	for name, f := range map[string]func(){
		"Split":        func() { _, _, _ = Split(msg) },
		"Attribute":    func() { Attribute(msg, AttrError) },
		"no attribute": func() { Attribute(plain, AttrError) },
		"Newer":        func() { m.Newer() },
		"AppendRecord": func() { AppendRecord(buf, msg) },
		"Put":          func() { a.Put(msg) },
		"Restore":      func() { a.Restore(msg) },
	} {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
