package http1client

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/buger/gor/internal/evloop"
	"github.com/buger/gor/internal/outbound"
	"github.com/buger/gor/internal/testkit"
)

// TestOutcomes: each way for an exchange to go has its row, and its effect on
// the connection.
func TestOutcomes(t *testing.T) { clients(t, testOutcomes) }

func testOutcomes(t *testing.T, loops *evloop.Loops) {
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
			testkit.InSomeRun(t, 0, func() error {
				target := testkit.StartTarget(t, test.handle)
				rig := newRig(t, loops, target.Address(), func(c *Config) {
					if strings.Contains(test.counts, "timeout") {
						c.Timeout = 300 * time.Millisecond
					}
					c.HeadMost = 8 << 10
				})
				rig.each(test.requests...)
				if counts := rig.counts(); test.counts != "" && counts != test.counts {
					return fmt.Errorf("got %s, want %s", counts, test.counts)
				}
				testkit.Eventually(t, "the target sees the connections", func() bool { return target.Conns.Load() >= test.conns })
				if n := target.Conns.Load(); n != test.conns {
					return fmt.Errorf("%d connections, want %d", n, test.conns)
				}
				return nil
			})
		})
	}
}

func TestUnknownHost(t *testing.T) { clients(t, testUnknownHost) }

func testUnknownHost(t *testing.T, loops *evloop.Loops) {
	rig := newRig(t, loops, "no-such-host.invalid", nil)
	rig.each(httpGet)
	if rig.last.Outcome != outbound.NoSuchName {
		t.Skipf("the resolver here does not say that .invalid has no names: %s", rig.counts())
	}
}
