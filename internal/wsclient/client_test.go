package wsclient

import (
	"context"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/testkit"
)

func TestParse(t *testing.T) {
	for _, tt := range []struct{ addr, dial, url, shown, want string }{
		{addr: "ws://h", dial: "h:80", url: "ws://h", shown: "ws://h"},
		{addr: "ws://h:8080/a%20b?x=1", dial: "h:8080", url: "ws://h:8080/a%20b?x=1", shown: "ws://h:8080/a%20b"},
		{addr: "WSS://u:p@[::1]/", dial: "[::1]:443", url: "ws://[::1]/", shown: "wss://[::1]/"},
		{addr: "wss://h:28020/endpoint", dial: "h:28020", url: "ws://h:28020/endpoint", shown: "wss://h:28020/endpoint"},
		{addr: "", want: "the address is empty; want an address such as ws://"},
		{addr: "replay.local:28020/x", want: "write ws://replay.local:28020/x"},
		{addr: "http://h/x", want: "write ws://h/x"},
		{addr: "https://h/x", want: "write wss://h/x"},
		{addr: "tcp://h", want: "tcp is not a WebSocket scheme"},
		{addr: "ws://", want: "names no host"},
		{addr: "ws:///path", want: "names no host"},
		{addr: "ws://:80/", want: "names no host"},
		{addr: "ws://h/x#y", want: "write ws://h/x, with %23"},
		{addr: "ws://h:0", want: "0 is not a port"},
		{addr: "ws://h:http", want: "is not an address"},
		{addr: "ws://h:70000", want: "70000 is not a port"},
		{addr: "ws://h/a b", want: "space or control character"},
		{addr: "ws://hö", want: "xn--"},
	} {
		t.Run(tt.addr, func(t *testing.T) {
			target, err := Parse(tt.addr)
			if tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) || tt.want == "" && err != nil {
				t.Fatalf("%v, want %q", err, tt.want)
			}
			if err == nil && (target.dial != tt.dial || target.url != tt.url || target.shown != tt.shown) {
				t.Errorf("%+v", target)
			}
		})
	}
}

// message is a record of n bytes and a header line.
func message(n int) []byte {
	msg := payload.AppendMeta(nil, payload.Meta{Type: payload.Request, ID: payload.AppendID(nil, 1, uint32(n)), Time: 1, Length: -1})
	return append(msg, strings.Repeat("x", n)...)
}

func testConfig(t *testing.T, server *httptest.Server) Config {
	target, err := Parse(strings.Replace(server.URL, "http://", "ws://", 1))
	testkit.Must(t, err)
	return Config{
		Target: target, Dial: (&net.Dialer{}).DialContext, Stall: StallTimeout,
		Lost: func(msg []byte) { t.Errorf("lost %.80q", msg) },
	}
}

// list is a Source of messages that are there from the beginning.
type list struct {
	left     [][]byte
	released int
}

func (l *list) Take(dst [][]byte, _ <-chan struct{}) (n int, more bool) {
	n = copy(dst, l.left)
	l.left = l.left[n:]
	return n, n > 0 || len(l.left) > 0
}
func (l *list) Release(n int) { l.released += n }
func (l *list) Expire(n int)  { l.released += n }

// TestRun: every message comes whole and once, though the server refuses a
// handshake and leaves in the middle.
func TestRun(t *testing.T) {
	want := [][]byte{message(10), message(fragment - 30), message(fragment), message(3*fragment + 7), message(0)}
	var conns atomic.Int64
	var mu sync.Mutex
	var got [][]byte
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := conns.Add(1)
		if n == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer c.CloseNow()
		c.SetReadLimit(-1)
		for {
			kind, msg, err := c.Read(context.Background())
			if err != nil {
				return
			}
			mu.Lock()
			got = append(got, msg)
			mu.Unlock()
			if kind != websocket.MessageBinary {
				t.Errorf("a message of type %s", kind)
			}
		}
	}))
	defer server.Close()
	var said []string
	src := &list{left: want}
	client := New(testConfig(t, server))
	client.Run(context.Background(), src, func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) })
	if len(got) != len(want) || src.released != len(want) || client.Counts().Delivered.Load() != uint64(len(want)) || client.Counts().Connections.Load() != 1 {
		t.Errorf("%d messages came and %d are done with, want %d", len(got), src.released, len(want))
	}
	for i := range got {
		if string(got[i]) != string(want[i]) {
			t.Errorf("message %d is %.80q", i, got[i])
		}
	}
	if len(said) != 2 || !strings.Contains(said[0], "503 Service Unavailable") || !strings.Contains(said[1], "sends again after") {
		t.Errorf("said %q", said)
	}
}

// TestRunEnds: with the context, while the server is away; what was taken is
// counted.
func TestRunEnds(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	c := testConfig(t, server)
	server.Close()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	src := &list{left: [][]byte{message(1)}}
	client := New(c)
	client.Run(ctx, src, func(_ string, args ...any) {
		if err, ok := args[0].(error); !ok || !errors.As(err, new(*net.OpError)) {
			t.Errorf("said %v", args)
		}
		cancel()
	})
	if len(src.left) != 1 || client.Counts().Unsent.Load() != 0 {
		t.Errorf("%d messages are left, %d unsent", len(src.left), client.Counts().Unsent.Load())
	}
}

// TestSendAllocatesNothing, neither for a message of one frame nor of more.
func TestSendAllocatesNothing(t *testing.T) {
	if testkit.RaceEnabled {
		t.Skip("the race detector allocates")
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, b, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) // RFC 6455 section 1.3
		fmt.Fprintf(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n", base64.StdEncoding.EncodeToString(sum[:]))
		buf := make([]byte, 64<<10)
		for {
			if _, err := b.Read(buf); err != nil {
				return
			}
		}
	}))
	defer server.Close()
	cfg := testConfig(t, server)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c, err := cfg.dial(ctx)
	testkit.Must(t, err)
	var reader sync.WaitGroup
	reader.Go(c.drop)
	defer reader.Wait()
	defer c.raw.Close()
	w := &worker{cfg: &cfg, counts: &Counts{}}
	for _, size := range []int{500, 200_000} {
		msg := message(size)
		if n := testing.AllocsPerRun(200, func() { testkit.Must(t, w.send(c, msg)) }); n != 0 {
			t.Errorf("%g allocations for a message of %d bytes", n, size)
		}
	}
}
