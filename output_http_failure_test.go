package main

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/buger/gor/internal/outbound"
	"github.com/buger/gor/internal/testkit"
)

// TestOutcomes: each way for an exchange to go has its row, and its effect on
// the connection.
func TestOutcomes(t *testing.T) {
	hold := func(c net.Conn) { io.Copy(io.Discard, c) } // until the client leaves
	after := func(answer string, then func(c net.Conn)) func(c net.Conn, n int) {
		return func(c net.Conn, _ int) {
			if _, err := testkit.ReadRequest(c); err == nil {
				io.WriteString(c, answer)
				then(c)
			}
		}
	}
	shut := func(c net.Conn) { c.Close() }
	for _, test := range []struct {
		name     string
		handle   func(c net.Conn, n int)
		requests []string
		counts   string
		conns    int64
	}{
		{"malformed", testkit.Answering(testkit.OK200), []string{"hello", httpGet, "POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc"}, "1 delivered, 2 malformed request", 1},
		{"CONNECT", testkit.Answering(testkit.OK200), []string{"CONNECT a:1 HTTP/1.1\r\n\r\n", httpGet}, "1 delivered, 1 CONNECT not replayed", 1},
		{"until close", after("HTTP/1.1 200 OK\r\n\r\nhello", shut), []string{httpGet, httpGet}, "2 delivered", 2},
		{"Connection: close", after("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", hold), []string{httpPost, httpPost}, "2 delivered", 2},
		{"HTTP/1.0", after("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", hold), []string{httpPost, httpPost}, "2 delivered", 2},
		{"101", after("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n\x81\x05hello", hold), []string{httpGet, httpGet}, "2 delivered", 2},
		{"more than was asked for", after(testkit.OK200+testkit.OK200, hold), []string{httpPost, httpPost}, "2 delivered", 2},
		{"ambiguous request", after(testkit.OK200, hold), []string{"POST / HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", httpGet}, "2 delivered", 2},
		{"folded length", after(testkit.OK200, hold), []string{"POST / HTTP/1.1\r\nX: a\r\n Content-Length: 30\r\n\r\n", httpGet}, "2 delivered", 2},
		{"hidden by LF", after(testkit.OK200, hold), []string{"POST / HTTP/1.1\r\nX: a\nContent-Length: 3\r\n\r\nabc", httpGet}, "2 delivered", 2},
		{"ambiguous and reset", after("", testkit.ResetConn), []string{"GET / HTTP/1.1\r\nX: a\r\n b\r\n\r\n"}, "1 reset", 1},
		{"ambiguous answer", after("HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n", hold), []string{httpGet, httpGet}, "2 delivered", 2},
		{"answer with two lengths", after("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n", hold), []string{httpGet, httpGet}, "2 delivered", 2},
		{"answer with LF in a chunk line", after("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\n\r\n", hold), []string{httpGet, httpGet}, "2 delivered", 2},
		{"no content, with a length", after("HTTP/1.1 204 OK\r\nContent-Length: 5\r\n\r\n", hold), []string{httpGet, httpGet}, "2 delivered", 2},
		{"expect, not continued", after(testkit.OK200, hold), []string{"PUT / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc", httpGet}, "2 delivered", 2},
		{"expect", testkit.Answering("HTTP/1.1 100 Continue\r\n\r\n" + testkit.OK200), []string{"PUT / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc", httpGet}, "2 delivered", 1},
		{"never answers", func(c net.Conn, _ int) { hold(c) }, []string{httpGet, httpPost}, "2 timeout", 2},
		{"slow body", after("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", hold), []string{httpGet}, "1 timeout within the answer", 1},
		{"slow head", after("HTTP/1.1 200 OK\r\n", hold), []string{httpGet}, "1 timeout within the answer", 1},
		{"interim and no more", after("HTTP/1.1 100 Continue\r\n\r\n", hold), []string{httpGet}, "1 timeout within the answer", 1},
		{"reset", after("", testkit.ResetConn), []string{httpGet, httpPost}, "2 reset", 2},
		{"closed", after("", shut), []string{httpGet, httpPost}, "2 closed without an answer", 2},
		{"closed at once", func(c net.Conn, _ int) { shut(c) }, []string{httpGet}, "", 1}, // a race between reset and closed
		{"cut short", after("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", shut), []string{httpGet, httpPost}, "2 answer cut short", 2},
		{"cut in a chunk", after("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", shut), []string{httpGet}, "1 answer cut short", 1},
		{"no HTTP", after("220 mail.example.com ESMTP\r\n", hold), []string{httpGet, httpPost}, "2 bad response", 2},
		{"HTTP/2", after("HTTP/2 200\r\n\r\n", hold), []string{httpGet}, "1 bad response", 1},
		{"bad length", after("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", hold), []string{httpGet}, "1 bad response", 1},
		{"endless head", after("HTTP/1.1 200 OK\r\nX: "+strings.Repeat("x", 100_000), hold), []string{httpGet}, "1 bad response", 1},
		{"head above the bound", after("HTTP/1.1 200 OK\r\nX: "+strings.Repeat("x", 9000)+"\r\nContent-Length: 0\r\n\r\n", hold), []string{httpGet}, "1 bad response", 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			target := testkit.StartTarget(t, test.handle)
			rig := newRig(t, target.Address(), func(s *Settings) {
				s.http.Timeout = 5 * time.Second
				if strings.Contains(test.counts, "timeout") {
					s.http.Timeout = 300 * time.Millisecond
				}
				s.http.ResponseBuffer = 8 << 10
			})
			rig.each(test.requests...)
			if test.counts != "" {
				rig.want(test.counts)
			}
			if n := target.Conns.Load(); n != test.conns {
				t.Errorf("%d connections, want %d", n, test.conns)
			}
		})
	}
}

// TestDeadTarget: one attempt and its repetitions for a moment, then all fail
// at once, and no more sockets are made.
func TestDeadTarget(t *testing.T) {
	var dials atomic.Int64
	rig := newRig(t, testkit.FreePort(t), func(s *Settings) { s.http.Workers = 20 })
	dial := rig.dial
	rig.dial = testkit.CountDials(dial, &dials)
	for range 2000 {
		rig.put(httpGet)
	}
	rig.settle()
	failed := rig.failures.Get(outbound.Refused) + rig.failures.Get(outbound.Down)
	if failed != 2000 || rig.failures.Get(outbound.Refused) == 0 {
		t.Errorf("%s, want 2000 refused or target down", rig.counts())
	}
	if n := dials.Load(); n > 40 {
		t.Errorf("%d attempts to connect", n)
	}
}

// TestTargetThatRestartsLosesNothing: requests wait for a moment.
func TestTargetThatRestartsLosesNothing(t *testing.T) {
	var dials atomic.Int64
	addr, listen := testkit.ReserveListener(t, 100)
	rig := newRig(t, addr, func(s *Settings) { s.http.Workers = 20 })
	rig.dial = testkit.CountDials(rig.dial, &dials)
	for range 50 {
		rig.put(httpPost)
	}
	testkit.Eventually(t, "an attempt to connect", func() bool { return dials.Load() > 0 })
	(&testkit.RawTarget{Listener: listen()}).Serve(t, testkit.Answering(testkit.OK200))
	rig.settle()
	rig.want("50 delivered")
}

func TestUnknownHost(t *testing.T) {
	rig := newRig(t, "no-such-host.invalid", nil)
	rig.put(httpGet)
	rig.settle()
	if rig.failures.Get(outbound.NoSuchName) != 1 {
		t.Skipf("the resolver here does not say that .invalid has no names: %s", rig.counts())
	}
}

// TestRetryRule: a kept connection that is closed just when a request is sent
// on it. What may be repeated is; a POST never is.
func TestRetryRule(t *testing.T) {
	methods := map[string]string{
		"GET": "2 delivered", "HEAD": "2 delivered", "OPTIONS": "2 delivered", "PUT": "2 delivered", "DELETE": "2 delivered",
		"POST": "1 delivered, 1 reset", "PATCH": "1 delivered, 1 reset", "TRACE": "1 delivered, 1 reset",
	}
	for _, method := range slices.Sorted(maps.Keys(methods)) {
		t.Run(method, func(t *testing.T) {
			target := testkit.StartTarget(t, func(c net.Conn, n int) {
				for i := 0; ; i++ {
					raw, err := testkit.ReadRequest(c)
					if err != nil {
						return
					}
					if n == 1 && i == 1 {
						testkit.ResetConn(c)
						return
					}
					if bytes.HasPrefix(raw, []byte("HEAD")) {
						io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
					} else {
						io.WriteString(c, testkit.OK200)
					}
				}
			})
			rig := newRig(t, target.Address(), nil)
			request := method + " / HTTP/1.1\r\nHost: prod\r\n\r\n"
			rig.each(request, request)
			rig.want(methods[method])
			retried := uint64(0)
			if methods[method] == "2 delivered" {
				retried = 1
			}
			if n := rig.client.Counts().SentAgain.Load(); n != retried {
				t.Errorf("%d retried, want %d", n, retried)
			}
		})
	}
}

// TestRetriesOnce: the fresh connection is reset too.
func TestRetriesOnce(t *testing.T) {
	var requests atomic.Int64
	target := testkit.StartTarget(t, func(c net.Conn, n int) {
		for i := 0; ; i++ {
			if _, err := testkit.ReadRequest(c); err != nil {
				return
			}
			requests.Add(1)
			if n > 1 || i > 0 {
				testkit.ResetConn(c)
				return
			}
			io.WriteString(c, testkit.OK200)
		}
	})
	rig := newRig(t, target.Address(), nil)
	rig.each(httpGet, httpGet)
	rig.want("1 delivered, 1 reset")
	if n := requests.Load(); n != 3 {
		t.Errorf("%d requests came, want 3", n)
	}
}

// TestNoRetryAfterTimeout: a target that is slow got the request.
func TestNoRetryAfterTimeout(t *testing.T) {
	var requests atomic.Int64
	target := testkit.StartTarget(t, func(c net.Conn, n int) {
		for i := 0; ; i++ {
			if _, err := testkit.ReadRequest(c); err != nil {
				return
			}
			requests.Add(1)
			if i == 0 {
				io.WriteString(c, testkit.OK200)
			}
		}
	})
	rig := newRig(t, target.Address(), func(s *Settings) { s.http.Timeout = 500 * time.Millisecond })
	rig.each(httpGet, httpGet)
	rig.want("1 delivered, 1 timeout")
	if n := requests.Load(); n != 2 {
		t.Errorf("%d requests came, want 2", n)
	}
}

// TestClosedWhileIdle: the closed connection is noticed before it is used, so
// that a POST is not lost.
func TestClosedWhileIdle(t *testing.T) {
	for _, goodbye := range []string{"", "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n"} {
		closed := make(chan struct{}, 10)
		target := testkit.StartTarget(t, func(c net.Conn, n int) {
			if _, err := testkit.ReadRequest(c); err != nil {
				return
			}
			io.WriteString(c, testkit.OK200)
			io.WriteString(c, goodbye) // may come with the answer: the connection ends too
			c.Close()
			closed <- struct{}{}
		})
		rig := newRig(t, target.Address(), nil)
		for range 5 {
			rig.put(httpPost)
			rig.settle()
			<-closed
		}
		rig.want("5 delivered")
		if n := rig.client.Counts().SentAgain.Load(); n != 0 {
			t.Errorf("%d retried", n)
		}
	}
}

// TestEarlyAnswerToLargeBody: the target answers 413 and closes without
// reading the body.
func TestEarlyAnswerToLargeBody(t *testing.T) {
	const size = 8 << 20
	large := fmt.Sprintf("POST / HTTP/1.1\r\nHost: prod\r\nContent-Length: %d\r\n\r\n%s", size, strings.Repeat("x", size))
	for _, test := range []struct {
		name, answer string
		then         func(c net.Conn)
		counts       string
	}{
		{"and closes", "HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", func(net.Conn) {}, "2 delivered"},
		{"and reads on", testkit.OK200, func(c net.Conn) { io.CopyN(io.Discard, c, size) }, "2 delivered"},
		{"and does nothing", testkit.OK200, func(c net.Conn) { awaitReset(c) }, "2 delivered"},
		{"no answer, reset", "", testkit.ResetConn, "2 reset"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			target := testkit.StartTarget(t, func(c net.Conn, _ int) {
				buf := make([]byte, len(large)-size)
				for {
					if _, err := io.ReadFull(c, buf); err != nil {
						return
					}
					io.WriteString(c, test.answer)
					test.then(c)
					if test.name != "and reads on" {
						return
					}
				}
			})
			rig := newRig(t, target.Address(), nil)
			rig.each(large, large)
			rig.want(test.counts)
			conns := int64(2)
			if test.name == "and reads on" {
				conns = 1
			}
			if n := target.Conns.Load(); n != conns {
				t.Errorf("%d connections, want %d", n, conns)
			}
		})
	}
}

// awaitReset waits for the end of a connection without reading from it.
func awaitReset(c net.Conn) {
	for {
		if _, err := io.WriteString(c, "x"); err != nil {
			return
		}
		runtime.Gosched()
	}
}
