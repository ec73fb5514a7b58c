package http1client

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

	"github.com/buger/gor/internal/evloop"
	"github.com/buger/gor/internal/testkit"
)

// TestRetryRule: a kept connection that is closed just when a request is sent
// on it. What may be repeated is; a POST never is.
func TestRetryRule(t *testing.T) { clients(t, testRetryRule) }

func testRetryRule(t *testing.T, loops *evloop.Loops) {
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
			rig := newRig(t, loops, target.Address(), nil)
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
func TestRetriesOnce(t *testing.T) { clients(t, testRetriesOnce) }

func testRetriesOnce(t *testing.T, loops *evloop.Loops) {
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
	rig := newRig(t, loops, target.Address(), nil)
	rig.each(httpGet, httpGet)
	rig.want("1 delivered, 1 reset")
	if n := requests.Load(); n != 3 {
		t.Errorf("%d requests came, want 3", n)
	}
}

// TestNoRetryAfterTimeout: a target that is slow got the request.
func TestNoRetryAfterTimeout(t *testing.T) { clients(t, testNoRetryAfterTimeout) }

func testNoRetryAfterTimeout(t *testing.T, loops *evloop.Loops) {
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
	testkit.InSomeRun(t, 50*time.Millisecond, func() error {
		requests.Store(0)
		rig := newRig(t, loops, target.Address(), func(c *Config) { c.Timeout = 500 * time.Millisecond })
		rig.each(httpGet, httpGet)
		if counts, n := rig.counts(), requests.Load(); counts != "1 delivered, 1 timeout" || n != 2 {
			return fmt.Errorf("%s, and %d requests came, want 1 delivered, 1 timeout of 2", counts, n)
		}
		return nil
	})
}

// TestClosedWhileIdle: the closed connection is noticed before it is used, so
// that a POST is not lost.
func TestClosedWhileIdle(t *testing.T) { clients(t, testClosedWhileIdle) }

func testClosedWhileIdle(t *testing.T, loops *evloop.Loops) {
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
		rig := newRig(t, loops, target.Address(), nil)
		for range 5 {
			rig.each(httpPost)
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
func TestEarlyAnswerToLargeBody(t *testing.T) { clients(t, testEarlyAnswerToLargeBody) }

func testEarlyAnswerToLargeBody(t *testing.T, loops *evloop.Loops) {
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
			rig := newRig(t, loops, target.Address(), nil)
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
