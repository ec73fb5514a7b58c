package rawsocket

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/buger/gor/raw_socket_listener/filter"
	"github.com/buger/gor/raw_socket_listener/packettest"
)

// A real server and real clients on loopback: every request and its response
// are captured as they were, and the ledger adds up.
func TestLiveLoopback(t *testing.T) {
	packettest.NeedRoot(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Name", r.URL.Path)
		_, _ = w.Write(body)
	}))
	defer server.Close()
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(server.URL, "http://"))
	addr, err := filter.ParseAddress("lo:" + port)
	if err != nil {
		t.Fatal(err)
	}
	l, err := Listen(Config{Address: addr, TrackResponse: true, RingBytes: 64 << 20, Logf: t.Logf}) // 80 MB in all, on a host that may be busy
	if err != nil {
		t.Fatal(err)
	}
	const clients, each = 8, 50
	var wg sync.WaitGroup
	for i := range clients {
		wg.Go(func() {
			client := &http.Client{Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			rnd := rand.New(rand.NewPCG(uint64(i), 5))
			for j := range each {
				body := io.Reader(bytes.NewReader(contentLikeMessages(rnd, rnd.IntN(200_000)>>rnd.IntN(12))))
				if j%3 == 0 {
					body = io.MultiReader(body) // of unknown length: chunked
				}
				resp, err := client.Post(fmt.Sprintf("%s/%d/%d", server.URL, i, j), "text/plain", body)
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
			}
		})
	}
	deadline := time.AfterFunc(60*time.Second, func() { _ = l.Close() })
	defer deadline.Stop()
	type id struct {
		conn    uint64
		ordinal uint32
	}
	requests := map[id]string{}
	responses := 0
	for responses < clients*each {
		m, err := l.Next()
		if err != nil {
			t.Fatalf("after %d responses: %v; %+v", responses, err, l.Stats())
		}
		at := id{m.Conn, m.Ordinal}
		if !m.Response {
			requests[at] = string(bytes.Fields(m.Data)[1])
			continue
		}
		responses++
		if !bytes.Contains(m.Data, []byte("\r\nX-Name: "+requests[at]+"\r\n")) {
			t.Errorf("the response to %q is %.200q", requests[at], m.Data)
		}
	}
	wg.Wait()
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	for {
		if _, err := l.Next(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	s := l.Stats()
	if len(requests) != clients*each || s.Requests != clients*each || s.LostSum() != 0 || s.Source.Dropped != 0 {
		t.Errorf("%d requests; the ledger: %v", len(requests), s.Rows())
	}
}

// contentLikeMessages is a body with what begins messages in it.
func contentLikeMessages(rnd *rand.Rand, n int) []byte {
	parts := []string{"GET /evil HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n", "0\r\n\r\n", "\n🐵🙈🙉\n", "\x00\x00\x00\x00", "zzzz"}
	var b []byte
	for len(b) < n {
		b = append(b, parts[rnd.IntN(len(parts))]...)
	}
	return b[:n]
}
