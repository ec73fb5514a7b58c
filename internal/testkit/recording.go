package testkit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/buger/gor/internal/payload"
)

// MessageLimit is the largest message that Gor can be told to read
// (--copy-buffer-size), in bytes.
const MessageLimit = 1 << 30

// AwaitRecords waits until a growing text recording holds n records.
func AwaitRecords(t *testing.T, name string, n int) {
	t.Helper()
	Eventually(t, fmt.Sprintf("%d records in %s", n, name), func() bool {
		content, err := os.ReadFile(name)
		if err != nil {
			return false
		}
		r, err := payload.Open(bytes.NewReader(content), "", MessageLimit)
		Must(t, err)
		for range n {
			if _, err := r.Next(); err != nil {
				return false
			}
		}
		return true
	})
}

// Gzipped returns b as gzip writes it.
func Gzipped(t testing.TB, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, err := w.Write(b)
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// ZstdFrame returns b as one zstd frame.
func ZstdFrame(t testing.TB, b []byte) []byte {
	t.Helper()
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	Must(t, err)
	defer enc.Close()
	return enc.EncodeAll(b, nil)
}

// MixedRecording writes a recording of n requests and both kinds of responses, with bodies of any
// bytes; request i has the id i.
func MixedRecording(t *testing.T, n int) (file string, msgs [][]byte) {
	t.Helper()
	for i := range n {
		for kind := payload.Request; kind <= payload.ReplayResponse; kind++ {
			id := payload.AppendID(nil, 7, uint32(i))
			msg := payload.AppendMeta(nil, payload.Meta{Type: kind, ID: id, Time: int64(1e18) + int64(3*i) + int64(kind-'1'), Duration: 5, Length: -1})
			if kind == payload.Request {
				msg = fmt.Appendf(msg, "POST /%d HTTP/1.1\r\nHost: a\r\nContent-Length: 260\r\n\r\n", i)
			} else {
				msg = fmt.Appendf(msg, "HTTP/1.1 200 OK\r\nNumber: %d\r\nContent-Length: 260\r\n\r\n", i)
			}
			for b := range 256 {
				msg = append(msg, byte(b))
			}
			msg = append(msg, "\n🐵"[:4]...)
			msgs = append(msgs, msg)
		}
	}
	var recording []byte
	for _, msg := range msgs {
		recording = payload.AppendRecord(recording, msg)
	}
	return WriteFile(t, filepath.Join(t.TempDir(), "mixed.gor"), recording), msgs
}

// Contents returns what each file of a folder holds, by its path.
func Contents(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	for _, name := range FilesIn(t, dir) {
		content, err := os.ReadFile(filepath.Join(dir, name))
		Must(t, err)
		all[filepath.Join(dir, name)] = content
	}
	return all
}

// ReadBack returns the messages of a recording and its damage.
func ReadBack(t testing.TB, name string) ([][]byte, payload.Damage) {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	src, err := payload.Open(f, name, 0)
	if err != nil {
		t.Fatal(err)
	}
	var msgs [][]byte
	for {
		msg, err := src.Next()
		if err == io.EOF {
			return msgs, src.Damage()
		}
		if err != nil {
			t.Fatal(err)
		}
		msgs = append(msgs, bytes.Clone(msg))
	}
}

// FilesIn returns the names of what a folder holds.
func FilesIn(t testing.TB, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// ReadRecording returns the bodies of all messages of one type in a recording,
// and their headers. Damage is an error.
func ReadRecording(t *testing.T, name string, kind byte) (bodies [][]byte, metas []payload.Meta) {
	t.Helper()
	f, err := os.Open(name)
	Must(t, err)
	defer f.Close()
	src, err := payload.Open(f, name, MessageLimit)
	Must(t, err)
	for {
		msg, err := src.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		Must(t, err)
		meta, body, err := payload.Split(msg)
		Must(t, err)
		if meta.Type == kind {
			meta.ID, meta.Attributes = bytes.Clone(meta.ID), bytes.Clone(meta.Attributes)
			bodies, metas = append(bodies, bytes.Clone(body)), append(metas, meta)
		}
	}
	if d := src.Damage(); d.Any() {
		t.Errorf("%s: %s", name, d)
	}
	return bodies, metas
}

// WantSame compares two sets of requests, byte for byte and whatever their
// order, and says which are missing, doubled or altered.
func WantSame(t *testing.T, got, want [][]byte) {
	t.Helper()
	count := map[string]int{}
	for _, w := range want {
		count[string(w)]--
	}
	for _, g := range got {
		count[string(g)]++
	}
	wrong := 0
	for _, raw := range slices.Sorted(maps.Keys(count)) {
		n := count[raw]
		if n == 0 {
			continue
		}
		wrong++
		if wrong <= 5 {
			t.Errorf("%+d times: %d bytes: %.200q", n, len(raw), raw)
		}
	}
	if wrong > 0 || len(got) != len(want) {
		t.Errorf("%d requests differ; got %d, want %d", wrong, len(got), len(want))
	}
}

// Recording makes a recording of these requests; times are those after its
// start.
func Recording(requests [][]byte, times []time.Duration) []byte {
	const start = 1_700_000_000_000_000_000
	var out []byte
	for i, raw := range requests {
		msg := payload.AppendMeta(nil, payload.Meta{
			Type: payload.Request, ID: payload.AppendID(nil, uint64(i/10), uint32(i%10)),
			Time: start + int64(times[i]), Duration: 0, Length: -1,
		})
		out = payload.AppendRecord(out, append(msg, raw...))
	}
	return out
}

// WriteFile writes a file and returns its name.
func WriteFile(t testing.TB, name string, content []byte) string {
	t.Helper()
	Must(t, os.WriteFile(name, content, 0o600))
	return name
}

// InFile writes a file of that name into a folder of its own, and returns its path.
func InFile(t testing.TB, name string, content []byte) string {
	t.Helper()
	return WriteFile(t, filepath.Join(t.TempDir(), name), content)
}
