package e2e

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/testkit"
)

// A stream sends numbered requests to an --input-tcp as an older Gor does, a
// burst each millisecond, until the connection breaks or it is stopped.
type stream struct {
	conn net.Conn
	run  uint64
	stop chan struct{}
	over chan struct{}
	sent []time.Time // of each request, by its number; valid once it is over
}

const streamBurst = 5

func startStream(t *testing.T, addr string, run uint64) *stream {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	testkit.Must(t, err)
	s := &stream{conn: conn, run: run, stop: make(chan struct{}), over: make(chan struct{})}
	go s.send()
	t.Cleanup(func() { s.conn.Close(); <-s.over })
	return s
}

func (s *stream) send() {
	defer close(s.over)
	defer s.conn.Close()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	var buf []byte
	for {
		select {
		case <-tick.C:
		case <-s.stop:
			return
		}
		now := time.Now()
		buf = buf[:0]
		for range streamBurst {
			n := len(s.sent)
			msg := payload.AppendMeta(nil, payload.Meta{Type: payload.Request, ID: payload.AppendID(nil, s.run, uint32(n)), Time: now.UnixNano(), Duration: -1, Length: -1})
			buf = payload.AppendRecord(buf, fmt.Appendf(msg, "GET /%d HTTP/1.1\r\nHost: %s\r\n\r\n", n, "a.example.com"))
			s.sent = append(s.sent, now)
		}
		if _, err := s.conn.Write(buf); err != nil {
			return
		}
	}
}

// latest is the longest that nothing was sent until it was killed: how busy the
// machine was.
func (s *stream) latest(killed time.Time) (gap time.Duration) {
	for i := range s.sent[1:] {
		if s.sent[i+1].Before(killed) {
			gap = max(gap, s.sent[i+1].Sub(s.sent[i]))
		}
	}
	return gap
}

var streamTarget = regexp.MustCompile(`GET /(\d+) HTTP`)

// numbersOf returns the numbers of that run's requests in a recording, in
// their order, and how many records were cut off or damaged.
func numbersOf(t *testing.T, name string, run uint64) (numbers []int, bad int64) {
	t.Helper()
	info, err := os.Stat(name)
	testkit.Must(t, err)
	if info.Size() == 0 {
		return nil, 0
	}
	msgs, damage := testkit.ReadBack(t, name)
	conn := payload.ConnPart(payload.AppendID(nil, run, 0))
	for _, msg := range msgs {
		m := streamTarget.FindSubmatch(msg)
		if m == nil {
			t.Fatalf("%s holds %q", name, msg)
		}
		if !bytes.Equal(payload.ConnPart(payload.ID(msg)), conn) {
			continue
		}
		n, err := strconv.Atoi(string(m[1]))
		testkit.Must(t, err)
		numbers = append(numbers, n)
	}
	if damage.TooLarge+damage.Stale > 0 {
		t.Errorf("%s: %s", name, damage)
	}
	return numbers, damage.Damaged + damage.Torn
}

// TestFileOutputKilled kills a recorder 50 times, at random moments: all that
// was there before stays as it was, what was recorded can be read to its end,
// without holes, and what is missing is what came in the last interval.
func TestFileOutputKilled(t *testing.T) {
	const (
		rounds   = 50
		interval = 20 * time.Millisecond
		grace    = 30 * time.Millisecond  // the way there, and a busy machine
		long     = 100 * time.Millisecond // a round that tells something of the interval
		busy     = 10 * time.Millisecond  // a stream that ticks later than that has a machine that tells nothing
	)
	kinds := []struct {
		pattern string
		args    []string
	}{
		{"x.gor", nil},
		{"x.gor.gz", nil},
		{"x.gor.zst", nil},
		{"x.gor", []string{"--output-file-size-limit", "20kb"}},
		{"x.gor.gz", []string{"--output-file-queue-limit", "200"}},
	}
	random := rand.New(rand.NewPCG(1, uint64(time.Now().UnixNano())))
	dirs := make([]string, len(kinds))
	bad := make([]int64, len(kinds))
	longRounds, late, lost := 0, 0, 0
	for round := range rounds {
		which := round % len(kinds)
		kind := kinds[which]
		if dirs[which] == "" {
			dirs[which] = t.TempDir()
		}
		dir := dirs[which]
		before := testkit.Contents(t, dir)
		addr := testkit.FreePort(t)
		gor := testkit.StartGor(t, append([]string{"--input-tcp", addr, "--output-file", filepath.Join(dir, kind.pattern),
			"--output-file-flush-interval", interval.String()}, kind.args...)...)
		s := startStream(t, addr, uint64(round)+1)
		moment := time.NewTimer(time.Duration(random.Int64N(int64(160 * time.Millisecond))))
		<-moment.C
		killed := time.Now()
		testkit.Must(t, gor.Cmd.Process.Kill())
		<-gor.Ended
		s.conn.Close()
		<-s.over

		for name, content := range before {
			now, err := os.ReadFile(name)
			testkit.Must(t, err)
			if !bytes.HasPrefix(now, content) {
				t.Fatalf("round %d: what was in %s has changed", round, name)
			}
			if len(kind.args) > 0 && len(now) != len(content) {
				t.Fatalf("round %d: the chunk %s was opened again", round, name)
			}
		}
		got := map[int]bool{}
		spoilt := int64(0)
		for _, name := range testkit.FilesIn(t, dir) {
			numbers, n := numbersOf(t, filepath.Join(dir, name), s.run)
			spoilt += n
			for i, n := range numbers {
				if i > 0 && n != numbers[i-1]+1 || got[n] {
					t.Fatalf("round %d: %s has request %d after %d", round, name, n, numbers[i-1])
				}
				got[n] = true
			}
		}
		if spoilt > bad[which]+1 {
			t.Errorf("round %d: the kill spoilt %d records, want one at most, cut off", round, spoilt-bad[which])
		}
		bad[which] = spoilt
		for n := range len(got) {
			if !got[n] {
				t.Fatalf("round %d: %d requests are there, but not the one with number %d", round, len(got), n)
			}
		}
		lost += len(s.sent) - len(got)
		if len(s.sent) == 0 || killed.Sub(s.sent[0]) < long || s.latest(killed) > busy || len(kind.args) > 0 {
			continue // a chunk that is full is written whatever the interval
		}
		longRounds++
		if len(got) < len(s.sent) {
			if missing := killed.Sub(s.sent[len(got)]); missing > interval+grace {
				late++
				t.Logf("round %d: %s before it was killed is missing", round, missing)
			}
		}
	}
	t.Logf("%d of %d long rounds miss more than an interval; %d requests lost in all; cut off: %d", late, longRounds, lost, bad)
	// When the interval means nothing, what came in a second is missing in each round.
	if longRounds > 2 && late == longRounds {
		t.Errorf("in %d of %d rounds more is missing than came in an interval of %s", late, longRounds, interval)
	}
}

// TestFileOutputHangup is what logrotate does: it renames the file, sends
// SIGHUP, and has all that came before in the old file and the rest in a new
// one.
func TestFileOutputHangup(t *testing.T) {
	for _, kind := range []struct {
		first, next string
		args        []string
	}{
		{"x.gor", "x.gor", nil},
		{"x_0.gor.gz", "x_1.gor.gz", []string{"--output-file-size-limit", "1gb"}},
	} {
		t.Run(kind.first, func(t *testing.T) {
			dir := t.TempDir()
			addr := testkit.FreePort(t)
			pattern := "x" + filepath.Ext(kind.first)
			if pattern == "x.gz" {
				pattern = "x.gor.gz"
			}
			gor := testkit.StartGor(t, append([]string{"--input-tcp", addr, "--output-file", filepath.Join(dir, pattern), "--output-file-flush-interval", "5ms"}, kind.args...)...)
			s := startStream(t, addr, 1)
			first, renamed, next := filepath.Join(dir, kind.first), filepath.Join(dir, "old-"+kind.first), filepath.Join(dir, kind.next)
			sizeOf := func(name string) int64 {
				info, err := os.Stat(name)
				if err != nil {
					return 0
				}
				return info.Size()
			}
			testkit.Eventually(t, "a record", func() bool { return sizeOf(first) > 0 })
			testkit.Must(t, os.Rename(first, renamed))
			size := sizeOf(renamed)
			testkit.Eventually(t, "a record in the renamed file", func() bool { return sizeOf(renamed) > size })
			testkit.Must(t, gor.Cmd.Process.Signal(syscall.SIGHUP))
			testkit.Eventually(t, "a record in the new file", func() bool { return sizeOf(next) > 0 })
			close(s.stop)
			<-s.over
			gor.Stop()
			testkit.WantSums(t, gor.Stderr())
			var all []int
			for _, name := range []string{renamed, next} {
				numbers, bad := numbersOf(t, name, s.run)
				if bad > 0 {
					t.Errorf("%s: %d records are damaged", name, bad)
				}
				all = append(all, numbers...)
			}
			for i, n := range all {
				if n != i {
					t.Fatalf("request %d at %d", n, i)
				}
			}
			if got := testkit.FilesIn(t, dir); len(got) != 2 {
				t.Errorf("files %q", got)
			}
		})
	}
}
