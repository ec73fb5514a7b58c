package e2e

import (
	"bufio"
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/buger/gor/internal/testkit"
)

func newFlagRows() []flagRow {
	return []flagRow{
		{"input-http", []string{"", "28021", "localhost", ":port", ":28021|x"}, func(f *flagTest) {
			addr, file := testkit.FreePort(f.T), filepath.Join(f.TempDir(), "out.gor")
			gor := testkit.StartGor(f.T, "--input-http", addr, "--output-file", file)
			answer, err := http.Post("http://"+addr+"/mirrored?q=1", "text/plain", strings.NewReader("a body"))
			testkit.Must(f.T, err)
			testkit.Must(f.T, answer.Body.Close())
			http.DefaultClient.CloseIdleConnections()
			gor.Stop()
			got, _ := testkit.ReadRecording(f.T, file, '1')
			if answer.StatusCode != http.StatusNoContent || len(got) != 1 ||
				!bytes.HasPrefix(got[0], []byte("POST /mirrored?q=1 HTTP/1.1\r\n")) || !bytes.HasSuffix(got[0], []byte("\r\n\r\na body")) {
				f.Errorf("answered %s, recorded %q", answer.Status, got)
			}
		}},
		{"output-http-stats-ms", []string{"9", "3600001", "1s"}, func(f *flagTest) {
			lines := func(said string) int { return strings.Count(said, "output_http:") }
			target := testkit.StartSink(f.T).Addr()
			gor := testkit.StartGor(f.T, "--input-dummy", "", "--output-http", target, "--output-http-stats", "--output-http-stats-ms", "20")
			// At one in five seconds so many take minutes.
			testkit.Eventually(f.T, "50 lines of statistics", func() bool { return lines(gor.Stderr()) >= 50 })
			gor.Stop()
			if n := lines(f.replay("--output-http", target, "--output-http-stats").stderr); n < 2 || n > 9 {
				f.Errorf("%d lines in a moment without the flag, want the first and the last", n)
			}
		}},
		{"output-http-elasticsearch", []string{"", "localhost:9200", "gopher://localhost:9200/gor"}, func(f *flagTest) {
			var mu sync.Mutex
			var asked, told strings.Builder
			search := serve(f.T, func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				mu.Lock()
				defer mu.Unlock()
				fmt.Fprintf(&asked, "%s %s\n", r.Method, r.URL)
				told.Write(body)
				w.Header().Set("Content-Type", "application/json")
				io.WriteString(w, `{"took":1,"errors":false,"items":[]}`)
			})
			target := serve(f.T, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
			f.replay("--output-http", target, "--output-http-elasticsearch", strings.TrimPrefix(search, "http://")+"/gor").says("4 delivered")
			mu.Lock()
			defer mu.Unlock()
			for _, want := range []string{"/0", "/1", "/2", "/3", "418"} {
				if !strings.Contains(told.String(), want) {
					f.Errorf("it was not told of %s:\n%s\n%s", want, &asked, &told)
				}
			}
			if !strings.Contains(asked.String()+told.String(), "gor") {
				f.Errorf("the index is not named:\n%s", &asked)
			}
		}},
		{"output-ws", []string{"", "gopher://x", "ws://", "ws://localhost:1|x"}, func(f *flagTest) {
			server := newPlainWS(f.T, false)
			f.replay("--output-ws", strings.Replace(server.URL, "http://", "ws://user:pass@", 1)+"/endpoint").says("4 delivered")
			server.holds(f, gets(4), 1)
			if got := server.asked[0]; got.URL.Path != "/endpoint" || got.Header.Get("Authorization") != "Basic dXNlcjpwYXNz" {
				f.Errorf("it was asked for %s with %v", got.URL, got.Header)
			}
		}},
		{"output-ws-skip-verify", notBool, func(f *flagTest) {
			server := newPlainWS(f.T, true)
			addr := strings.Replace(server.URL, "https://", "wss://", 1)
			args := []string{"--input-file", f.recording(0, gets(4)...) + "|max", "--output-ws", addr}
			f.gor(append(args, "--drain-timeout", "200ms")...).says("0 delivered")
			f.ok(append(args, "--output-ws-skip-verify")...).says("4 delivered")
			server.holds(f, gets(4), 1)
		}},
		{"output-ws-workers", []string{"0", "65", "many"}, func(f *flagTest) {
			server := newPlainWS(f.T, false)
			// So many recorded connections that each worker has some: one without may not
			// have connected when the others have sent all.
			f.ok("--input-file", f.recording(0, gets(600)...)+"|max", "--output-ws", strings.Replace(server.URL, "http", "ws", 1), "--output-ws-workers", "3")
			server.holds(f, gets(600), 3)
		}},
		{"output-ws-stats", notBool, func(f *flagTest) {
			addr := strings.Replace(newPlainWS(f.T, false).URL, "http", "ws", 1)
			f.replay("--output-ws", addr, "--output-ws-stats").says(" output_ws:latest,mean,max,count,count/second\n", " output_ws:0,0,0,0,0\n")
			f.replay("--output-ws", addr).saysNot("output_ws:")
		}},
		{"output-binary", []string{"", "localhost", "localhost:port", "localhost:9000|x"}, func(f *flagTest) {
			server := newEcho(f.T, 1)
			f.ok(f.binary("--output-binary", server.addr())...)
			if got := server.all(); got != "a1a2|b1b2" && got != "b1b2|a1a2" {
				f.Errorf("the connections to the target: %q", got)
			}
		}},
		{"output-binary-workers", []string{"-2", "10001", "many"}, func(f *flagTest) {
			// The target answers when there are two connections.
			f.ok(f.binary("--output-binary", newEcho(f.T, 2).addr(), "--output-binary-workers", "-1", "--output-binary-timeout", "1m")...).says("4 delivered")
			f.gor(f.binary("--output-binary", newEcho(f.T, 2).addr(), "--output-binary-workers", "1", "--output-binary-timeout", "50ms")...).saysNot("4 delivered")
		}},
		{"output-binary-timeout", []string{"5", "0s", "-5s"}, func(f *flagTest) {
			never := newEcho(f.T, 100)
			f.gor(f.binary("--output-binary", never.addr(), "--output-binary-timeout", "50ms")...).says(" timeout)")
			f.ok(f.binary("--output-binary", newEcho(f.T, 1).addr())...).saysNot(" timeout)")
		}},
		{"output-binary-track-response", notBool, func(f *flagTest) {
			with := f.ok(f.binary("--output-binary", newEcho(f.T, 1).addr(), "--output-stdout", "--output-binary-track-response")...)
			without := f.ok(f.binary("--output-binary", newEcho(f.T, 1).addr(), "--output-stdout")...)
			if strings.Count(with.kinds(), "3") != 4 || without.kinds() != "1111" {
				f.Errorf("records %s, and without %s", with.kinds(), without.kinds())
			}
		}},
		{"output-tcp-response-buffer", []string{"", "1kb", "65mb"}, func(f *flagTest) {
			server := newEcho(f.T, 1)
			server.padding = 5000
			args := f.binary("--output-binary", server.addr(), "--output-stdout", "--output-binary-track-response")
			if got := f.ok(append(args, "--output-tcp-response-buffer", "4kb")...).kinds(); got != "1111" {
				f.Errorf("4kb: records %s, want the requests", got)
			}
			if got := f.ok(args...).kinds(); strings.Count(got, "3") != 4 {
				f.Errorf("without: records %s, want the answers too", got)
			}
		}},
		{"prettify-http", notBool, func(f *flagTest) {
			raw := []byte("POST / HTTP/1.1\r\nHost: prod\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n")
			file := f.recording(0, raw)
			got, _ := f.ok("--input-file", file, "--output-stdout").records()
			testkit.WantSame(f.T, got, [][]byte{raw})
			got, _ = f.ok("--input-file", file, "--output-stdout", "--prettify-http").records()
			if len(got) != 1 || !bytes.HasSuffix(got[0], []byte("\r\n\r\nabcdefg")) || !headerIs(parsed(f.T, got[0]), "Content-Length", "7") || bytes.Contains(got[0], []byte("chunked")) {
				f.Errorf("it became %q", got)
			}
		}},
	}
}

// binary is Gor with two recorded connections that are no HTTP, each of two
// questions.
func (f *flagTest) binary(args ...string) []string {
	f.Helper()
	var talks []*talk
	for i, name := range []string{"a", "b"} {
		c := newTalkOf(f, 9000, byte(i+1))
		for _, n := range []string{"1", "2"} {
			c.say(byClient, []byte(name+n)).say(byServer, []byte("answer"))
		}
		talks = append(talks, c.end())
	}
	return append(args, "--input-raw", f.pcap(talks...)+":9000", "--input-raw-protocol", "binary")
}

// An echo answers whatever comes with the same, once it has had n connections
// at a time.
type echo struct {
	l       net.Listener
	enough  chan struct{}
	over    chan struct{} // closed at the end of the test
	padding int           // bytes behind each answer

	mu        sync.Mutex
	here, n   int // connections, and how many it waits for
	came      []*bytes.Buffer
	listening sync.WaitGroup
}

func newEcho(t *testing.T, n int) *echo {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	testkit.Must(t, err)
	e := &echo{l: l, n: n, enough: make(chan struct{}), over: make(chan struct{})}
	e.listening.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			e.listening.Go(func() { e.serve(conn) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		close(e.over)
		e.listening.Wait()
	})
	return e
}

func (e *echo) addr() string { return e.l.Addr().String() }

func (e *echo) serve(conn net.Conn) {
	defer conn.Close()
	var came bytes.Buffer
	e.mu.Lock()
	e.here++
	if e.here == e.n {
		close(e.enough)
		e.n = 0 // once
	}
	e.came = append(e.came, &came)
	e.mu.Unlock()
	defer func() {
		e.mu.Lock()
		e.here--
		e.mu.Unlock()
	}()
	buf := make([]byte, 1<<10)
	for {
		n, err := conn.Read(buf)
		if err != nil {
			return
		}
		e.mu.Lock()
		came.Write(buf[:n])
		e.mu.Unlock()
		select {
		case <-e.enough:
		case <-e.over:
			return
		}
		if _, err := conn.Write(append(buf[:n:n], make([]byte, e.padding)...)); err != nil {
			return
		}
	}
}

// all is what came on each connection.
func (e *echo) all() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	var parts []string
	for _, came := range e.came {
		parts = append(parts, came.String())
	}
	return strings.Join(parts, "|")
}

// A plainWS takes WebSocket connections (RFC 6455) and keeps what comes.
type plainWS struct {
	*httptest.Server
	mu    sync.Mutex
	asked []*http.Request
	kinds []byte // opcodes of the messages
	got   [][]byte
}

func newPlainWS(t *testing.T, secure bool) *plainWS {
	t.Helper()
	s := &plainWS{}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(s.serve))
	s.Config.ErrorLog = silent()
	if secure {
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	return s
}

func (s *plainWS) serve(w http.ResponseWriter, r *http.Request) {
	conn, buf, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer conn.Close()
	s.mu.Lock()
	s.asked = append(s.asked, r)
	s.mu.Unlock()
	// RFC 6455 section 4.2.2.
	sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n", base64.StdEncoding.EncodeToString(sum[:]))
	for {
		opcode, data, err := readWSFrame(buf.Reader)
		switch {
		case err != nil:
			return
		case opcode == 8: // close: the same comes back
			conn.Write(append([]byte{0x88, byte(len(data))}, data...))
			return
		case opcode == 9: // ping
			conn.Write(append([]byte{0x8a, byte(len(data))}, data...))
		default:
			s.mu.Lock()
			s.kinds, s.got = append(s.kinds, opcode), append(s.got, data)
			s.mu.Unlock()
		}
	}
}

// readWSFrame reads a frame of a client (RFC 6455 section 5.2).
func readWSFrame(r *bufio.Reader) (opcode byte, data []byte, err error) {
	var head [2]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, err
	}
	size := uint64(head[1] & 0x7f)
	switch size {
	case 126:
		var n uint16
		err = binary.Read(r, binary.BigEndian, &n)
		size = uint64(n)
	case 127:
		err = binary.Read(r, binary.BigEndian, &size)
	}
	switch {
	case err != nil:
		return 0, nil, err
	case head[1]&0x80 == 0 || head[0]&0x80 == 0 || size > 1<<20:
		return 0, nil, fmt.Errorf("a frame that is not masked, or in parts, or of %d bytes", size)
	}
	var mask [4]byte
	if _, err := io.ReadFull(r, mask[:]); err != nil {
		return 0, nil, err
	}
	data = make([]byte, size)
	_, err = io.ReadFull(r, data)
	for i := range data {
		data[i] ^= mask[i%4]
	}
	return head[0] & 0x0f, data, err
}

// holds wants these requests to have come, each as a record in a binary
// message, over n connections.
func (s *plainWS) holds(f *flagTest, requests [][]byte, n int) {
	f.Helper()
	testkit.Eventually(f.T, "all messages have come", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.got) >= len(requests)
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	var got [][]byte
	for i, msg := range s.got {
		header, body, ok := bytes.Cut(msg, []byte("\n"))
		if s.kinds[i] != 2 || !ok || !bytes.HasPrefix(header, []byte("1 ")) {
			f.Errorf("message %d, of opcode %d: %q", i, s.kinds[i], msg)
		}
		got = append(got, body)
	}
	testkit.WantSame(f.T, got, requests)
	if len(s.asked) != n {
		f.Errorf("%d connections, want %d", len(s.asked), n)
	}
}
