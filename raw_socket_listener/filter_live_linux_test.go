package rawsocket

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/buger/gor/internal/testkit"
	"github.com/buger/gor/raw_socket_listener/filter"
	"github.com/buger/gor/raw_socket_listener/packet"
	"github.com/buger/gor/raw_socket_listener/packettest"
)

// Real connections on loopback: those that match are captured whole, and the
// kernel keeps the others away.
func TestExpressionLive(t *testing.T) {
	packettest.NeedRoot(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }))
	defer server.Close()
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())

	// post sends a request from an address of the client's own.
	post := func(t *testing.T, from, path string) {
		local, err := net.ResolveTCPAddr("tcp", from)
		if err != nil {
			t.Fatal(err)
		}
		client := &http.Client{Timeout: time.Minute, Transport: &http.Transport{DialContext: (&net.Dialer{LocalAddr: local}).DialContext}}
		defer client.CloseIdleConnections()
		resp, err := client.Post(server.URL+path, "text/plain", strings.NewReader(strings.Repeat("x", 100_000)))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
	}

	for _, tt := range []struct {
		text  string
		rings int
		want  string // the clients whose requests are captured
	}{
		{"src host 127.0.0.2", 1, "/2"},
		{"not src host 127.0.0.2", 1, "/1 /3"},
		{"not src port OWN", 1, "/1 /2"},
		{"not port OWN and not host 127.0.0.1", 1, ""},
		{"src net 127.0.0.2/31", 1, "/2 /3"},
		{"src net 127.0.0.2/31", 2, "/2 /3"},
		{"tcp and ip[8] > 0 and len > 40", 1, "/1 /2 /3"},
		{"ip6", 1, ""},
	} {
		t.Run(tt.text, func(t *testing.T) {
			addr, err := filter.ParseAddress("lo:" + port)
			if err != nil {
				t.Fatal(err)
			}
			own := testkit.PortOf(t, testkit.FreePort(t))
			third := net.JoinHostPort("127.0.0.3", own)
			f, err := filter.ParseFilter(strings.ReplaceAll(tt.text, "OWN", own))
			if err != nil {
				t.Fatal(err)
			}
			l, err := Listen(Config{Address: addr, Filter: f, Rings: tt.rings, Logf: t.Logf})
			if err != nil {
				t.Fatal(err)
			}
			post(t, "127.0.0.1:0", "/1")
			post(t, "127.0.0.2:0", "/2")
			post(t, third, "/3")
			if err := l.Close(); err != nil {
				t.Error(err)
			}
			var paths []string
			for {
				m, err := l.Next()
				if errors.Is(err, io.EOF) {
					break
				} else if err != nil {
					t.Fatal(err)
				}
				paths = append(paths, strings.Fields(string(m.Data))[1])
				if !strings.HasSuffix(string(m.Data), strings.Repeat("x", 100_000)) {
					t.Errorf("%d bytes of a request", len(m.Data))
				}
			}
			slices.Sort(paths) // two rings have no common order
			if got := strings.Join(paths, " "); got != tt.want {
				t.Errorf("captured %q, want %q", got, tt.want)
			}
			s := l.Stats()
			if tt.want == "" && s.Source.Received > 0 {
				t.Errorf("the kernel let %d packets pass", s.Source.Received)
			}
			if s.LostSum() != 0 || s.Source.Ignored[packet.IgnoredOther] != 0 {
				t.Errorf("the ledger: %v", s.Rows())
			}
		})
	}
}
