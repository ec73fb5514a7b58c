package payload

import (
	"bytes"
	"io"
	"strings"
	"testing"
)

// endless repeats its records.
type endless struct {
	data []byte
	at   int
}

func (e *endless) Read(b []byte) (int, error) {
	if e.at == len(e.data) {
		e.at = 0
	}
	n := copy(b, e.data[e.at:])
	e.at += n
	return n, nil
}

// records returns a megabyte or more of records of size bytes, and the last of them.
func records(size int, write func(dst, msg []byte) []byte) (data, msg []byte) {
	msg = []byte(head + post(strings.Repeat("x", size)))
	msg = msg[:size]
	for len(data) < 1<<20 {
		data = write(data, msg)
	}
	return data, msg
}

var sizes = []struct {
	name string
	size int
}{
	{"1kB", 1000},
	{"64kB", 64000},
}

func BenchmarkReader(b *testing.B) {
	for _, format := range []struct {
		name  string
		write func(dst, msg []byte) []byte
	}{
		{"length", AppendRecord},
		{"separator", AppendOldRecord},
	} {
		for _, s := range sizes {
			b.Run(format.name+"/"+s.name, func(b *testing.B) {
				data, _ := records(s.size, format.write)
				r := textReader(&endless{data: data}, 0)
				b.SetBytes(int64(s.size))
				b.ReportAllocs()
				for b.Loop() {
					if _, err := r.Next(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	for _, s := range sizes {
		b.Run(s.name, func(b *testing.B) {
			_, msg := records(s.size, AppendRecord)
			// As output_file does it: through 64 KiB of buffer.
			buf := make([]byte, 0, 128<<10)
			b.SetBytes(int64(s.size))
			b.ReportAllocs()
			for b.Loop() {
				if buf = AppendRecord(buf, msg); len(buf) >= 64<<10 {
					buf = buf[:0]
				}
			}
		})
	}
}

func BenchmarkGob(b *testing.B) {
	for _, s := range sizes {
		b.Run(s.name, func(b *testing.B) {
			request := RawRequest{gobTime1, bytes.Repeat([]byte("x"), s.size)}
			one := gobOf(b, request)
			g := newGobReader(newWindow(&endless{data: one[50:]}, windowFor(1<<20)), 1<<20)
			b.SetBytes(int64(s.size))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := g.Next(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	data, _ := records(1000, func(dst, msg []byte) []byte {
		return AppendRecord(dst, append(msg[:len(msg)-500:len(msg)-500], hard(500)...))
	})
	for name, packed := range map[string]string{"gzip": gz(b, string(data)), "zstd": zst(b, string(data))} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				s, err := Open(strings.NewReader(packed), name, 0)
				if err != nil {
					b.Fatal(err)
				}
				for err == nil {
					_, err = s.Next()
				}
				if err != io.EOF {
					b.Fatal(err)
				}
			}
		})
	}
}

func TestReadersAllocateNothing(t *testing.T) {
	for _, s := range sizes {
		withLength, msg := records(s.size, AppendRecord)
		without, _ := records(s.size, AppendOldRecord)
		gobs := gobOf(t, RawRequest{gobTime1, msg})[50:]
		for name, src := range map[string]Source{
			"length":    textReader(&endless{data: withLength}, 0),
			"separator": textReader(&endless{data: without}, 0),
			"gob":       newGobReader(newWindow(&endless{data: gobs}, windowFor(1<<20)), 1<<20),
		} {
			next := func() {
				if _, err := src.Next(); err != nil {
					t.Fatal(err)
				}
			}
			for range 200 {
				next()
			}
			if n := testing.AllocsPerRun(500, next); n != 0 {
				t.Errorf("%s, %s: %v allocations a record", name, s.name, n)
			}
		}
	}
}
