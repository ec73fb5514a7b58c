package pcapout

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/buger/gor/internal/capture"
	"github.com/buger/gor/internal/payload"
)

const start = int64(1_760_104_536_000_000_123)

type sent struct {
	kind       byte
	conn       uint64
	ordinal    uint32
	time, took int64
	body       string
}

func (m sent) bytes() []byte {
	meta := payload.Meta{Type: m.kind, ID: payload.AppendID(nil, m.conn, m.ordinal), Time: m.time, Duration: m.took, Length: int64(len(m.body))}
	return append(payload.AppendMeta(nil, meta), m.body...)
}

func write(t *testing.T, list []sent) (file []byte, w *Writer) {
	t.Helper()
	var out bytes.Buffer
	w = NewWriter(&out)
	for _, m := range list {
		if err := w.Write(m.bytes()); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), w
}

// read gives what Gor's own capture sees, in lines by exchange.
func read(t *testing.T, file []byte) map[string]int {
	t.Helper()
	r, err := capture.Open(capture.Config{Address: "-", Stdin: bytes.NewReader(file), Logf: t.Logf})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	got := map[string]int{}
	requests := map[string]string{}
	for {
		msg, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		m, body, _ := payload.Split(msg)
		if m.Type == payload.Request {
			requests[string(m.ID)] = string(body)
		}
		got[line(m.Type, requests[string(m.ID)], m.Time, m.Duration, string(body))]++
	}
	for _, c := range r.Counts() {
		if c.N > 0 {
			t.Errorf("%d %s", c.N, c.Name)
		}
	}
	return got
}

func line(kind byte, request string, at, took int64, body string) string {
	return fmt.Sprintf("%c %d %d %q to %q", kind, at, max(took, 0), body, request)
}

func traffic() (list []sent) {
	big := strings.Repeat("0123456789", 3_000)
	for i := range 40 {
		conn, at := uint64(i%7)<<40+uint64(i%3), start+int64(i)*10_000_000
		n := uint32(i/7 + 1)
		switch i % 5 {
		case 0:
			list = append(list, sent{'1', conn, n, at, 0, fmt.Sprintf("GET /%d HTTP/1.1\r\nHost: a\r\n\r\n", i)},
				sent{'2', conn, n, at + 2_000_001, 1_000_003, "HTTP/1.1 200 OK\r\nContent-Length: 30000\r\n\r\n" + big})
		case 1:
			list = append(list, sent{'1', conn, n, at, 5_000_007, fmt.Sprintf("POST /%d HTTP/1.1\r\nHost: a\r\nContent-Length: 30000\r\n\r\n", i) + big},
				sent{'2', conn, n, at + 6_000_000, 500, "HTTP/1.1 204 No Content\r\n\r\n"})
		case 2:
			list = append(list, sent{'1', conn, n, at, 0, fmt.Sprintf("HEAD /%d HTTP/1.1\r\nHost: a\r\n\r\n", i)},
				sent{'2', conn, n, at + 1, 0, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"})
		case 3: // it ends with its connection
			list = append(list, sent{'1', conn, n, at, 0, fmt.Sprintf("GET /%d HTTP/1.0\r\n\r\n", i)},
				sent{'2', conn, n, at + 1000, 77, fmt.Sprintf("HTTP/1.0 200 OK\r\n\r\nbody %d", i)})
		case 4:
			list = append(list, sent{'1', conn, n, at, 0, fmt.Sprintf("GET /%d HTTP/1.1\r\nHost: a\r\n\r\n", i)},
				sent{'2', conn, n, at + 2000, 0, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"})
		}
	}
	return list
}

// What the capture reads of the file is what was written: bytes, times, durations,
// and which response is whose.
func TestReadBack(t *testing.T) {
	list := traffic()
	file, w := write(t, list)
	for _, c := range w.Counts() {
		if c.N > 0 {
			t.Errorf("%d %s", c.N, c.Name)
		}
	}
	want := map[string]int{}
	request := ""
	for _, m := range list {
		if m.kind == '1' {
			request = m.body
		}
		want[line(m.kind, request, m.time, m.took, m.body)]++
	}
	got := read(t, file)
	for l, n := range want {
		if got[l] != n {
			t.Errorf("%d times, want %d: %.150s", got[l], n, l)
		}
	}
	for l := range got {
		if want[l] == 0 {
			t.Errorf("not written: %.150s", l)
		}
	}
	again, _ := write(t, list)
	if !bytes.Equal(file, again) {
		t.Error("the same messages gave another file")
	}
}

// Requests alone stay in their connection; a response that comes out of order, or
// for nobody, is left out and counted, and what follows is right.
func TestOddOrders(t *testing.T) {
	get := func(i int) string { return fmt.Sprintf("GET /%d HTTP/1.1\r\nHost: a\r\n\r\n", i) }
	const ok = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
	var many []sent
	for i := range 1500 {
		many = append(many, sent{'1', 7, uint32(i), start + int64(i)*1000, 0, get(i)})
	}
	file, w := write(t, many)
	if got := read(t, file); len(got) != len(many) || len(w.open) != 1 {
		t.Errorf("%d messages on %d connections", len(got), len(w.open))
	}
	file, w = write(t, []sent{
		{'1', 1, 1, start, 0, get(1)}, {'1', 1, 2, start + 10000, 0, get(2)}, {'2', 1, 2, start + 20000, 0, ok}, {'2', 1, 1, start + 30000, 0, ok},
		{'1', 1, 3, start + 40000, 0, get(3)}, {'2', 1, 3, start + 50000, 0, ok}, {'3', 1, 3, start + 60000, 0, ok},
		{'1', 2, 1, start + 70000, 0, "POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc"},
	})
	got := read2(t, file)
	if len(got) != 4 || got[line('2', get(3), start+50000, 0, ok)] != 1 || w.swapped != 1 || w.orphans != 1 || w.replayed != 1 {
		t.Errorf("got %v, %+v", got, w.Counts())
	}
}

// read2 is read of a file with a message that is not whole.
func read2(t *testing.T, file []byte) map[string]int {
	t.Helper()
	r, err := capture.Open(capture.Config{Address: "-", Stdin: bytes.NewReader(file)})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	got, requests := map[string]int{}, map[string]string{}
	for msg, err := r.Next(); err == nil; msg, err = r.Next() {
		m, body, _ := payload.Split(msg)
		if m.Type == payload.Request {
			requests[string(m.ID)] = string(body)
		}
		got[line(m.Type, requests[string(m.ID)], m.Time, m.Duration, string(body))]++
	}
	return got
}

// tshark sees whole messages, right checksums, and nothing to complain of.
func TestTshark(t *testing.T) {
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		t.Skip("tshark is not installed")
	}
	list := traffic()
	file, _ := write(t, list)
	name := filepath.Join(t.TempDir(), "x.pcap")
	if err := os.WriteFile(name, file, 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) []string {
		out, err := exec.Command(tshark, append([]string{"-r", name, "-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE"}, args...)...).Output()
		if err != nil {
			t.Fatalf("%v: %v", args, err)
		}
		return strings.Fields(string(out))
	}
	if got := run("-Y", "http.request", "-T", "fields", "-e", "http.request.uri"); len(got) != len(list)/2 {
		t.Errorf("%d requests: %v", len(got), got)
	}
	if got := run("-Y", "http.response", "-T", "fields", "-e", "http.response.code"); len(got) != len(list)/2 {
		t.Errorf("%d responses: %v", len(got), got)
	}
	if got := run("-Y", "tcp.analysis.flags || tcp.checksum.status == Bad || ip.checksum.status == Bad || _ws.malformed"); len(got) > 0 {
		t.Errorf("complaints: %v", got)
	}
}
