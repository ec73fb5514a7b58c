package payload

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

func gz(t testing.TB, data string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// flushed is gz whose compressor is flushed after each part, as Gor does every second.
func flushed(t testing.TB, parts ...string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	for _, p := range parts {
		if _, err := io.WriteString(w, p); err != nil {
			t.Fatal(err)
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

func zst(t testing.TB, data string, options ...zstd.EOption) string {
	t.Helper()
	w, err := zstd.NewWriter(nil, options...)
	if err != nil {
		t.Fatal(err)
	}
	return string(w.EncodeAll([]byte(data), nil))
}

// stored is a gzip member of one stored block, which is easy to damage in a known place.
func stored(t testing.TB, data string) string {
	t.Helper()
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.NoCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestOpen(t *testing.T) {
	many := strings.Repeat(rec(get), 2000)
	noise := rec(post(hard(60000)))
	cut := func(s string, n int) string { return s[:len(s)-n] }
	flip := func(s string, at int) string { return s[:at] + string(s[at]^0x04) + s[at+1:] }
	const skippable = "\x5A\x2A\x4D\x18\x04\x00\x00\x00abcd"
	tests := []struct {
		name   string
		data   string
		format string
		want   []string
		damage string
	}{
		{"empty", "", "text", nil, ""},
		{"one byte", "1", "text", nil, "1 torn at the end"},
		{"text", rec(get) + old(get2), "text", []string{get, get2}, ""},
		{"gob", string(twoGobs(t)), "gob", []string{gobGet, gobGet2}, ""},
		{"gzip", gz(t, rec(get)+old(get2)), "gzip text", []string{get, get2}, ""},
		{"gzip, empty", gz(t, ""), "gzip text", nil, ""},
		{"gzip, two members", gz(t, rec(get)) + gz(t, rec(get2)), "gzip text", []string{get, get2}, ""},
		{"gzip, record over two members", gz(t, rec(get)[:50]) + gz(t, rec(get)[50:]+rec(get2)), "gzip text", []string{get, get2}, ""},
		{"gzip, many empty members", strings.Repeat(gz(t, ""), 100) + gz(t, rec(get2)), "gzip text", []string{get2}, ""},
		{"gzip, gob", gz(t, string(twoGobs(t))), "gzip gob", []string{gobGet, gobGet2}, ""},
		{"gzip, cut in the trailer", cut(gz(t, rec(get)+rec(get2)), 3), "gzip text", []string{get, get2}, "1 torn at the end"},
		{"gzip, cut after a flush", flushed(t, rec(get), rec(get2)), "gzip text", []string{get, get2}, "1 torn at the end"},
		{"gzip, cut in a record", cut(stored(t, rec(get)+rec(get2)), 30), "gzip text", []string{get}, "1 torn at the end"},
		{"gzip, cut in the head", gz(t, rec(get))[:7], "gzip text", nil, "1 torn at the end"},
		{"gzip, cut, then a member", cut(stored(t, rec(get)+rec(get2)), 30) + gz(t, rec(get2)), "gzip text", []string{get, get2}, "1 damaged record skipped (at byte 96)"},
		{"gzip, cut after a flush, then two members", flushed(t, rec(get)) + gz(t, rec(get2)) + gz(t, rec(get)), "gzip text", []string{get, get2, get}, "1 damaged record skipped (at byte 96)"},
		{"gzip, cut in the head, then a member", gz(t, rec(get))[:7] + gz(t, rec(get2)), "gzip text", []string{get2}, "1 damaged record skipped (at byte 0)"},
		{"gzip, third member cut, then another", gz(t, rec(get)) + gz(t, rec(get2)) + cut(stored(t, rec(get)+rec(get2)), 30) + gz(t, rec(get2)), "gzip text", []string{get, get2, get, get2}, "1 damaged record skipped (at byte 289)"},
		{"gzip, two members cut", cut(stored(t, rec(get)+rec(get2)), 30) + cut(stored(t, rec(get)+rec(get2)), 30) + gz(t, rec(get2)), "gzip text", []string{get, get2}, "1 damaged record skipped (at byte 96)"},
		{"gzip, third member cut", gz(t, rec(get)) + gz(t, rec(get2)) + cut(gz(t, noise), 100), "gzip text", []string{get, get2}, "1 torn at the end"},
		{"gzip, cut in an upload of forged records", cut(stored(t, rec(get)+rec(post(stored(t, rec(get2))+noise))), 100), "gzip text", []string{get}, "1 torn at the end"},
		{"gzip, cut in an upload of forged records, then a member", cut(stored(t, rec(get)+rec(post(stored(t, rec(get2))+noise))), 100) + gz(t, rec(get)), "gzip text", []string{get, get}, "3 damaged records skipped (first at byte 96)"},
		{"gzip, many beginnings", cut(stored(t, rec(get)+strings.Repeat(gzipMagic+"\x00", 5000)), 100) + gz(t, rec(get)), "gzip text", []string{get}, "2 damaged records skipped (first at byte 96)"},
		{"gzip, wrong checksum", flip(gz(t, rec(get)), len(gz(t, rec(get)))-6) + gz(t, rec(get2)), "gzip text", []string{get, get2}, "1 damaged record skipped (at byte 96)"},
		{"gzip, garbage after it", gz(t, rec(get)) + "garbage and more of it", "gzip text", []string{get}, "1 damaged record skipped (at byte 96)"},
		{"gzip, garbage in between", gz(t, rec(get)) + strings.Repeat("garbage", 1000) + gz(t, rec(get2)), "gzip text", []string{get, get2}, "1 damaged record skipped (at byte 96)"},
		{"gzip, torn text", gz(t, rec(get)+"1 00"), "gzip text", []string{get}, "1 torn at the end"},
		{"zstd", zst(t, rec(get)+old(get2)), "zstd text", []string{get, get2}, ""},
		{"zstd, empty frame", zst(t, "", zstd.WithZeroFrames(true)), "zstd text", nil, ""},
		{"zstd, two frames", zst(t, rec(get)) + zst(t, rec(get2)), "zstd text", []string{get, get2}, ""},
		{"zstd, skippable frames", skippable + zst(t, rec(get)) + skippable + zst(t, rec(get2)) + skippable, "zstd text", []string{get, get2}, ""},
		{"zstd, gob", zst(t, string(twoGobs(t))), "zstd gob", []string{gobGet, gobGet2}, ""},
		{"zstd, second frame cut", zst(t, rec(get)) + cut(zst(t, rec(get2)), 3), "zstd text", []string{get}, "1 torn at the end"},
		{"zstd, frame cut in the middle", zst(t, rec(get)) + cut(zst(t, noise), 500) + zst(t, rec(get2)), "zstd text", []string{get, get2}, "1 damaged record skipped (at byte 96)"},
		{"zstd, third frame cut, then another", zst(t, rec(get)) + zst(t, rec(get2)) + cut(zst(t, noise), 500) + zst(t, rec(get2)), "zstd text", []string{get, get2, get2}, "1 damaged record skipped (at byte 193)"},
		{"zstd, cut in a skippable frame", zst(t, rec(get)) + cut(skippable, 2), "zstd text", []string{get}, "1 torn at the end"},
		{"zstd, cut in the magic", zst(t, rec(get)) + zst(t, rec(get2))[:3], "zstd text", []string{get}, "1 torn at the end"},
		{"zstd, run of one byte", zst(t, rec(post(strings.Repeat("a", 500000)))) + zst(t, rec(get)), "zstd text", []string{post(strings.Repeat("a", 500000)), get}, ""},
		{"zstd, without checksum", zst(t, rec(get), zstd.WithEncoderCRC(false)) + zst(t, rec(get2), zstd.WithSingleSegment(true)), "zstd text", []string{get, get2}, ""},
		{"zstd, garbage after it", zst(t, rec(get)) + "garbage", "zstd text", []string{get}, "1 damaged record skipped (at byte 96)"},
		{"zstd, many records", zst(t, many) + zst(t, rec(get2)), "zstd text", append(repeat(get, 2000), get2), ""},
	}
	for _, tt := range tests {
		for _, most := range []int{1 << 20, 1} {
			t.Run(tt.name, func(t *testing.T) {
				s, err := Open(inPieces([]byte(tt.data), most), "x.gor", 0)
				if err != nil {
					t.Fatal(err)
				}
				if s.Format() != tt.format {
					t.Errorf("format: got %q, want %q", s.Format(), tt.format)
				}
				equal(t, bodies(t, drain(t, s)), tt.want)
				if got := s.Damage().String(); got != tt.damage {
					t.Errorf("damage: got %q, want %q", got, tt.damage)
				}
			})
		}
	}
}

// hard returns n bytes that do not compress well and hold no separator.
func hard(n int) string {
	b := make([]byte, n)
	x := uint32(1)
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = byte(x>>24)&0x7F | 0x01
	}
	return string(b)
}

// A torn tail loses the record that it tears and no other, wherever the cut lies.
func TestOpenCutAnywhere(t *testing.T) {
	var parts []string
	for i := range 12 {
		parts = append(parts, rec(post(hard(i*13))))
	}
	whole := strings.Join(parts, "")
	for name, compress := range map[string]func(testing.TB, string) string{
		"text":    func(_ testing.TB, s string) string { return s },
		"flushed": func(t testing.TB, s string) string { return flushed(t, parts...) },
		"gzip":    gz,
	} {
		t.Run(name, func(t *testing.T) {
			data := compress(t, whole)
			last := 0
			for n := range len(data) {
				s, err := Open(strings.NewReader(data[:n]), name, 0)
				if err != nil {
					t.Fatal(err)
				}
				got := drain(t, s)
				for i, m := range got {
					if want := parts[i]; string(AppendRecord(nil, []byte(m))) != want {
						t.Fatalf("cut to %d: record %d: got %q, want %q", n, i, m, want)
					}
				}
				if len(got) < last {
					t.Fatalf("cut to %d: %d records, %d with a byte less", n, len(got), last)
				}
				last = len(got)
				if d := s.Damage(); d.Torn > 1 || d.Damaged+d.TooLarge+d.Stale != 0 {
					t.Fatalf("cut to %d: damage %+v", n, d)
				}
			}
			if last < len(parts)-1 {
				t.Fatalf("%d records at the last cut", last)
			}
		})
	}
}

// Members that are larger than the tape: what breaks in one costs no record of the others, and none comes
// twice.
func TestOpenBrokenLargeMembers(t *testing.T) {
	noise := hard(3 << 20)
	member := func(n int) (text string, want []string) {
		for i := range 100 {
			at := (n*100 + i) * 10000
			want = append(want, post(noise[at:at+10000]))
			text += rec(want[i])
		}
		return text, want
	}
	for name, pack := range map[string]func(testing.TB, string) string{
		"gzip": gz,
		"zstd": func(t testing.TB, s string) string { return zst(t, s) },
	} {
		for _, tt := range []struct {
			name  string
			spoil func(string) string
		}{
			{"cut", func(s string) string { return s[:len(s)/2] }},
			{"zeros", func(s string) string { return s[:len(s)/2] + strings.Repeat("\x00", 50000) + s[len(s)/2+50000:] }},
			{"lost beginning", func(s string) string { return s[len(s)/2:] }},
		} {
			t.Run(name+", "+tt.name, func(t *testing.T) {
				var data string
				var want [3][]string
				for n := range 3 {
					var text string
					text, want[n] = member(n)
					packed := pack(t, text)
					if n == 1 {
						packed = tt.spoil(packed)
					}
					data += packed
				}
				s, err := Open(strings.NewReader(data), name, 0)
				if err != nil {
					t.Fatal(err)
				}
				got := bodies(t, drain(t, s))
				if len(got) < 200 {
					t.Fatalf("%d records, want at least the 200 of the whole members", len(got))
				}
				equal(t, got[:100], want[0])
				equal(t, got[len(got)-100:], want[2])
				middle := got[100 : len(got)-100]
				if tt.name != "zeros" { // behind them deflate finds its feet again
					equal(t, middle, want[1][:len(middle)])
				}
				if d := s.Damage(); d.Damaged == 0 || d.Torn != 0 {
					t.Fatalf("damage %+v", d)
				}
			})
		}
	}
}

func TestOpenError(t *testing.T) {
	const name = "some file.gor"
	for kind, data := range map[string]string{"text": old(get), "gzip": gz(t, rec(get)), "zstd": zst(t, rec(get))} {
		t.Run(kind, func(t *testing.T) {
			_, err := Open(&failing{strings.NewReader(data[:2]), errBroken}, name, 0)
			if !errors.Is(err, errBroken) || !strings.Contains(err.Error(), name) {
				t.Fatalf("got %v, want %v with the name", err, errBroken)
			}
			// Behind the first bytes the error may come with Open or with Next, and stays.
			s, err := Open(&failing{strings.NewReader(data[:len(data)-3]), errBroken}, name, 0)
			for err == nil {
				_, err = s.Next()
			}
			if !errors.Is(err, errBroken) {
				t.Fatalf("got %v, want %v", err, errBroken)
			}
			if s != nil {
				if _, again := s.Next(); !errors.Is(again, errBroken) {
					t.Fatalf("the second time: got %v, want %v", again, errBroken)
				}
			}
		})
	}
}

func TestOpenZstdWindow(t *testing.T) {
	for _, tt := range []struct {
		name   string
		window int
		ok     bool
	}{
		{"8 MiB", 8 << 20, true},
		{"64 MiB", 64 << 20, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var b bytes.Buffer
			w, err := zstd.NewWriter(&b, zstd.WithWindowSize(tt.window), zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true))
			if err != nil {
				t.Fatal(err)
			}
			for range 2 { // not closed at once, so that the frame has a window descriptor
				_, _ = io.WriteString(w, rec(get))
				_ = w.Flush()
			}
			_ = w.Close()
			s, err := Open(&b, "x.zst", 0)
			if err == nil {
				_, err = s.Next()
			}
			if tt.ok != (err == nil) {
				t.Fatalf("got %v", err)
			}
			if again, _ := s.Next(); !tt.ok && again != nil {
				t.Fatalf("got %q after the error", again)
			}
			if !tt.ok && !strings.Contains(err.Error(), "zstd -d") {
				t.Fatalf("got %v, want a hint", err)
			}
		})
	}
}

// A gigabyte of zeros in a few megabytes must cost no memory and end.
func TestOpenBomb(t *testing.T) {
	if testing.Short() {
		t.Skip("decompresses 256 MiB")
	}
	var b bytes.Buffer
	w, err := zstd.NewWriter(&b, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(w, zero{}, 256<<20); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := Open(&b, "bomb.zst", 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, drain(t, s), nil)
	if got, want := s.Damage().Skipped, int64(256<<20); got != want {
		t.Fatalf("skipped %d bytes, want %d", got, want)
	}
	if got := len(s.(*archive).dec.tape.buf); got != tapeHistory+tapeRead {
		t.Fatalf("tape of %d bytes", got)
	}
}

func TestOpenReal(t *testing.T) {
	// The order of these bytes is that of GoReplay 1.3: no length, 24 digits, a header with four fields.
	const recorded = "1 d7123dasd913jfd21312dasd 1400000000000000000 0\nGET / HTTP/1.1\r\n\r\n\n🐵🙈🙉\n" +
		"2 d7123dasd913jfd21312dasd 1400000000001000000 12345\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n\n🐵🙈🙉\n"
	s, err := Open(strings.NewReader(recorded), "x.gor", 0)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Split(strings.TrimSuffix(recorded, Separator), Separator)
	equal(t, drain(t, s), want)
}
