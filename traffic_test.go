package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/buger/gor/internal/http1"
	"github.com/buger/gor/internal/payload"
)

// numberedRequests makes the traffic of the end-to-end tests: n requests with
// an X-Number header, GETs for the most part, a quarter POSTs of 1 kB, a
// twentieth POSTs of 1 MB in chunks. The same number gives the same bytes.
func numberedRequests(n int, host string) [][]byte { return requestsFromTo(0, n, host) }

func requestsFromTo(from, to int, host string) [][]byte {
	var requests [][]byte
	for i := from; i < to; i++ {
		requests = append(requests, numberedRequest(i, host))
	}
	return requests
}

func numberedRequest(i int, host string) []byte {
	random := rand.New(rand.NewPCG(7, uint64(i)))
	var b bytes.Buffer
	switch {
	case i%20 == 7:
		fmt.Fprintf(&b, "POST /upload/%d HTTP/1.1\r\nHost: %s\r\nX-Number: %d\r\nTransfer-Encoding: chunked\r\n\r\n", i, host, i)
		for left := 1 << 20; left > 0; {
			size := min(left, 1+random.IntN(100_000))
			fmt.Fprintf(&b, "%x\r\n", size)
			b.Write(randomBytes(random, size))
			b.WriteString("\r\n")
			left -= size
		}
		b.WriteString("0\r\nX-Trailer: yes\r\n\r\n")
	case i%4 == 1:
		fmt.Fprintf(&b, "POST /orders HTTP/1.1\r\nhost: %s\r\nX-Number:%d\r\nContent-Length: 1024\r\n\r\n", host, i)
		b.Write(randomBytes(random, 1024))
	default:
		fmt.Fprintf(&b, "GET /items/%d?q=%d HTTP/1.1\r\nHost: %s\r\nX-Number:  %d\r\nAccept: */*\r\nuser-id: %d\r\n\r\n", i%100, i, host, i, random.IntN(1e6))
	}
	return b.Bytes()
}

// randomBytes also has zeros and record separators in it.
func randomBytes(random *rand.Rand, n int) []byte {
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

// The pace of sendAll: 1,000 requests a second, and less while they are large.
// With numberedRequests that are some 17 MB a second, for which no part of two
// cores that are busy with other tests is late.
const (
	trafficGap  = time.Millisecond
	trafficRate = 25 << 20 // bytes a second
)

// sendAll sends requests over one kept connection at that pace, and reads an
// answer for each. Every tenth request goes out together with the next one.
func sendAll(addr string, requests [][]byte) error {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(testTimeout))
	answers := &answerReader{c: c}
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
			if err := answers.next(); err != nil {
				return fmt.Errorf("answer to request %d: %w", i, err)
			}
		}
		i += n
	}
	return nil
}

// answerReader reads responses off a connection.
type answerReader struct {
	c    net.Conn
	buf  [16 << 10]byte
	left []byte
}

func (a *answerReader) next() error {
	var p http1.Parser
	p.ResetResponse()
	for {
		if len(a.left) == 0 {
			n, err := a.c.Read(a.buf[:])
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

// trafficMain is the role "traffic ADDRESS FROM TO": it sends the requests with
// these numbers, but for TO.
func trafficMain(args []string) int {
	from, err := strconv.Atoi(args[1])
	if err != nil {
		return fail("%v", err)
	}
	to, err := strconv.Atoi(args[2])
	if err != nil {
		return fail("%v", err)
	}
	if err := sendAll(args[0], requestsFromTo(from, to, args[0])); err != nil {
		return fail("%v", err)
	}
	return 0
}

// readRecording returns the bodies of all messages of one type in a
// recording, and their headers.
func readRecording(t *testing.T, name string, kind byte) (bodies [][]byte, metas []payload.Meta) {
	t.Helper()
	f, err := os.Open(name)
	must(t, err)
	defer f.Close()
	src, err := payload.Open(f, name, maxMessageLimit)
	must(t, err)
	for {
		msg, err := src.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		must(t, err)
		meta, body, err := payload.Split(msg)
		must(t, err)
		if meta.Type == kind {
			meta.ID, meta.Attributes = bytes.Clone(meta.ID), bytes.Clone(meta.Attributes)
			bodies, metas = append(bodies, bytes.Clone(body)), append(metas, meta)
		}
	}
	if d := src.Damage(); d.Any() {
		t.Errorf("%s: %s", name, d)
	}
	return bodies, metas
}

// wantSame compares two sets of requests, byte for byte and whatever their
// order, and says which are missing, doubled or altered.
func wantSame(t *testing.T, got, want [][]byte) {
	t.Helper()
	count := map[string]int{}
	for _, w := range want {
		count[string(w)]--
	}
	for _, g := range got {
		count[string(g)]++
	}
	wrong := 0
	for _, raw := range slices.Sorted(maps.Keys(count)) {
		n := count[raw]
		if n == 0 {
			continue
		}
		if wrong++; wrong <= 5 {
			t.Errorf("%+d times: %d bytes: %.200q", n, len(raw), raw)
		}
	}
	if wrong > 0 || len(got) != len(want) {
		t.Errorf("%d requests differ; got %d, want %d", wrong, len(got), len(want))
	}
}

// record makes a recording of these requests at these times after start.
func record(requests [][]byte, times []time.Duration) []byte {
	const start = 1_700_000_000_000_000_000
	var out []byte
	for i, raw := range requests {
		msg := payload.AppendMeta(nil, payload.Meta{
			Type: payload.Request, ID: payload.AppendID(nil, uint64(i/10), uint32(i%10)),
			Time: start + int64(times[i]), Duration: 0, Length: -1,
		})
		out = payload.AppendRecord(out, append(msg, raw...))
	}
	return out
}

func writeFile(t *testing.T, name string, content []byte) string {
	t.Helper()
	must(t, os.WriteFile(name, content, 0o600))
	return name
}

// number returns the X-Number of a request.
func number(t *testing.T, raw []byte) int {
	t.Helper()
	var r http1.Request
	must(t, r.Parse(raw))
	value, ok := r.Header("X-Number")
	n, err := strconv.Atoi(string(value))
	if !ok || err != nil {
		t.Fatalf("no X-Number in %.100q", raw)
	}
	return n
}

// withoutHost takes the Host line off a request: it is what a replay changes.
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

func allWithoutHost(list [][]byte) [][]byte {
	out := make([][]byte, len(list))
	for i, raw := range list {
		out[i] = withoutHost(raw)
	}
	return out
}

func raws(list []arrival) [][]byte {
	out := make([][]byte, len(list))
	for i, a := range list {
		out[i] = a.raw
	}
	return out
}
