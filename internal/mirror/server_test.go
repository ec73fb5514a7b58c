package mirror

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/buger/gor/internal/admission"
	"github.com/buger/gor/internal/http1"
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/stats"
	"github.com/buger/gor/internal/testkit"
)

const patience = time.Minute

type served struct {
	*Server
	t   *testing.T
	log testkit.Log
}

func start(t *testing.T, cfg Config) *served {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &served{t: t}
	if cfg.Limit == 0 {
		cfg.Limit = 1 << 20
	}
	cfg.Logf = s.log.Logf
	s.Server = New(l, cfg)
	t.Cleanup(func() { s.Close() })
	return s
}

func (s *served) dial() net.Conn {
	s.t.Helper()
	c, err := net.Dial("tcp", s.listener.Addr().String())
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(patience))
	return c
}

// exchange sends bytes in pieces of that size and returns all answers until
// the server closes; it does not close its side before.
func (s *served) exchange(piece int, sent string) string {
	s.t.Helper()
	c := s.dial()
	var wg sync.WaitGroup
	wg.Go(func() {
		for at := 0; at < len(sent); at += piece {
			if _, err := io.WriteString(c, sent[at:min(at+piece, len(sent))]); err != nil {
				return // it was refused
			}
		}
		c.(*net.TCPConn).CloseWrite()
	})
	got, err := io.ReadAll(c)
	wg.Wait()
	if err != nil && !strings.Contains(err.Error(), "reset") {
		s.t.Errorf("read: %v", err)
	}
	return string(got)
}

// next reads one request.
func (s *served) next() string {
	s.t.Helper()
	buf := make([]byte, 2<<20)
	n, err := s.Read(buf)
	if err != nil {
		s.t.Fatalf("Read: %v", err)
	}
	m, body, err := payload.Split(buf[:n])
	if err != nil || m.Type != payload.Request || len(m.ID) != 24 || m.Time < 1e18 || m.Duration < 0 {
		s.t.Fatalf("record %q: %v", buf[:min(n, 200)], err)
	}
	return string(body)
}

func (s *served) row(name string) uint64 {
	for _, r := range s.Counts() {
		if r.Name == name {
			return r.N
		}
	}
	s.t.Fatalf("no row %q", name)
	return 0
}

func TestRequestsAreGivenAsTheyCame(t *testing.T) {
	chunked := "POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nTrailer: z\r\n\r\n"
	for _, tt := range []struct {
		name, sent string
		want       []string
		answers    string
	}{
		{"get", "GET / HTTP/1.1\r\nhOST:  a \r\n\r\n", []string{"GET / HTTP/1.1\r\nhOST:  a \r\n\r\n"}, "204"},
		{"post", "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", []string{"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello"}, "204"},
		{"chunked with trailer", chunked, []string{chunked}, "204"},
		{"pipelined", "GET /1 HTTP/1.1\r\n\r\n" + chunked + "GET /2 HTTP/1.1\r\n\r\n", []string{"GET /1 HTTP/1.1\r\n\r\n", chunked, "GET /2 HTTP/1.1\r\n\r\n"}, "204 204 204"},
		{"empty lines between", "\r\n\r\nGET /1 HTTP/1.1\r\n\r\n\r\n\nGET /2 HTTP/1.1\r\n\r\n", []string{"GET /1 HTTP/1.1\r\n\r\n", "GET /2 HTTP/1.1\r\n\r\n"}, "204 204"},
		{"close", "GET /1 HTTP/1.1\r\nConnection: close\r\n\r\nGET /2 HTTP/1.1\r\n\r\n", []string{"GET /1 HTTP/1.1\r\nConnection: close\r\n\r\n"}, "204c"},
		{"HTTP/1.0", "GET /1 HTTP/1.0\r\n\r\n", []string{"GET /1 HTTP/1.0\r\n\r\n"}, "204c"},
		{"HTTP/1.0 kept", "GET /1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", []string{"GET /1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"}, "204k"},
		{"large", "PUT / HTTP/1.1\r\nContent-Length: 300000\r\n\r\n" + strings.Repeat("\x00\n🐵", 50000), []string{"PUT / HTTP/1.1\r\nContent-Length: 300000\r\n\r\n" + strings.Repeat("\x00\n🐵", 50000)}, "204"},
	} {
		for _, piece := range []int{1 << 20, 1000, 1} {
			if piece == 1 && len(tt.sent) > 1000 {
				continue
			}
			t.Run(fmt.Sprintf("%s/%d", tt.name, piece), func(t *testing.T) {
				s := start(t, Config{})
				if got := statuses(t, s.exchange(piece, tt.sent)); got != tt.answers {
					t.Errorf("answers %s, want %s", got, tt.answers)
				}
				for _, want := range tt.want {
					if got := s.next(); got != want {
						t.Errorf("given %q, want %q", got, want)
					}
				}
				wantLost(t, s, "")
			})
		}
	}
}

// statuses lists the answers: c for those that announce the end, k for those
// that announce that the connection stays.
func statuses(t *testing.T, got string) string {
	t.Helper()
	var list []string
	var p http1.Parser
	for rest := []byte(got); len(rest) > 0; {
		p.ResetResponse()
		n, done, err := p.Feed(rest)
		if err != nil || !done {
			t.Fatalf("answers %q: %v", got, err)
		}
		one := fmt.Sprint(p.Head().Status)
		var r http1.Response
		if err := r.Parse(rest[:n]); err != nil {
			t.Fatal(err)
		}
		if v, _ := r.Header("Connection"); len(v) > 0 {
			one += string(v[:1])
		}
		list = append(list, one)
		rest = rest[n:]
	}
	return strings.Join(list, " ")
}

// wantLost wants exactly one message lost, for that reason, or none.
func wantLost(t *testing.T, s *served, reason string) {
	t.Helper()
	for _, r := range s.Counts() {
		if !strings.HasPrefix(r.Name, "lost: ") {
			continue
		}
		want := uint64(0)
		if r.Name == "lost: "+reason {
			want = 1
		}
		if r.N != want {
			t.Errorf("%d %s, want %d", r.N, r.Name, want)
		}
	}
}

func TestLosses(t *testing.T) {
	const after = "GET /after HTTP/1.1\r\n\r\n"
	long := "POST / HTTP/1.1\r\nContent-Length: 200000\r\n\r\n" + strings.Repeat("x", 200000)
	chunks := "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + strings.Repeat("3e8\r\n"+strings.Repeat("y", 1000)+"\r\n", 200) + "0\r\n\r\n"
	for _, tt := range []struct {
		name, sent, answers, reason string
		given                       int
	}{
		{"too large", long + after, "413 204", "too large", 1},
		{"too large in chunks", chunks + after, "413c", "too large", 0}, // nobody can tell how its chunk lines looked
		{"many fields", "POST / HTTP/1.1\r\nContent-Length: 4\r\n" + strings.Repeat("a:\r\n", http1.MaxFields) + "\r\nbody" + after, "431 204", "too large", 1},
		{"CONNECT", "CONNECT a:1 HTTP/1.1\r\n\r\n" + after, "501c", "CONNECT", 0},
		{"malformed", "GET\r\n\r\n" + after, "400c", "malformed", 0},
		{"malformed later", after + "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "204 400c", "malformed", 1},
		{"endless head", "GET / HTTP/1.1\r\n" + strings.Repeat("A: b\r\n", 60_000), "400c", "malformed", 0},
		{"torn head", after + "GET / HTTP/1.1\r\nHo", "204", "connection ended", 1},
		{"torn body", after + "POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n1234", "204", "connection ended", 1},
		{"only empty lines", "\r\n\r\n", "", "", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, Config{Limit: 100_000})
			if got := statuses(t, s.exchange(1<<20, tt.sent)); got != tt.answers && !strings.HasPrefix(tt.name, "endless") {
				t.Errorf("answers %s, want %s", got, tt.answers)
			}
			for range tt.given {
				if got := s.next(); got != after {
					t.Errorf("given %q", got)
				}
			}
			s.Close()
			wantLost(t, s, tt.reason)
			if n := s.row("requests"); n != uint64(tt.given) {
				t.Errorf("%d requests", n)
			}
			if s.used != 0 {
				t.Errorf("%d bytes are still counted as used", s.used)
			}
		})
	}
}

func TestForeignProtocols(t *testing.T) {
	for sent, row := range map[string]string{
		"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + strings.Repeat("r", 600): "connections with TLS",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n":                                        "connections with HTTP/2",
	} {
		s := start(t, Config{})
		for range 2 {
			s.exchange(1<<20, sent)
		}
		s.Close()
		if s.row(row) != 2 || len(s.log.Lines()) != 1 || s.row("lost: malformed") != 0 {
			t.Errorf("%q: counts %v, said %q", sent[:10], s.Counts(), s.log.Lines())
		}
	}
}

func TestContinue(t *testing.T) {
	s := start(t, Config{})
	c := s.dial()
	r := bufio.NewReader(c)
	fmt.Fprint(c, "POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
	for _, want := range []string{"HTTP/1.1 100 Continue\r\n", "\r\n"} {
		if line, err := r.ReadString('\n'); line != want {
			t.Fatalf("%q, %v", line, err)
		}
	}
	fmt.Fprint(c, "ab")
	if line, err := r.ReadString('\n'); line != "HTTP/1.1 204 No Content\r\n" {
		t.Fatalf("%q, %v", line, err)
	}
	if got := s.next(); !strings.HasSuffix(got, "\r\n\r\nab") {
		t.Errorf("given %q", got)
	}
}

// Slow heads, and connections that never say anything, end.
func TestSlowPeers(t *testing.T) {
	s := start(t, Config{HeadWait: 30 * time.Millisecond, IdleWait: patience})
	c := s.dial()
	fmt.Fprint(c, "GET / HT")
	if got, err := io.ReadAll(c); err != nil || statuses(t, string(got)) != "408c" {
		t.Errorf("slow: %q, %v", got, err)
	}
	wantLost(t, s, "too slow")
	idle := start(t, Config{IdleWait: 30 * time.Millisecond})
	if got, err := io.ReadAll(idle.dial()); err != nil || len(got) > 0 {
		t.Errorf("idle: %q, %v", got, err)
	}
	wantLost(t, idle, "")
}

func TestTooManyConnections(t *testing.T) {
	s := start(t, Config{MaxConns: 2})
	for range 2 {
		c := s.dial()
		fmt.Fprint(c, "GET / HTTP/1.1\r\n\r\n")
		s.next() // it has been admitted
	}
	got, err := io.ReadAll(s.dial())
	if err != nil || statuses(t, string(got)) != "503c" || s.row("connections refused") != 1 {
		t.Errorf("%q, %v, %v", got, err, s.Counts())
	}
}

// Nobody reads: requests are answered all the same, and what there is no room
// for is counted.
func TestNobodyReads(t *testing.T) {
	s := start(t, Config{MemoryWait: time.Millisecond, Bytes: 64 << 10})
	request := "POST / HTTP/1.1\r\nContent-Length: 1000\r\n\r\n" + strings.Repeat("x", 1000)
	if got := statuses(t, s.exchange(1<<20, strings.Repeat(request, 200))); got != strings.TrimSpace(strings.Repeat("204 ", 200)) {
		t.Errorf("answers %s", got)
	}
	given, lost := s.row("requests"), s.row("lost: faster than they could be passed on")
	if given+lost != 200 || lost < 100 || given < 40 {
		t.Errorf("%d given, %d lost", given, lost)
	}
	s.Close()
	for range given {
		s.next()
	}
	if _, err := s.Read(nil); !errors.Is(err, io.EOF) {
		t.Errorf("then %v", err)
	}
}

// Many large bodies at once do not take more memory than there is: those that
// find none are answered and counted, and one that is larger than all of it is
// admitted alone.
func TestMemoryIsBounded(t *testing.T) {
	s := start(t, Config{Bytes: 100_000, Limit: 1 << 20, MemoryWait: 10 * time.Millisecond})
	var conns []net.Conn
	for range 20 {
		c := s.dial()
		fmt.Fprint(c, "POST / HTTP/1.1\r\nContent-Length: 60000\r\n\r\n", strings.Repeat("x", 50_000))
		conns = append(conns, c)
	}
	full := 0
	for _, c := range conns {
		fmt.Fprint(c, strings.Repeat("x", 10_000))
		line, err := bufio.NewReader(c).ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(line, "503") {
			full++
		}
	}
	lost := int(s.row("lost: memory"))
	if full != lost || lost < 10 || lost == 20 {
		t.Errorf("%d answered with 503, %d counted", full, lost)
	}
	for _, c := range conns {
		c.Close()
	}
	s.Close()
	if s.used != 0 || len(s.turn) != 0 {
		t.Errorf("%d bytes are still counted as used, and %d beside them", s.used, len(s.turn))
	}
	alone := start(t, Config{Bytes: 100_000, Limit: 1 << 20})
	if got := statuses(t, alone.exchange(1<<20, "POST / HTTP/1.1\r\nContent-Length: 900000\r\n\r\n"+strings.Repeat("x", 900_000))); got != "204" {
		t.Errorf("the large one is answered with %s", got)
	}
	alone.next()
}

// Large bodies that come at the same time wait for each other and for Read, and
// none is lost, nor is a small one beside them.
func TestLargeBodiesWait(t *testing.T) {
	const size, uploads = 900_000, 8
	s := start(t, Config{Bytes: 100_000, Limit: 1 << 20, MemoryWait: time.Minute})
	var done sync.WaitGroup
	for i := range uploads {
		c := s.dial()
		done.Go(func() {
			length := fmt.Sprintf("Content-Length: %d\r\n\r\n", size)
			if i%2 == 1 {
				length = fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n", size)
			}
			fmt.Fprint(c, "POST / HTTP/1.1\r\n", length, strings.Repeat("x", size/2))
			fmt.Fprint(c, strings.Repeat("x", size-size/2))
			if i%2 == 1 {
				fmt.Fprint(c, "\r\n0\r\n\r\n")
			}
			if line, err := bufio.NewReader(c).ReadString('\n'); err != nil || !strings.Contains(line, "204") {
				t.Errorf("upload %d is answered with %q, %v", i, line, err)
			}
		})
	}
	small := s.dial()
	fmt.Fprint(small, "GET / HTTP/1.1\r\n\r\n")
	done.Go(func() {
		if line, err := bufio.NewReader(small).ReadString('\n'); err != nil || !strings.Contains(line, "204") {
			t.Errorf("a small one beside them is answered with %q, %v", line, err)
		}
	})
	large := 0
	for range uploads + 1 {
		if len(s.next()) > size {
			large++
		}
	}
	done.Wait()
	if large != uploads {
		t.Errorf("%d of %d came", large, uploads)
	}
}

// Heads in pieces and empty lines take no memory that is not counted.
func TestHeadsAreBounded(t *testing.T) {
	s := start(t, Config{Bytes: 100_000, MemoryWait: 10 * time.Millisecond})
	var conns []net.Conn
	for range 10 {
		c := s.dial()
		fmt.Fprint(c, "GET / HTTP/1.1\r\nA: ")
		conns = append(conns, c)
	}
	for range 40 {
		for _, c := range conns {
			_, _ = fmt.Fprint(c, strings.Repeat("x", 1000)) // or it has been refused
		}
	}
	refused := 0
	for _, c := range conns {
		c.(*net.TCPConn).CloseWrite()
		if got, _ := io.ReadAll(c); strings.HasPrefix(string(got), "HTTP/1.1 503 ") {
			refused++
		}
	}
	s.Close()
	if lost := int(s.row("lost: memory")); lost == 0 || lost+int(s.row("lost: connection ended")) != 10 || refused > lost {
		t.Errorf("%d refused; counts %v", refused, s.Counts())
	}
	if s.used != 0 {
		t.Errorf("%d bytes are still counted as used", s.used)
	}
}

func TestEmptyLinesAreDropped(t *testing.T) {
	s := start(t, Config{Limit: 4 << 10, Bytes: 16 << 10})
	if got := statuses(t, s.exchange(1000, strings.Repeat("\r\n", 100_000)+"GET / HTTP/1.1\r\n\r\n")); got != "204" {
		t.Errorf("answers %s", got)
	}
	if got := s.next(); got != "GET / HTTP/1.1\r\n\r\n" {
		t.Errorf("given %q", got)
	}
	// They are not requests: the wait for one goes on.
	idle := start(t, Config{IdleWait: 50 * time.Millisecond})
	c := idle.dial()
	ended := make(chan struct{})
	go func() { _, _ = io.Copy(io.Discard, c); close(ended) }()
	for tick := time.NewTicker(10 * time.Millisecond); ; {
		select {
		case <-ended:
			tick.Stop()
			wantLost(t, idle, "")
			return
		case <-tick.C:
			_, _ = io.WriteString(c, "\r\n")
		}
	}
}

func TestAmbiguousFramingEndsTheConnection(t *testing.T) {
	s := start(t, Config{})
	const both = "POST / HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
	forms := []string{
		both,
		"POST / HTTP/1.1\r\nX: a\r\n Content-Length: 5\r\n\r\n",
		"POST / HTTP/1.1\r\nX: a\nContent-Length: 5\r\n\r\nhello",
		"POST / HTTP/1.1\r\nX: a\rContent-Length: 5\r\n\r\n",
		"POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
		"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\nx\n0\n\n",
		"GET / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello",
	}
	for i, form := range forms {
		if got := statuses(t, s.exchange(1<<20, form+"GET /smuggled HTTP/1.1\r\n\r\n")); got != "204c" {
			t.Errorf("%q: answers %s", form, got)
		}
		if got := s.next(); got != form {
			t.Errorf("given %q, want %q", got, form)
		}
		if n := s.row("ambiguous framing"); n != uint64(i+1) {
			t.Errorf("%q: %d counted as ambiguous, want %d", form, n, i+1)
		}
	}
	s.Close()
	if s.row("requests") != uint64(len(forms)) {
		t.Errorf("counts %v", s.Counts())
	}
}

// TestAmbiguousFramingOfWhatIsTooLarge: nothing of it is kept, and it ends the
// connection all the same.
func TestAmbiguousFramingOfWhatIsTooLarge(t *testing.T) {
	long := strings.Repeat("x", 3000)
	for form, want := range map[string]string{
		"POST / HTTP/1.1\r\nContent-Length: 3000\r\n\r\n" + long:                                "413 204",
		"POST / HTTP/1.1\r\nX: a\nContent-Length: 3000\r\n\r\n" + long:                          "413c",
		"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nbb8;a\n" + long + "\r\n0\r\n\r\n": "413c",
	} {
		s := start(t, Config{Limit: 1000})
		if got := statuses(t, s.exchange(1<<20, form+"GET / HTTP/1.1\r\n\r\n")); got != want {
			t.Errorf("%.60q: answers %s, want %s", form, got, want)
		}
	}
}

func TestServingAllocatesLittle(t *testing.T) {
	s := start(t, Config{})
	c := s.dial()
	request := []byte("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	buf, record := make([]byte, 1000), make([]byte, 1000)
	if n := testing.AllocsPerRun(500, func() {
		c.Write(request)
		if _, err := c.Read(buf); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Read(record); err != nil {
			t.Fatal(err)
		}
	}); n > 0.5 {
		t.Errorf("%v allocations a request", n)
	}
}

// FuzzServe: whatever is sent, in whatever pieces, ends in whole requests, as a
// parser of all of it finds them, each with an answer, and nothing is kept.
func FuzzServe(f *testing.F) {
	f.Add([]byte("GET / HTTP/1.1\r\n\r\nPOST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcGE"), uint8(3))
	f.Add([]byte("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n\r\nCONNECT a HTTP/1.1\r\n\r\n"), uint8(50))
	f.Add(append([]byte("POST / HTTP/1.1\r\nContent-Length: 9000\r\n\r\n"), bytes.Repeat([]byte("x"), 9100)...), uint8(200))
	f.Fuzz(func(t *testing.T, in []byte, piece uint8) {
		const limit = 4 << 10
		s := &Server{cfg: Config{Limit: limit, Bytes: 16 << 10, IdleWait: patience, HeadWait: patience, Logf: t.Logf},
			q: newQueue(1 << 20), counts: newCounts(), closing: make(chan struct{}), conns: map[net.Conn]*admission.Conn{}}
		s.reader.Queue = s.q
		ours, theirs := net.Pipe()
		place, _ := admission.New(1, patience).Admit(theirs.RemoteAddr(), nil, time.Now())
		var wg sync.WaitGroup
		wg.Go(func() { (&conn{s: s, c: theirs, place: place, id: 1}).serve(); theirs.Close() })
		wg.Go(func() {
			for at := 0; at < len(in); at += int(piece) + 1 {
				if _, err := ours.Write(in[at:min(at+int(piece)+1, len(in))]); err != nil {
					break
				}
			}
			// Its answers are read before the end is seen.
			_ = ours.SetReadDeadline(time.Now().Add(patience))
			ours.Close()
		})
		go io.Copy(io.Discard, ours)
		wg.Wait()
		s.q.Close()
		var got []string
		buf := make([]byte, 64<<10)
		for {
			n, err := s.Read(buf)
			if err != nil {
				break
			}
			got = append(got, string(payload.Body(buf[:n])))
		}
		want := wholeRequests(in, limit)
		if len(got) > len(want) || fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want[:len(got)]) {
			t.Fatalf("given %q of %q", got, want)
		}
		if s.used != 0 {
			t.Fatalf("%d bytes are still counted as used", s.used)
		}
		if n := stats.Sum(s.Counts()); n > 0 && len(in) == 0 {
			t.Fatalf("counts %v", s.Counts())
		}
	})
}

func wholeRequests(in []byte, limit int) (list []string) {
	var p http1.Parser
	for len(in) > 0 {
		p.ResetRequest()
		n, done, err := p.Feed(in)
		if err != nil || !done || p.Head().IsConnect {
			return list
		}
		if n-p.Lead() <= limit {
			if http1.RequestAmbiguity(in[p.Lead():n]) != http1.Plain {
				p.Head().CloseAfter = true
			}
			list = append(list, string(in[p.Lead():n]))
		}
		if p.Head().CloseAfter {
			return list
		}
		in = in[n:]
	}
	return list
}
