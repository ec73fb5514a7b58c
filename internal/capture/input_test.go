package capture

import (
	"bytes"
	"io"
	"net/netip"
	"path/filepath"
	"sync"
	"testing"

	"github.com/buger/gor/internal/ledger"
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/plugin"
	"github.com/buger/gor/internal/testkit"
	rawsocket "github.com/buger/gor/raw_socket_listener"
)

// A load balancer that speaks the PROXY protocol is not the client.
func TestClientBehindAProxy(t *testing.T) {
	m := rawsocket.Message{Src: netip.MustParseAddrPort("10.0.0.1:4000")}
	if got := clientOf(&m); got != m.Src.Addr() {
		t.Errorf("%s", got)
	}
	m.Client = netip.MustParseAddr("192.0.2.7")
	if got := clientOf(&m); got != m.Client {
		t.Errorf("%s, want %s", got, m.Client)
	}
}

// TestInput: an input gives each message of a capture file as one record, keeps it
// when the buffer is too small, and counts what it saw.
func TestInput(t *testing.T) {
	requests := testkit.NumberedRequests(5, "a.example")
	file := testkit.WriteFile(t, t.TempDir()+"/x.pcap", testkit.CaptureFile(t, testkit.TCPFrames(t, requests)))
	a, err := rawsocket.ParseFileAddress(file)
	testkit.Must(t, err)
	in, err := Listen(rawsocket.Config{Address: a}, "X-Real-IP")
	testkit.Must(t, err)
	defer in.Close()
	if in.Live() {
		t.Error("a file is live")
	}
	buf := make([]byte, 64<<10)
	for i, want := range requests {
		if n, err := in.Read(buf[:10]); n != 0 || err != io.ErrShortBuffer {
			t.Fatalf("Read into 10 bytes: %d, %v", n, err)
		}
		n, err := in.Read(buf)
		testkit.Must(t, err)
		meta, body, err := payload.Split(buf[:n])
		testkit.Must(t, err)
		if meta.Type != payload.Request || !bytes.Contains(body, []byte("\r\nX-Real-IP: ")) {
			t.Errorf("request %d: %+v %q", i, meta, body)
		}
		if got, _, _ := bytes.Cut(body, []byte("\r\n")); !bytes.HasPrefix(want, got) {
			t.Errorf("request %d begins %q, want %q", i, got, want[:len(got)])
		}
	}
	if _, err := in.Read(buf); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
	counts := map[string]uint64{}
	for _, row := range in.Counts() {
		counts[row.Name] = row.N
	}
	if counts["packets"] == 0 || counts["packets cut short"] != 0 || counts["requests without the client's address"] != 0 {
		t.Errorf("counts %v", counts)
	}
}

// TestWarnOf: of the servers that requests go to, those are named that the capture
// sees, and the others not.
func TestWarnOf(t *testing.T) {
	var mu sync.Mutex
	var said []string
	in := newInput(rawsocket.Config{Address: rawsocket.Address{Ports: []uint16{80}}, Logf: func(_ string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		said = append(said, args[0].(string))
	}}, nil, "")
	in.WarnOf([]plugin.Server{{Name: "output-x a", Address: "127.0.0.1:80"}, {Name: "output-x b", Address: "127.0.0.1:81"}, {Name: "output-x c", Address: "192.0.2.1:80"}})
	in.warning.Wait()
	if len(said) != 1 || said[0] != "output-x a" {
		t.Errorf("said %q", said)
	}
}

// TestEveryRowHasAMetric: a row that the capture gets has to get a name too,
// and no two rows the same series.
func TestEveryRowHasAMetric(t *testing.T) {
	file := testkit.WriteFile(t, filepath.Join(t.TempDir(), "x.pcap"), testkit.CaptureFile(t, nil))
	a, err := rawsocket.ParseFileAddress(file)
	testkit.Must(t, err)
	in, err := Listen(rawsocket.Config{Address: a}, "")
	testkit.Must(t, err)
	defer in.Close()
	seen, used := map[string]string{}, map[string]bool{}
	for _, row := range in.Counts() {
		name, reason, named := ledger.InputMetric(row)
		if !named {
			t.Errorf("the row %q has no metric in captureMetrics", row.Name)
		}
		if other := seen[name+reason]; other != "" {
			t.Errorf("the rows %q and %q are one series", row.Name, other)
		}
		seen[name+reason] = row.Name
		used[name] = true
	}
	for _, name := range ledger.CaptureMetrics() {
		if !used[name] {
			t.Errorf("no row has the metric %s", name)
		}
	}
}
