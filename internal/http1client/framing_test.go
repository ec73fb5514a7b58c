package http1client

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/buger/gor/internal/evloop"
	"github.com/buger/gor/internal/outbound"
	"github.com/buger/gor/internal/testkit"
)

// framingRequests is how many requests go to each server: some hundreds, or as
// many as GOR_FRAMING_REQUESTS says.
func framingRequests(t *testing.T) int {
	n, err := strconv.Atoi(os.Getenv("GOR_FRAMING_REQUESTS"))
	if err != nil {
		return 400
	}
	return n
}

const nodeEcho = `
require('http').createServer((req, res) => {
  req.resume();
  req.on('end', () => res.end('mark=' + (req.headers['x-mark'] || '') + ';'));
}).listen(process.argv[2], '127.0.0.1');
`

// TestNoAnswerToAnotherRequest: requests with one reading and with several,
// each of which may hide a second request, over few kept connections. What
// answers a request with one reading has its mark.
func TestNoAnswerToAnotherRequest(t *testing.T) {
	t.Run("net/http", func(t *testing.T) {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			fmt.Fprintf(w, "mark=%s;", r.Header.Get("X-Mark"))
		}))
		defer server.Close()
		checkMarks(t, server.Listener.Addr().String())
	})
	t.Run("a reader that knows one form", func(t *testing.T) {
		target := testkit.StartTarget(t, func(c net.Conn, _ int) { answerLiterally(c) })
		checkMarks(t, target.Address())
	})
	t.Run("node", func(t *testing.T) {
		node := testkit.NeedTool(t, "node", "nodejs")
		addr := testkit.FreePort(t)
		cmd := exec.Command(node, testkit.WriteFile(t, filepath.Join(t.TempDir(), "echo.js"), []byte(nodeEcho)), testkit.PortOf(t, addr))
		testkit.Must(t, cmd.Start())
		t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
		testkit.Eventually(t, "node listens", func() bool {
			c, err := net.Dial("tcp", addr)
			if err == nil {
				c.Close()
			}
			return err == nil
		})
		checkMarks(t, addr)
	})
	t.Run("nginx", func(t *testing.T) {
		addr := testkit.FreePort(t)
		testkit.StartNginx(t, nil, "  server {\n    listen "+addr+";\n    location / { return 200 \"mark=$http_x_mark;\"; }\n  }\n")
		checkMarks(t, addr)
	})
}

// answerLiterally serves as the simplest of servers do: its lines end in CRLF,
// it knows a Content-Length of POST and PUT in one spelling and nothing else
// but "Transfer-Encoding: chunked", and it takes a while for what was hidden.
func answerLiterally(c net.Conn) {
	r := bufio.NewReader(c)
	line := func() (string, error) {
		var b strings.Builder
		for !strings.HasSuffix(b.String(), "\r\n") {
			next, err := r.ReadByte()
			if err != nil {
				return "", err
			}
			b.WriteByte(next)
		}
		return strings.TrimSuffix(b.String(), "\r\n"), nil
	}
	for {
		first, err := line()
		if err != nil {
			return
		}
		mark, length, chunked := "", 0, false
		for {
			text, err := line()
			if err != nil {
				return
			}
			if text == "" {
				break
			}
			if value, ok := strings.CutPrefix(text, "X-Mark: "); ok {
				mark = value
			}
			if value, ok := strings.CutPrefix(text, "Content-Length: "); ok && first[0] == 'P' {
				length, _ = strconv.Atoi(value)
			}
			chunked = chunked || text == "Transfer-Encoding: chunked" && first[0] == 'P'
		}
		_ = c.SetReadDeadline(time.Now().Add(50 * time.Millisecond)) // the body came with the head, or never comes
		for chunked {
			text, err := line()
			if err != nil {
				return
			}
			size, _ := strconv.ParseInt(text, 16, 32)
			if _, err := io.CopyN(io.Discard, r, size+2); err != nil || size == 0 {
				chunked = false
			}
		}
		if _, err := io.CopyN(io.Discard, r, int64(length)); err != nil {
			return
		}
		_ = c.SetReadDeadline(time.Time{})
		if mark == "hidden" {
			<-time.After(2 * time.Millisecond)
		}
		fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\nmark=%s;", len(mark)+6, mark)
	}
}

func checkMarks(t *testing.T, addr string) {
	loops := new(evloop.Loops)
	t.Cleanup(loops.Close)
	c := testConfig(t, addr)
	c.Keeper, c.Loops = keepsAll{}, loops
	client := New(c)
	type marked struct{ raw, mark string } // mark is empty for a request with several readings
	requests := make(chan marked)
	var connections sync.WaitGroup
	var mu sync.Mutex
	good, wrong := 0, 0
	for range 3 {
		connections.Go(func() {
			var mark string // of the request under way
			var again bool  // it was not sent: its connect took too long, as on a machine that halts
			s := newWaiting(client, func(r Result) {
				mu.Lock()
				defer mu.Unlock()
				if again = r.Outcome == outbound.ConnectTimeout; again || mark == "" {
					return
				}
				if good++; r.Outcome != outbound.Delivered || !strings.Contains(string(r.Answer), "mark="+mark+";") {
					if wrong++; wrong < 5 {
						t.Errorf("%s, and the answer to %s is %q", r.Outcome, mark, r.Answer)
					}
				}
			})
			defer s.Close()
			for request := range requests {
				mark = request.mark
				for again = true; again; {
					s.send(request.raw)
				}
			}
		})
	}
	random := rand.New(rand.NewPCG(1, 2))
	plain := 0
	for i := range framingRequests(t) {
		mark := fmt.Sprintf("m%d", i)
		raw, one := mixedRequest(random, mark)
		if one {
			plain++
		} else {
			mark = ""
		}
		requests <- marked{raw, mark}
	}
	close(requests)
	connections.Wait()
	ambiguous := client.Counts().Ambiguous.Load()
	if good != plain || wrong > 0 || ambiguous == 0 {
		t.Errorf("%d wrong answers to %d requests of %d; %d were ambiguous", wrong, good, plain, ambiguous)
	}
	t.Logf("%d requests with one reading, %d ambiguous, in %d connections", good, ambiguous, client.Counts().Connections.Load())
}

// mixedRequest makes a request, half of them with one reading.
func mixedRequest(random *rand.Rand, mark string) (raw string, plain bool) {
	const hidden = "GET /hidden HTTP/1.1\r\nHost: a\r\nX-Mark: hidden\r\n\r\n"
	length, chunked := fmt.Sprintf("Content-Length: %d", len(hidden)), fmt.Sprintf("%x", len(hidden))
	if random.IntN(2) == 0 {
		switch random.IntN(3) {
		case 0:
			return fmt.Sprintf("GET /%s HTTP/1.1\r\nHost: a\r\nX-Mark: %s\r\n\r\n", mark, mark), true
		case 1:
			return fmt.Sprintf("POST /%s HTTP/1.1\r\nHost: a\r\nX-Mark: %s\r\n%s\r\n\r\n%s", mark, mark, length, hidden), true
		default:
			return fmt.Sprintf("PUT /%s HTTP/1.1\r\nHost: a\r\nX-Mark: %s\r\nTransfer-Encoding: chunked\r\n\r\n%s\r\n%s\r\n0\r\n\r\n", mark, mark, chunked, hidden), true
		}
	}
	coded := chunked + "\r\n" + hidden + "\r\n0\r\n\r\n"
	forms := [][2]string{
		{"X: a\r\n " + length, ""}, {"X: a\n" + length, hidden}, {"X: a\r" + length, ""}, {": a\r\n" + length, hidden},
		{"Content-Length:\r\n " + strconv.Itoa(len(hidden)), hidden}, {length + ", " + strconv.Itoa(len(hidden)), hidden},
		{length + "\r\n" + length, hidden}, {"Content-Length : " + strconv.Itoa(len(hidden)), hidden}, {"Content-Length: 0" + strconv.Itoa(len(hidden)), hidden},
		{length + "\r\nTransfer-Encoding: chunked", coded}, {"Transfer-Encoding: gzip, chunked", coded}, {"Transfer-Encoding: identity, chunked", coded},
		{"Transfer-Encoding:\r\n chunked", coded}, {"Transfer-Encoding : chunked", coded}, {"X: a\nTransfer-Encoding: chunked", coded},
		{"Transfer-Encoding: chunked", chunked + ";\n" + hidden + "\r\n0\r\n\r\n"}, {"Transfer-Encoding: chunked", chunked + "\n" + hidden + "\n0\n\n"},
		{"Transfer-Encoding: chunked", chunked + " \r\n" + hidden + "\r\n0\r\n\r\n"}, {"X: \x00\r\n" + length, hidden}, {"no colon\r\n" + length, hidden},
		{"Content_Length: " + strconv.Itoa(len(hidden)), ""}, {"Expect: x\r\n" + length, hidden}, {"Connection: Content-Length\r\n" + length, hidden},
	}
	form := forms[random.IntN(len(forms))]
	method := []string{"POST", "POST", "GET", "DELETE"}[random.IntN(4)]
	proto := []string{"1.1", "1.1", "1.1", "1.0"}[random.IntN(4)]
	return fmt.Sprintf("%s /ambiguous HTTP/%s\r\nHost: a\r\nX-Mark: ambiguous\r\n%s\r\n\r\n%s", method, proto, form[0], form[1]), false
}
