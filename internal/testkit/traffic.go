package testkit

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/buger/gor/internal/http1"
	"github.com/buger/gor/internal/payload"
)

// Steady makes n requests with an X-Number header, one every gap.
func Steady(n int, gap time.Duration) (requests [][]byte, times []time.Duration) {
	for i := range n {
		requests = append(requests, fmt.Appendf(nil, "GET /%d HTTP/1.1\r\nHost: prod\r\nX-Number: %d\r\n\r\n", i, i))
		times = append(times, time.Duration(i)*gap)
	}
	return requests, times
}

// NumberedRequests makes the traffic of the end-to-end tests: n requests with
// an X-Number header, GETs for the most part, a quarter POSTs of 1 kB, a
// twentieth POSTs of 1 MB in chunks. The same number gives the same bytes.
func NumberedRequests(n int, host string) [][]byte { return requestsFromTo(0, n, host) }

func requestsFromTo(from, to int, host string) [][]byte {
	var requests [][]byte
	for i := from; i < to; i++ {
		requests = append(requests, NumberedRequest(i, host))
	}
	return requests
}

// NumberedRequest makes request i of NumberedRequests.
func NumberedRequest(i int, host string) []byte {
	random := rand.New(rand.NewPCG(7, uint64(i)))
	var b bytes.Buffer
	switch {
	case i%20 == 7:
		fmt.Fprintf(&b, "POST /upload/%d HTTP/1.1\r\nHost: %s\r\nX-Number: %d\r\nTransfer-Encoding: chunked\r\n\r\n", i, host, i)
		for left := 1 << 20; left > 0; {
			size := min(left, 1+random.IntN(100_000))
			fmt.Fprintf(&b, "%x\r\n", size)
			b.Write(RandomBytes(random, size))
			b.WriteString("\r\n")
			left -= size
		}
		b.WriteString("0\r\nX-Trailer: yes\r\n\r\n")
	case i%4 == 1:
		fmt.Fprintf(&b, "POST /orders HTTP/1.1\r\nhost: %s\r\nX-Number:%d\r\nContent-Length: 1024\r\n\r\n", host, i)
		b.Write(RandomBytes(random, 1024))
	default:
		fmt.Fprintf(&b, "GET /items/%d?q=%d HTTP/1.1\r\nHost: %s\r\nX-Number:  %d\r\nAccept: */*\r\nuser-id: %d\r\n\r\n", i%100, i, host, i, random.IntN(1e6))
	}
	return b.Bytes()
}

// RandomBytes makes n random bytes, with zeros and a record separator among them
// when there is room.
func RandomBytes(random *rand.Rand, n int) []byte {
	b := make([]byte, n, n+8)
	for i := 0; i < n; i += 8 {
		binary.NativeEndian.PutUint64(b[i:i+8:i+8], random.Uint64())
	}
	if n > 100 {
		clear(b[10:30])
		copy(b[40:], payload.Separator)
	}
	return b
}

// The pace of SendAll: 1,000 requests a second, and less while they are large.
// With NumberedRequests that is some 17 MB a second, for which no part of two
// cores that are busy with other tests is late.
const (
	trafficGap  = time.Millisecond
	trafficRate = 25 << 20 // bytes a second
)

// SendAll sends requests over one kept connection at that pace, and reads an
// answer for each. Every tenth request goes out together with the next one.
func SendAll(addr string, requests [][]byte) error {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(Timeout))
	answers := &AnswerReader{Conn: c}
	due := time.Now()
	for i := 0; i < len(requests); {
		time.Sleep(time.Until(due))
		n := 1
		if i%10 == 0 && i+1 < len(requests) {
			n = 2
		}
		together := bytes.Join(requests[i:i+n], nil)
		due = due.Add(time.Duration(n)*trafficGap + time.Duration(len(together))*time.Second/trafficRate)
		if _, err := c.Write(together); err != nil {
			return fmt.Errorf("request %d: %w", i, err)
		}
		for range n {
			if err := answers.Next(); err != nil {
				return fmt.Errorf("answer to request %d: %w", i, err)
			}
		}
		i += n
	}
	return nil
}

// An AnswerReader reads responses off a connection.
type AnswerReader struct {
	Conn net.Conn
	buf  [16 << 10]byte
	left []byte
}

// Next reads one response; a status of 300 or more is an error.
func (a *AnswerReader) Next() error {
	var p http1.Parser
	p.ResetResponse()
	for {
		if len(a.left) == 0 {
			n, err := a.Conn.Read(a.buf[:])
			if err != nil {
				return err
			}
			a.left = a.buf[:n]
		}
		n, done, err := p.Feed(a.left)
		if err != nil {
			return err
		}
		a.left = a.left[n:]
		if done {
			if status := p.Head().Status; status >= 300 {
				return fmt.Errorf("status %d", status)
			}
			return nil
		}
	}
}

// Number returns the X-Number of a request.
func Number(t *testing.T, raw []byte) int {
	t.Helper()
	var r http1.Request
	Must(t, r.Parse(raw))
	value, ok := r.Header("X-Number")
	n, err := strconv.Atoi(string(value))
	if !ok || err != nil {
		t.Fatalf("no X-Number in %.100q", raw)
	}
	return n
}

func withoutHost(raw []byte) []byte {
	head, body, _ := bytes.Cut(raw, []byte("\r\n\r\n"))
	var out []byte
	for line := range bytes.SplitSeq(head, []byte("\r\n")) {
		if !strings.HasPrefix(strings.ToLower(string(line)), "host:") {
			out = append(append(out, line...), "\r\n"...)
		}
	}
	return append(append(out, "\r\n"...), body...)
}

// AllWithoutHost takes the Host line off each request: a replay changes it.
func AllWithoutHost(list [][]byte) [][]byte {
	out := make([][]byte, len(list))
	for i, raw := range list {
		out[i] = withoutHost(raw)
	}
	return out
}
