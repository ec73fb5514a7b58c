package payload

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

const (
	id1 = "00112233445566778899aabb"
	id2 = "f45590522cd1838b4a0d5c5aab80b77929dea3b3"

	get  = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
	get2 = "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n"
	head = "1 " + id1 + " 1400000000000000000 1000\n"
)

// post returns a request whose framing covers body.
func post(body string) string {
	return "POST /p HTTP/1.1\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body
}

// rec returns payload as a record with a length.
func rec(payload string) string { return string(AppendRecord(nil, []byte(head+payload))) }

// withLength returns payload as a record whose header says that it has n bytes.
func withLength(n int64, payload string) string {
	return strings.TrimSuffix(head, "\n") + " " + strconv.FormatInt(n, 10) + "\n" + payload + Separator
}

// old returns payload as a record without a length.
func old(payload string) string { return head + payload + Separator }

// drain returns all messages of s. It fails when they do not end with io.EOF, twice.
func drain(t testing.TB, s Source) []string {
	t.Helper()
	var got []string
	for {
		msg, err := s.Next()
		if err != nil {
			if _, again := s.Next(); err != io.EOF || again != io.EOF {
				t.Fatalf("Next: %v, then %v, want io.EOF twice", err, again)
			}
			return got
		}
		got = append(got, string(msg))
	}
}

// bodies returns the payloads of messages.
func bodies(t testing.TB, messages []string) []string {
	t.Helper()
	var got []string
	for _, m := range messages {
		_, body, err := Split([]byte(m))
		if err != nil {
			t.Fatalf("Split(%q): %v", m, err)
		}
		got = append(got, string(body))
	}
	return got
}

func equal(t testing.TB, got, want []string) {
	t.Helper()
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			t.Fatalf("message %d: got %.300q, want %.300q", i, got[i], want[i])
		}
	}
	if len(got) != len(want) {
		t.Fatalf("%d messages, want %d: got %.600q, want %.600q", len(got), len(want), fmt.Sprint(got), fmt.Sprint(want))
	}
}

// pieces is a reader that gives a few bytes at a time.
type pieces struct {
	data []byte
	rng  *rand.Rand
	most int
}

func inPieces(data []byte, most int) *pieces {
	return &pieces{data, rand.New(rand.NewPCG(1, uint64(len(data)))), most}
}

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.data) == 0 {
		return 0, io.EOF
	}
	n := copy(b, p.data[:min(len(p.data), 1+p.rng.IntN(p.most))])
	p.data = p.data[n:]
	return n, nil
}

// failing gives its bytes and then its error.
type failing struct {
	r   io.Reader
	err error
}

func (f *failing) Read(b []byte) (int, error) {
	n, err := f.r.Read(b)
	if err == io.EOF {
		err = f.err
	}
	return n, err
}

var errBroken = errors.New("broken")
