package payload

import (
	"bytes"
	"io"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

const fuzzLimit = 2000

// outcome is all that a source gives.
type outcome struct {
	messages []string
	damage   Damage
}

// exhaust reads s to its end and checks what holds for every source.
func exhaust(t *testing.T, s Source, limit int) outcome {
	t.Helper()
	var o outcome
	for {
		msg, err := s.Next()
		if err == io.EOF {
			o.damage = s.Damage()
			return o
		}
		if err != nil {
			// Only a zstd window that is too large is an error of the source's content.
			if !strings.Contains(err.Error(), "zstd window") {
				t.Fatalf("Next: %v", err)
			}
			o.damage = s.Damage()
			return o
		}
		if len(msg) > limit {
			t.Fatalf("message of %d bytes, the limit is %d", len(msg), limit)
		}
		if cap(msg) != len(msg) {
			t.Fatalf("an append to the message would overwrite what follows it")
		}
		m, _, err := Split(msg)
		if err != nil || m.newerType() || (m.Length >= 0) != (len(m.Attributes) > 0) {
			t.Fatalf("Split(%q): %+v, %v", msg, m, err)
		}
		o.messages = append(o.messages, string(msg))
	}
}

// Any bytes, read in any pieces, give the same messages and the same damage, and all bytes are accounted for.
func FuzzReader(f *testing.F) {
	for _, seed := range []string{
		"",
		rec(get) + old(get2),
		rec(get) + "1 zz\n" + get + Separator + rec(get2),
		withLength(3, get) + rec(get2),
		withLength(1e18, get) + rec(get2),
		withLength(1e18, "POST") + rec(get2),
		rec(get)[:len(rec(get))-9] + Separator + rec(get2),
		rec(get)[:len(rec(get))-1] + Separator + rec(get2),
		rec(post(strings.Repeat("x", 3000))) + old(post(strings.Repeat("x", 3000))) + rec(get),
		rec(post(old(get)+old(get))) + "\n" + Separator + Separator[1:] + rec(get),
		"3 ab 5 1400000000000000000\nx" + Separator + "2 ab 5\nx" + Separator,
		head + Separator[1:] + old(get) + head,
		strings.Repeat("x", 400) + Separator,
		byteOrderMark + "\r\n" + head[:len(head)-1] + " 27 o=har zz=%20 \r\n" + get + Separator + "\n \n" + rec(get2),
		"9 0 1 -1 2\n{}" + Separator + "3 ab 5 1400000000000000000 1 t=x  4\nx" + Separator + "5 0 1\nx" + Separator,
		head[:len(head)-1] + " 3 t=" + strings.Repeat("x", 460) + "\n" + get + Separator,
	} {
		f.Add([]byte(seed), uint8(3))
	}
	f.Fuzz(func(t *testing.T, data []byte, most uint8) {
		whole := textReader(bytes.NewReader(data), fuzzLimit)
		want := exhaust(t, whole, fuzzLimit)
		if got := whole.win.off; got != int64(len(data)) {
			t.Fatalf("offset %d at the end of %d bytes", got, len(data))
		}
		if len(whole.win.buf) != bufferSize {
			t.Fatalf("buffer of %d bytes", len(whole.win.buf))
		}
		if want.damage.Skipped > int64(len(data)) || len(want.damage.Spots) > maxSpots || want.damage.Torn > 1 {
			t.Fatalf("damage %+v of %d bytes", want.damage, len(data))
		}
		if want.damage.Any() != (want.damage.String() != "") {
			t.Fatalf("damage %+v says %q", want.damage, want.damage.String())
		}
		pieces := textReader(inPieces(data, 1+int(most)), fuzzLimit)
		if got := exhaust(t, pieces, fuzzLimit); !reflect.DeepEqual(got, want) {
			t.Fatalf("in pieces: got %+v\nwant %+v", got, want)
		}

		// What was read and is written comes back without damage, with attributes unless they no longer fit.
		var again []byte
		for _, m := range want.messages {
			again = AppendRecord(again, []byte(m))
		}
		got := exhaust(t, textReader(bytes.NewReader(again), fuzzLimit+maxNumber), fuzzLimit+maxNumber)
		if len(got.messages) != len(want.messages) || got.damage.Any() {
			t.Fatalf("written and read again: got %+v\nwant %q", got, want.messages)
		}
		for i, msg := range want.messages {
			m, body, _ := Split([]byte(msg))
			if m.Length >= 0 {
				m.Length = int64(len(body))
			}
			again, body2, _ := Split([]byte(got.messages[i]))
			if again.Attributes, m.Attributes = collapse(again.Attributes), collapse(m.Attributes); len(msg)-len(body) > maxHeader-maxNumber {
				again.Attributes, m.Attributes, again.Length, m.Length = nil, nil, 0, 0
			}
			if !reflect.DeepEqual(again, m) || !bytes.Equal(body, body2) {
				t.Fatalf("message %d, written and read again: got %q\nwant %q", i, got.messages[i], msg)
			}
		}
	})
}

// collapse makes one space of several.
func collapse(list []byte) []byte { return bytes.Join(bytes.Fields(list), []byte{' '}) }

// Whatever a body holds, the records that were written come back.
func FuzzRoundTrip(f *testing.F) {
	for _, seed := range []string{
		"", "x", Separator, Separator[1:], Separator[1:13], Separator[:13], "\n", "\n🐵", get, rec(get), old(get) + old(get2),
		head + get, "\n🐵🙈🙉\n1 00 1 1 5\nhello\n🐵🙈🙉\n", strings.Repeat(Separator, 20), "\x00\xff\x1f\x8b\x08",
	} {
		f.Add([]byte(seed), uint8(1))
	}
	f.Fuzz(func(t *testing.T, body []byte, most uint8) {
		marked := head[:len(head)-1] + " " + strconv.Itoa(len(body)) + " zz=a%20b o=har\n"
		want := []string{head + get, head + string(body), marked + string(body), head + get2}
		var data []byte
		for _, m := range want {
			data = AppendRecord(data, []byte(m))
		}
		for _, src := range []io.Reader{bytes.NewReader(data), inPieces(data, 1+int(most))} {
			s, err := Open(src, "x.gor", 1<<20)
			if err != nil {
				t.Fatal(err)
			}
			equal(t, drain(t, s), want)
			if d := s.Damage(); d.Any() || d.Skipped != 0 {
				t.Fatalf("damage %+v", d)
			}
		}
		// Without a length they do so too, less the attributes, when the body holds no separator.
		if HasSeparator([]byte(want[1])) {
			return
		}
		data = data[:0]
		for _, m := range want {
			data = AppendOldRecord(data, []byte(m))
		}
		want[2] = want[1]
		equal(t, drain(t, textReader(bytes.NewReader(data), 1<<20)), want)
	})
}

// Any bytes read as gob give the same in any pieces; what encoding/gob encodes comes back.
func FuzzGob(f *testing.F) {
	two := twoGobs(f)
	f.Add(two, uint8(1))
	f.Add(append(bytes.Clone(two), two...), uint8(9))
	f.Add(two[:len(two)-3], uint8(200))
	f.Add(oldGobOf(f, RawRequest{gobTime1, []byte(gobGet)}), uint8(20))
	f.Add(gobOf(f, RawRequest{gobTime1, make([]byte, 3000)}, RawRequest{gobTime2, []byte("x")}), uint8(255))
	f.Add([]byte("1\x7F\x03\x01\x01\x0ARawRequest\xF7\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"), uint8(0))
	f.Add([]byte("\xFC\x20\x00\x00\x14\xFF\x80\x01\xF8\x26\xDB\x99\x2A\x3B\x18\x00\x00\x01\xFC\x20\x00\x00\x00"), uint8(2))
	f.Fuzz(func(t *testing.T, data []byte, most uint8) {
		read := func(r io.Reader) outcome {
			g := newGobReader(newWindow(r, windowFor(fuzzLimit)), fuzzLimit)
			g.conn = 7
			o := exhaust(t, g, fuzzLimit)
			if len(g.win.buf) != bufferSize || g.win.len() != 0 {
				t.Fatalf("buffer of %d bytes, %d left", len(g.win.buf), g.win.len())
			}
			return o
		}
		want := read(bytes.NewReader(data))
		if got := read(inPieces(data, 1+int(most))); !reflect.DeepEqual(got, want) {
			t.Fatalf("in pieces: got %+v\nwant %+v", got, want)
		}
		if len(data) > fuzzLimit-100 {
			return
		}
		got := read(bytes.NewReader(gobOf(t, RawRequest{int64(len(data)), data}, RawRequest{gobTime1, data})))
		if len(got.messages) != 2 || got.damage.Any() {
			t.Fatalf("encoded and read: %+v", got)
		}
		for _, m := range got.messages {
			if !bytes.Equal(Body([]byte(m)), data) {
				t.Fatalf("encoded and read: got %q, want %q", m, data)
			}
		}
	})
}

// Open never fails for what it reads, whatever that is, and no piece size changes what comes.
func FuzzOpen(f *testing.F) {
	for _, seed := range []string{
		"", "1", rec(get), string(twoGobs(f)), gz(f, rec(get)), gz(f, rec(get)) + gz(f, rec(get2)), gz(f, string(twoGobs(f))),
		stored(f, rec(get)+rec(get2))[:200] + gz(f, rec(get)), flushed(f, rec(get), rec(get2)),
		zst(f, rec(get)), zst(f, rec(get)) + zst(f, rec(get2)), zst(f, rec(get))[:80] + zst(f, rec(get2)),
		"\x5A\x2A\x4D\x18\xFF\xFF\xFF\xFFabcd" + zst(f, rec(get)),
		zstdMagic + "\x00\xF8", strings.Repeat(gzipMagic+"\x00", 100),
	} {
		f.Add([]byte(seed), uint8(5))
	}
	f.Fuzz(func(t *testing.T, data []byte, most uint8) {
		read := func(r io.Reader) outcome {
			s, err := Open(r, "x.gor", fuzzLimit)
			if err != nil {
				t.Fatal(err)
			}
			if g, ok := s.(*gobReader); ok {
				g.conn = 7
			}
			o := exhaust(t, s, fuzzLimit)
			if strings.HasSuffix(s.Format(), " gob") { // whose ids are random
				for i := range o.messages {
					o.messages[i] = string(Body([]byte(o.messages[i])))
				}
			}
			return o
		}
		want := read(bytes.NewReader(data))
		if got := read(inPieces(data, 1+int(most))); !reflect.DeepEqual(got, want) {
			t.Fatalf("in pieces: got %+v\nwant %+v", got, want)
		}
	})
}
