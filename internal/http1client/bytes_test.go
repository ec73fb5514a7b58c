package http1client

import (
	"fmt"
	"strings"
	"testing"

	"github.com/buger/gor/internal/evloop"
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/testkit"
)

// TestSendsBytesAsRecorded: with the original Host nothing changes at all.
func TestSendsBytesAsRecorded(t *testing.T) { clients(t, testSendsBytesAsRecorded) }

func testSendsBytesAsRecorded(t *testing.T, loops *evloop.Loops) {
	long := strings.Repeat("0123456789abcdef", 1<<16) // 1 MiB
	requests := []string{
		httpGet, httpPost,
		"gEt /a%20b?x=1&y=%00 HTTP/1.1\r\nhOST:prod\r\nX-Odd :  a\tb  \r\nx-odd:\r\nX-ODD: \x80\xff\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: prod\r\nTransfer-Encoding: chunked\r\n\r\n3;ext=\"v\"\r\nabc\r\n0A\r\n0123456789\r\n0\r\nX-Trailer: t\r\nY: z\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: prod\r\nContent-Length: 20\r\n\r\n" + strings.Repeat("\x00", 20),
		"POST / HTTP/1.1\r\nHost: prod\r\nContent-Length: 34\r\n\r\n" + string(payload.Separator) + "1 abc\n" + string(payload.Separator),
		"POST / HTTP/1.1\r\nHost: prod\r\nContent-Length: 5000\r\n\r\n" + long[:5000],
		"POST / HTTP/1.1\r\nHost: prod\r\nContent-Length: 65536\r\n\r\n" + long[:65536],
		"POST / HTTP/1.1\r\nHost: prod\r\nContent-Length: 65537\r\n\r\n" + long[:65537],
		"PUT / HTTP/1.1\r\nHost: prod\r\nContent-Length: 1048576\r\n\r\n" + long,
		"POST / HTTP/1.1\r\nHost: prod\r\nTransfer-Encoding: chunked\r\n\r\n100000\r\n" + long + "\r\n0\r\n\r\n",
		"GET / HTTP/1.1\nHost: prod\nA: b\n\n",
		"GET /a b c HTTP/1.1\r\nHost: prod\r\n\r\n",
		"PROPFIND /x HTTP/1.1\r\nHost: prod\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
		"GET / HTTP/1.1\r\nHost: prod\r\nX-Long: " + long[:30000] + "\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: prod\r\nCookie: a\r\n  b=folded\r\n\r\n",
	}
	target := testkit.StartSink(t)
	rig := newRig(t, loops, target.Addr(), func(c *Config) { c.KeepHost = true })
	rig.each(requests...)
	rig.want(fmt.Sprintf("%d delivered", len(requests)))
	want := make([][]byte, len(requests))
	for i := range requests {
		want[i] = []byte(requests[i])
	}
	testkit.WantSame(t, testkit.Raws(target.Arrivals()), want)
	// Five are ambiguous, and one asks for a 100 Continue that does not come:
	// each is the last on its connection.
	if target.Conns != 6 {
		t.Errorf("%d connections, want 6", target.Conns)
	}
}
