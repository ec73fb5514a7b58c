package payload

import (
	"bytes"
	"encoding/gob"
	"encoding/hex"
	"io"
	"strings"
	"testing"
)

// RawRequest is what Gor 0.8 to 0.9.8 encoded. gob writes the name.
type RawRequest struct {
	Timestamp int64
	Request   []byte
}

const (
	gobTime1 = 1400000000000000000
	gobTime2 = 1400000000500000000
	gobGet   = "GET / HTTP/1.1\r\n\r\n"
	gobGet2  = "GET /2 HTTP/1.1\r\n\r\n"
)

// gobOf encodes as Gor 0.9 did.
func gobOf(t testing.TB, requests ...RawRequest) []byte {
	t.Helper()
	var b bytes.Buffer
	e := gob.NewEncoder(&b)
	for _, r := range requests {
		if err := e.Encode(r); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

// oldGobOf is gobOf as Go before 1.22 encoded it, with the type id 65.
func oldGobOf(t testing.TB, requests ...RawRequest) []byte {
	b := gobOf(t, requests...)
	definition := "\x32\xFF\x81" + string(b[2:17]) + "\xFF\x82" + string(b[19:50]) // the size counts the id's second byte
	return []byte(definition + strings.ReplaceAll(string(b[50:]), "\xFF\x80", "\xFF\x82"))
}

func twoGobs(t testing.TB) []byte {
	return gobOf(t, RawRequest{gobTime1, []byte(gobGet)}, RawRequest{gobTime2, []byte(gobGet2)})
}

// withoutIDs replaces the ids, which are random, and checks that they count from n.
func withoutIDs(t testing.TB, messages []string) []string {
	t.Helper()
	var got []string
	for i, msg := range messages {
		m, body, err := Split([]byte(msg))
		if err != nil || len(m.ID) != idDigits {
			t.Fatalf("Split(%q): %v", msg, err)
		}
		first, _, _ := Split([]byte(messages[0]))
		if want := AppendID(nil, 0, uint32(i)); !bytes.Equal(m.ID[connDigits:], want[connDigits:]) || !bytes.Equal(ConnPart(m.ID), ConnPart(first.ID)) {
			t.Fatalf("id %q of message %d, the first is %q", m.ID, i, first.ID)
		}
		m.ID = []byte("ID")
		got = append(got, string(AppendMeta(nil, m))+string(body))
	}
	return got
}

func TestGobVector(t *testing.T) {
	want, err := hex.DecodeString("317f0301010a" + hex.EncodeToString([]byte("RawRequest")))
	if err != nil {
		t.Fatal(err)
	}
	if got := twoGobs(t)[:16]; !bytes.Equal(got, want) {
		t.Fatalf("encoding/gob begins % x, want % x", got, want)
	}
}

// What Go before 1.22 wrote must be what encoding/gob still reads, or the other tests prove nothing.
func TestGobOldVector(t *testing.T) {
	d := gob.NewDecoder(bytes.NewReader(oldGobOf(t, RawRequest{gobTime1, []byte(gobGet)})))
	var got RawRequest
	if err := d.Decode(&got); err != nil || got.Timestamp != gobTime1 || string(got.Request) != gobGet {
		t.Fatalf("got %+v, %v", got, err)
	}
}

func TestGob(t *testing.T) {
	const (
		first  = "1 ID 1400000000000000000 -1\n" + gobGet
		second = "1 ID 1400000000500000000 -1\n" + gobGet2
	)
	two := string(twoGobs(t))
	large := strings.Repeat("x", 70000)
	flip := func(s string, at int) string {
		b := []byte(s)
		b[at] ^= 0x40
		return string(b)
	}
	value1 := strings.Index(two, "\xFF\x80\x01\xF8") - 1 // of the first value, its size
	tests := []struct {
		name   string
		data   string
		want   []string
		damage string
	}{
		{"two", two, []string{first, second}, ""},
		{"type id 65", string(oldGobOf(t, RawRequest{gobTime1, []byte(gobGet)}, RawRequest{gobTime2, []byte(gobGet2)})), []string{first, second}, ""},
		{"two parts", two + two, []string{first, second, first, second}, ""},
		{"three parts of different ids", two + string(oldGobOf(t, RawRequest{gobTime1, []byte(gobGet)})) + two, []string{first, second, first, first, second}, ""},
		{"definition alone", two[:50], nil, ""},
		{"zero time", string(gobOf(t, RawRequest{0, []byte("x")})), []string{"1 ID 0 -1\nx"}, ""},
		{"no request", string(gobOf(t, RawRequest{gobTime1, nil})), []string{"1 ID 1400000000000000000 -1\n"}, ""},
		{"nothing", string(gobOf(t, RawRequest{})), []string{"1 ID 0 -1\n"}, ""},
		{"negative time", string(gobOf(t, RawRequest{-5, []byte("x")})), []string{"1 ID -5 -1\nx"}, ""},
		{"sizes of one, two and three bytes", string(gobOf(t, RawRequest{gobTime1, []byte(large[:90])}, RawRequest{gobTime1, []byte(large[:300])}, RawRequest{gobTime1, []byte(large)})),
			[]string{"1 ID 1400000000000000000 -1\n" + large[:90], "1 ID 1400000000000000000 -1\n" + large[:300], "1 ID 1400000000000000000 -1\n" + large}, ""},
		{"too large", string(gobOf(t, RawRequest{gobTime1, []byte(gobGet)}, RawRequest{gobTime1, []byte(large + large)}, RawRequest{gobTime2, []byte(gobGet2)})),
			[]string{first, second}, "1 record larger than the limit skipped (at byte 84)"},
		{"torn in the definition", two[:30], nil, "1 torn at the end"},
		{"torn in the size", string(gobOf(t, RawRequest{gobTime1, []byte(large)}))[:51], nil, "1 torn at the end"},
		{"torn in a value", two[:len(two)-5], []string{first}, "1 torn at the end"},
		{"torn, then another part", two[:len(two)-5] + two, []string{first, first, second}, "1 damaged record skipped (at byte 84)"},
		{"damaged size", flip(two, value1) + two, []string{second, first, second}, "1 damaged record skipped (at byte 50)"},
		{"damaged id", flip(two, value1+1), []string{second}, "1 damaged record skipped (at byte 50)"},
		{"damaged count", flip(two, value1+13), []string{second}, "1 damaged record skipped (at byte 50)"},
		{"damaged end", flip(two, value1+0x21), []string{second}, "1 damaged record skipped (at byte 50)"},
		{"another type", two[:6] + "FooRequest" + two[16:], []string{first, second}, "1 damaged record skipped (at byte 0)"},
		{"zeros in between", two + strings.Repeat("\x00", 5000) + two, []string{first, second, first, second}, "1 damaged record skipped (at byte 119)"},
		{"not gob after all", "1\x7F" + strings.Repeat("y", 5000), nil, "1 damaged record skipped (at byte 0)"},
	}
	for _, tt := range tests {
		for _, most := range []int{1 << 20, 40, 1} {
			t.Run(tt.name, func(t *testing.T) {
				s, err := Open(inPieces([]byte(tt.data), most), "x.gor", 100000)
				if err != nil || s.Format() != "gob" {
					t.Fatalf("Open: %v, %v", s, err)
				}
				equal(t, withoutIDs(t, drain(t, s)), tt.want)
				if got := s.Damage().String(); got != tt.damage {
					t.Errorf("damage: got %q, want %q", got, tt.damage)
				}
			})
		}
	}
}

func TestGobMemory(t *testing.T) {
	// A value that claims a request of 512 MiB, and one that claims more than gob allows.
	for name, data := range map[string]string{
		"huge": "\xFC\x20\x00\x00\x14\xFF\x80\x01\xF8\x26\xDB\x99\x2A\x3B\x18\x00\x00\x01\xFC\x20\x00\x00\x00GET /",
		"more": "\xFC\x7F\xFF\xFF\xFF\xFF\x80\x01\xF8\x26\xDB\x99\x2A\x3B\x18\x00\x00\x01\xFC\x7F\xFF\xFF\x00GET /",
	} {
		t.Run(name, func(t *testing.T) {
			g := newGobReader(newWindow(io.MultiReader(strings.NewReader(data), io.LimitReader(zero{}, 1<<22)), windowFor(1<<20)), 1<<20)
			equal(t, drain(t, g), nil)
			if len(g.win.buf) > bufferSize {
				t.Fatalf("buffer of %d bytes", len(g.win.buf))
			}
			if !g.Damage().Any() {
				t.Fatal("nothing was counted")
			}
		})
	}
}

func TestGobAgainstEncodingGob(t *testing.T) {
	var requests []RawRequest
	for n := 0; n < 300; n++ {
		requests = append(requests, RawRequest{int64(n) * 0x1234567890AB * int64(n*n), []byte(strings.Repeat("z", n*7))})
	}
	s, err := Open(bytes.NewReader(gobOf(t, requests...)), "x.gor", 0)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range requests {
		msg, err := s.Next()
		if err != nil {
			t.Fatal(err)
		}
		m, body, err := Split(msg)
		if err != nil || m.Time != want.Timestamp || !bytes.Equal(body, want.Request) {
			t.Fatalf("request %d: got %+v, %q, %v, want %+v", i, m, body, err, want)
		}
	}
	if _, err := s.Next(); err != io.EOF {
		t.Fatalf("got %v, want io.EOF", err)
	}
}
