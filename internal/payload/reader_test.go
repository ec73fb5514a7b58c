package payload

import (
	"bytes"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestReader(t *testing.T) {
	const forged = "\n🐵🙈🙉\n1 00 1400000000000000000 0\nGET /evil HTTP/1.1\r\n\r\n\n🐵🙈🙉\n"
	tests := []struct {
		name   string
		data   string
		want   []string // payloads
		damage string
	}{
		{"empty", "", nil, ""},
		{"one with a length", rec(get), []string{get}, ""},
		{"one without", old(get), []string{get}, ""},
		{"two", rec(get) + old(get2), []string{get, get2}, ""},
		{"three fields", "1 ab 1400000000000000000\n" + get + Separator, []string{get}, ""},
		{"empty payload with a length", rec("") + rec(get), []string{"", get}, ""},
		{"empty payload without", old("") + old(get), []string{"", get}, ""},
		{"not HTTP", rec("\x00\xff") + old("\x00\xff"), []string{"\x00\xff", "\x00\xff"}, ""},
		{"payload of monkeys", rec("🐵🙈🙉\n") + old("\n\n🐵🙈\n🐵"), []string{"🐵🙈🙉\n", "\n\n🐵🙈\n🐵"}, ""},
		{"body with a forged record", rec(get) + rec(post(forged)) + rec(get2), []string{get, post(forged), get2}, ""},
		{"body that is a separator", rec(Separator) + rec(get), []string{Separator, get}, ""},
		{"body that begins as the end of one", rec(Separator[1:]) + rec(get), []string{Separator[1:], get}, ""},

		{"header without payload", head + Separator[1:] + old(get), []string{get}, "1 damaged record skipped (at byte 0)"},
		{"damaged header", rec(get) + "1 zz\n" + get + Separator + rec(get2), []string{get, get2}, "1 damaged record skipped (at byte 96)"},
		{"two damaged headers", "x\n" + Separator + rec(get) + "1 a b\n" + Separator + rec(get2), []string{get, get2}, "2 damaged records skipped (first at byte 0)"},
		{"line end missing", strings.Repeat("x", 1000) + Separator + rec(get), []string{get}, "1 damaged record skipped (at byte 0)"},
		{"damage that ends in a separator's line end", "x" + Separator + rec(get), []string{get}, "1 damaged record skipped (at byte 0)"},
		{"zeros, as after a power failure", rec(get) + strings.Repeat("\x00", 5000) + Separator + rec(get2), []string{get, get2}, "1 damaged record skipped (at byte 96)"},
		{"hello of the link", "0 hello\n" + Separator + rec(get), []string{get}, "1 damaged record skipped (at byte 0)"},
		{"mended twice", rec(get) + Separator + rec(get2), []string{get, get2}, ""},

		{"line end between records", rec(get) + "\n" + rec(get2) + rec(get), []string{get, get2, get}, ""},
		{"blank lines around and between", "\n \r\n" + rec(get) + "\t\n\r\n\n" + old(get2) + "\n\n  ", []string{get, get2}, ""},
		{"blank lines alone", "\r\n\n ", nil, ""},
		{"blank line in front of damage", rec(get) + "\nx\n" + Separator + rec(get2), []string{get, get2}, "1 damaged record skipped (at byte 97)"},
		{"blanks behind the header", head[:len(head)-1] + "  \n" + get + Separator + rec(get2), []string{get, get2}, ""},
		{"carriage return behind the header", head[:len(head)-1] + "\r\n" + get + Separator + rec(get2), []string{get, get2}, ""},
		{"blanks behind a length", head[:len(head)-1] + " 27 \t\r\n" + get + Separator + rec(get2), []string{get, get2}, ""},
		{"byte-order mark", byteOrderMark + rec(get) + rec(get2), []string{get, get2}, ""},
		{"byte-order marks of files put together", byteOrderMark + rec(get) + byteOrderMark + "\r\n" + old(get2), []string{get, get2}, ""},
		{"byte-order mark alone", byteOrderMark, nil, ""},
		{"torn in the header, of blanks", rec(get) + head[:len(head)-1] + "  " + Separator + rec(get2), []string{get, get2}, "1 damaged record skipped (at byte 96)"},

		{"newer types", "9 0 1400000000000000000 -1 4\n{\n\n}" + Separator + rec(get) + "6 0 1400000000000000000\nx" + Separator + rec(get2), []string{get, get2}, ""},
		{"newer type with a forged record", "5 0 1 -1 " + strconv.Itoa(len(forged)) + "\n" + forged + Separator + rec(get), []string{get}, ""},
		{"newer type that is too large", "5 0 1 -1 3000\n" + strings.Repeat("x", 3000) + Separator + "5 0 1\n" + strings.Repeat("x", 3000) + Separator + rec(get), []string{get}, ""},
		{"newer type that is damaged", "5 0 1 -1 4\nxy" + Separator + rec(get), []string{get}, "1 damaged record skipped (at byte 0)"},

		{"length too short", withLength(3, get) + rec(get2), []string{get, get2}, "1 record kept in spite of a wrong length (at byte 0)"},
		{"length too long", withLength(int64(len(get))+3, get) + rec(get2), []string{get, get2}, "1 record kept in spite of a wrong length (at byte 0)"},
		{"length beyond the end", withLength(5000, get) + rec(get2), []string{get, get2}, "1 record kept in spite of a wrong length (at byte 0)"},
		{"length beyond the end, within the limit", withLength(900, get) + rec(get2), []string{get, get2}, "1 record kept in spite of a wrong length (at byte 0)"},
		{"length beyond the end, not whole", withLength(900, "POST / HTTP/1.1\r\n") + rec(get2), []string{get2}, "1 damaged record skipped (at byte 0)"},
		{"length beyond the limit", withLength(1<<40, get) + rec(get2), []string{get, get2}, "1 record kept in spite of a wrong length (at byte 0)"},
		{"length of 10^18", withLength(1e18, get) + rec(get2), []string{get, get2}, "1 record kept in spite of a wrong length (at byte 0)"},
		{"length too short, not whole", withLength(3, "POST / HTTP/1.1\r\n") + rec(get2), []string{get2}, "1 damaged record skipped (at byte 0)"},
		{"length of 10^18, not whole", withLength(1e18, "POST / HTTP/1.1\r\n") + rec(get2), []string{get2}, "1 damaged record skipped (at byte 0)"},
		{"stale length, body with separator", withLength(3, post(forged)) + rec(get2), []string{"GET /evil HTTP/1.1\r\n\r\n", get2}, "1 damaged record skipped (at byte 0)"},

		{"torn in the header", rec(get) + "1 00", []string{get}, "1 torn at the end"},
		{"torn after the header", rec(get) + head, []string{get}, "1 torn at the end"},
		{"torn in the payload", rec(get) + old(get)[:len(head)+8], []string{get}, "1 torn at the end"},
		{"torn in the body", rec(get) + rec(post("0123456789"))[:100], []string{get}, "1 torn at the end"},
		{"torn in a body with forged records", rec(post(forged + forged + "x"))[:len(head)+len(post(forged+forged+"x"))-2], nil, "1 torn at the end"},
		{"torn in the separator", rec(get) + strings.TrimSuffix(rec(get2), Separator[5:]), []string{get, get2}, ""},
		{"torn in the separator, without length", old(get) + strings.TrimSuffix(old(get2), Separator[5:]), []string{get, get2}, ""},
		{"torn after the separator's first byte", old(get2)[:len(old(get2))-13], []string{get2}, ""},
		{"torn before the separator", rec(get) + head + get2, []string{get, get2}, ""},
		{"torn before the separator, with length", strings.TrimSuffix(rec(get2), Separator), []string{get2}, ""},
		{"torn before the separator, not whole", strings.TrimSuffix(rec("binary"), Separator), nil, "1 torn at the end"},
		{"torn at the end of a record with a wrong length", strings.TrimSuffix(withLength(900, get), Separator), []string{get}, "1 record kept in spite of a wrong length (at byte 0)"},
		{"torn in the separator and mended", rec(get)[:len(rec(get))-9] + Separator + rec(get2), []string{get, get2}, ""},
		{"torn after the separator's first byte and mended", rec(get)[:len(rec(get))-13] + Separator + rec(get2), []string{get, get2}, ""},
		{"torn before the separator's last byte and mended", rec(get)[:len(rec(get))-1] + Separator + rec(get2), []string{get, get2}, ""},
		{"mended, body with separator", strings.TrimSuffix(rec(post(forged)), Separator[5:]) + Separator + rec(get2), []string{post(forged), get2}, ""},
		{"torn in the body and mended", rec(post("0123456789"))[:100] + Separator + rec(get2), []string{get2}, "1 damaged record skipped (at byte 0)"},
		{"torn in the header and mended", "1 00" + Separator + rec(get2), []string{get2}, "1 damaged record skipped (at byte 0)"},

		{"too large, with a length", rec(get) + rec(post(strings.Repeat("x", 2000))) + rec(get2), []string{get, get2}, "1 record larger than the limit skipped (at byte 96)"},
		{"too large, without", rec(get) + old(post(strings.Repeat("x", 2000))) + rec(get2), []string{get, get2}, "1 record larger than the limit skipped (at byte 96)"},
		{"too large, with forged records", rec(post(strings.Repeat(forged, 100))) + rec(get2), []string{get2}, "1 record larger than the limit skipped (at byte 0)"},
		{"too large and wrong", withLength(3000, strings.Repeat("x", 2000)) + strings.Repeat(rec(get), 20) + rec(get2), append(repeat(get, 9), get2), "1 damaged record skipped (at byte 3057), 1 record larger than the limit skipped (at byte 0)"},
		{"too large and torn", withLength(3000, strings.Repeat("x", 2000)), nil, "1 record larger than the limit skipped (at byte 0)"},
		{"too large, without, and torn", head + strings.Repeat("x", 2000), nil, "1 record larger than the limit skipped (at byte 0)"},
	}
	for _, tt := range tests {
		for _, most := range []int{1 << 20, 40, 1} {
			t.Run(tt.name, func(t *testing.T) {
				r := textReader(inPieces([]byte(tt.data), most), 1000)
				messages := drain(t, r)
				equal(t, bodies(t, messages), tt.want)
				if got := r.Damage().String(); got != tt.damage {
					t.Errorf("damage: got %q, want %q", got, tt.damage)
				}
				if got := r.win.off; got != int64(len(tt.data)) {
					t.Errorf("offset: got %d, want %d", got, len(tt.data))
				}
				for _, m := range messages {
					if fields := strings.Count(m[:strings.IndexByte(m, '\n')], " ") + 1; fields != 4 {
						t.Errorf("%d fields in %q, want 4", fields, m)
					}
				}
			})
		}
	}
}

func repeat(s string, n int) []string {
	var all []string
	for range n {
		all = append(all, s)
	}
	return all
}

func TestReaderHeader(t *testing.T) {
	tests := []struct {
		name string
		data string
		want []string
	}{
		{"length is taken away", "1 ab 1400000000000000000 5 1\nx" + Separator, []string{"1 ab 1400000000000000000 5\nx"}},
		{"unknown duration is added", "1 ab 1400000000000000000\nx" + Separator, []string{"1 ab 1400000000000000000 -1\nx"}},
		{"0.15 is swapped", "3 ab 5 1400000000000000000\nx" + Separator, []string{"3 ab 1400000000000000000 5\nx"}},
		{"0.10 gets the time of the record before",
			"1 ab 1400000000000000000\nx" + Separator + "2 ab 2532\ny" + Separator + "3 ab 9\nz" + Separator,
			[]string{"1 ab 1400000000000000000 -1\nx", "2 ab 1400000000000000000 2532\ny", "3 ab 1400000000000000000 9\nz"}},
		{"0.10 without a record before", "2 ab 2532\ny" + Separator, []string{"2 ab 0 2532\ny"}},
		{"other numbers stay as they are written", "1 ab 0007 -5\nx" + Separator, []string{"1 ab 0007 -5\nx"}},
	}
	for _, tt := range tests {
		for _, most := range []int{1 << 20, 1} {
			t.Run(tt.name, func(t *testing.T) {
				equal(t, drain(t, textReader(inPieces([]byte(tt.data), most), 0)), tt.want)
			})
		}
	}
}

func TestReaderLimitIsOfTheMessage(t *testing.T) {
	for _, data := range []string{rec(get), old(get)} {
		want := len(head) + len(get)
		r := textReader(strings.NewReader(data), want)
		equal(t, bodies(t, drain(t, r)), []string{get})
		r = textReader(strings.NewReader(data), want-1)
		equal(t, drain(t, r), nil)
		if r.Damage().TooLarge != 1 {
			t.Fatalf("damage: %+v", r.Damage())
		}
	}
	r := textReader(strings.NewReader(rec(get)+old(get)), 1)
	equal(t, drain(t, r), nil)
	if r.Damage().TooLarge != 2 {
		t.Fatalf("damage: %+v", r.Damage())
	}
}

// A record must come as soon as its separator is there, with no byte after it.
func TestReaderNeverWaitsForMore(t *testing.T) {
	for name, data := range map[string]string{"with length": rec(post("abc")), "without": old(post("abc"))} {
		t.Run(name, func(t *testing.T) {
			here, there := net.Pipe()
			defer here.Close()
			defer there.Close()
			r := textReader(here, 0)
			for range 3 {
				sent := make(chan error, 1)
				go func() {
					for _, c := range []byte(data) {
						if _, err := there.Write([]byte{c}); err != nil {
							sent <- err
							return
						}
					}
					sent <- nil
				}()
				_ = here.SetReadDeadline(time.Now().Add(time.Minute))
				msg, err := r.Next()
				if err != nil || string(msg) != head+post("abc") {
					t.Fatalf("got %q, %v", msg, err)
				}
				if err := <-sent; err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func TestReaderGoesOnAfterDeadline(t *testing.T) {
	data := rec(post(strings.Repeat("x", 3000))) + "broken\n" + Separator + rec(get) + old(get2) + head + get
	r := textReader(&hesitant{data: []byte(data)}, 1000)
	var got []string
	for deadlines := 0; ; {
		msg, err := r.Next()
		if err == io.EOF {
			if deadlines < len(data) {
				t.Fatalf("%d deadlines, want %d", deadlines, len(data))
			}
			break
		}
		if err == os.ErrDeadlineExceeded {
			deadlines++
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(msg))
	}
	equal(t, bodies(t, got), []string{get, get2, get})
	if got, want := r.Damage().String(), "1 damaged record skipped (at byte 3113), 1 record larger than the limit skipped (at byte 0)"; got != want {
		t.Fatalf("damage: got %q, want %q", got, want)
	}
}

// hesitant passes its deadline before each byte.
type hesitant struct {
	data []byte
	calm bool
}

func (h *hesitant) Read(b []byte) (int, error) {
	if h.calm = !h.calm; h.calm {
		return 0, os.ErrDeadlineExceeded
	}
	if len(h.data) == 0 {
		return 0, io.EOF
	}
	n := copy(b[:1], h.data)
	h.data = h.data[n:]
	return n, nil
}

func TestReaderError(t *testing.T) {
	r := textReader(&failing{strings.NewReader(rec(get) + head + "GET /"), errBroken}, 0)
	if msg, err := r.Next(); err != nil || string(msg) != head+get {
		t.Fatalf("got %q, %v", msg, err)
	}
	for range 2 {
		if msg, err := r.Next(); err != errBroken {
			t.Fatalf("got %q, %v, want the source's error", msg, err)
		}
	}
	if got, want := r.Damage().String(), "1 torn at the end"; got != want {
		t.Fatalf("damage: got %q, want %q", got, want)
	}
	if _, err := textReader(nothing{}, 0).Next(); err != io.ErrNoProgress {
		t.Fatalf("got %v, want io.ErrNoProgress", err)
	}
	if _, err := textReader(liar{}, 0).Next(); err != errNegativeCount {
		t.Fatalf("got %v, want %v", err, errNegativeCount)
	}
}

type nothing struct{}

func (nothing) Read([]byte) (int, error) { return 0, nil }

type liar struct{}

func (liar) Read([]byte) (int, error) { return -1, nil }

func TestReaderMemory(t *testing.T) {
	const limit = 1 << 20
	zeros := func(n int64) io.Reader { return io.LimitReader(zero{}, n) }
	tests := []struct {
		name string
		data io.Reader
		most int // bytes of the buffer
	}{
		{"huge claim, small file", strings.NewReader(withLength(1e18, "x")), bufferSize},
		{"claim at the limit, small file", strings.NewReader(withLength(limit-100, "x")), bufferSize},
		{"huge record with a length", io.MultiReader(strings.NewReader("1 a 1 1 16777216\n"), zeros(1<<24), strings.NewReader(Separator)), 2 * limit},
		{"huge record without", io.MultiReader(strings.NewReader("1 a 1 1\n"), zeros(1<<24), strings.NewReader(Separator)), 2 * limit},
		{"no line end", zeros(1 << 24), bufferSize},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			most := 0
			r := textReader(tt.data, limit)
			for {
				_, err := r.step()
				most = max(most, len(r.win.buf))
				if err == io.EOF {
					break
				}
			}
			if most > tt.most {
				t.Fatalf("buffer of %d bytes, want at most %d", most, tt.most)
			}
		})
	}
}

func TestReaderGivesBufferBack(t *testing.T) {
	small := bytes.Repeat([]byte(rec(get)), 2000)
	r := textReader(io.MultiReader(strings.NewReader(rec(strings.Repeat("x", 1<<20))), bytes.NewReader(small)), 0)
	if _, err := r.Next(); err != nil || len(r.win.buf) <= 1<<20 {
		t.Fatalf("buffer of %d bytes, %v", len(r.win.buf), err)
	}
	if got := len(drain(t, r)); got != 2000 {
		t.Fatalf("%d records, want 2000", got)
	}
	if got := len(r.win.buf); got != bufferSize {
		t.Fatalf("buffer of %d bytes, want %d", got, bufferSize)
	}
}

type zero struct{}

func (zero) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

// textReader reads the records in r, none larger than limit bytes.
func textReader(r io.Reader, limit int) *Reader {
	limit = clampLimit(limit)
	return newReader(newWindow(r, windowFor(limit)), limit)
}
