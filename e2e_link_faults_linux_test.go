package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/buger/gor/internal/link"
	"github.com/buger/gor/internal/payload"
)

// faultMessagesVar is how many messages TestLinkFaults sends.
const faultMessagesVar = "GOR_FAULT_MESSAGES"

// A feed is numbered messages on their way to a Gor, and how many of them it
// has acknowledged. It hands them out evenly until all is over.
type feed struct {
	n     int
	every time.Duration // between two

	mu       sync.Mutex
	given    int
	released int
	began    time.Time
	open     bool
}

func (f *feed) message(i int) []byte {
	msg := payload.AppendMeta(nil, payload.Meta{
		Type: payload.Request, ID: payload.AppendID(nil, uint64(i/8), uint32(i%8)),
		Time: 1_700_000_000_000_000_000 + int64(i), Length: -1,
	})
	return fmt.Appendf(msg, "GET /%d HTTP/1.1\r\nHost: faults\r\n\r\n", i)
}

func (f *feed) Take(dst [][]byte, cancel <-chan struct{}) (n int, more bool) {
	for {
		f.mu.Lock()
		due := f.n
		if f.open {
			due = min(f.n, int(time.Since(f.began)/f.every)+1)
		}
		for n < len(dst) && f.given < due {
			dst[n] = f.message(f.given)
			f.given++
			n++
		}
		over := f.given == f.n
		f.mu.Unlock()
		if n > 0 || over || len(dst) == 0 {
			return n, !over || n > 0
		}
		select {
		case <-cancel:
			return 0, true
		case <-time.After(time.Millisecond):
		}
	}
}

func (f *feed) Release(n int) {
	f.mu.Lock()
	f.released += n
	f.mu.Unlock()
}

func (f *feed) acknowledged() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.released
}

// TestLinkFaults: over a chain of two hosts, sender -> relay -> recorder, with
// a spill at the relay, the recorder is killed and started again ten times, the
// wire between them is cut, and the relay is ended and killed. Every message
// that was acknowledged to the sender is in the recording at least once, with
// its content, and what is there twice was on its way when something was
// killed. Nothing else is there, and afterwards all goes on.
func TestLinkFaults(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root, for two hosts and a wire")
	}
	n := 20_000
	if s := os.Getenv(faultMessagesVar); s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil || n < 1000 {
			t.Fatalf("%s is %q: want a number of messages, such as 200000", faultMessagesVar, s)
		}
	}
	wire := newWire(t)
	dir := t.TempDir()
	out, spillDir := filepath.Join(dir, "out.gor"), filepath.Join(dir, "spill")
	at := net.JoinHostPort(wire.Far.IPv4, "28020")
	recorder := func() *process {
		p := spawn(t, "gor", wire.Far.Prefix(), nil, "--input-tcp", at, "--output-file", out, "--output-file-flush-interval", "100ms")
		p.await("gor: to ")
		return p
	}
	relay := func() *process {
		p := spawn(t, "gor", wire.Near.Prefix(), nil, "--input-tcp", "127.0.0.1:28021", "--output-tcp", at, "--output-tcp-spill", spillDir)
		p.await("gor: to ")
		return p
	}
	kill := func(p *process) {
		p.cmd.Process.Kill()
		<-p.ended
	}
	set := func(state string) {
		if text, err := exec.Command(wire.Near.Prefix()[0], "-n", wire.Near.Name, "link", "set", "veth0", state).CombinedOutput(); err != nil {
			t.Fatalf("set the wire %s: %v: %s", state, err, text)
		}
	}

	r, s := recorder(), relay()
	f := &feed{n: n, every: 10 * time.Second / time.Duration(n), began: time.Now(), open: true}
	sender := link.NewSender(link.SenderConfig{
		Dial: func(context.Context) (net.Conn, error) { return wire.Near.Dial("127.0.0.1:28021") },
		Logf: func(string, ...any) {},
	}, f)
	defer sender.Close()
	random := rand.New(rand.NewPCG(1, uint64(n)))
	pause := func() { time.Sleep(100*time.Millisecond + time.Duration(random.IntN(400))*time.Millisecond) }
	for i := range 10 {
		pause()
		kill(r)
		pause()
		switch i {
		case 2, 7:
			s.stop()
			s = relay()
		case 4, 8:
			kill(s)
			s = relay()
		}
		r = recorder()
		if i == 5 {
			pause()
			set("down")
			time.Sleep(time.Second)
			set("up")
		}
	}
	select {
	case <-sender.Done():
	case <-time.After(testTimeout):
		t.Fatalf("%d of %d messages are acknowledged", f.acknowledged(), n)
	}
	if got := f.acknowledged(); got != n {
		t.Errorf("%d messages acknowledged at the end, want %d", got, n)
	}

	// What comes after the last fault passes, behind what the relay still has.
	fresh := &feed{n: n + 1, given: n}
	last := link.NewSender(link.SenderConfig{
		Dial: func(context.Context) (net.Conn, error) { return wire.Near.Dial("127.0.0.1:28021") },
	}, fresh)
	select {
	case <-last.Done():
	case <-time.After(testTimeout):
		t.Fatal("a fresh message is not acknowledged")
	}
	eventually(t, "the spill is sent", func() bool { return len(must1(filepath.Glob(filepath.Join(spillDir, "*", "*.gor")))) == 0 })
	s.cmd.Process.Signal(syscall.SIGINT)
	if code := s.wait(); code != 0 {
		t.Errorf("the relay's exit code is %d", code)
	}
	r.stop()

	got, metas := readAfterKills(t, out)
	seen := make([]int, n+1)
	foreign, twice := 0, 0
	for i := range got {
		k := numberOf(f, metas[i].ID)
		if k < 0 || k > n || !bytes.Equal(got[i], payload.Body(f.message(k))) {
			foreign++
			continue
		}
		if seen[k]++; seen[k] > 1 {
			twice++
		}
	}
	missing := 0
	for _, c := range seen {
		if c == 0 {
			missing++
		}
	}
	if missing > 0 || foreign > 0 {
		t.Errorf("%d messages are missing, %d are foreign", missing, foreign)
	}
	t.Logf("%d messages, %d missing, %d foreign, %d came again after something was killed", n+1, missing, foreign, twice)
}

// numberOf tells which message of a feed has the id.
func numberOf(f *feed, id []byte) int {
	if len(id) != 24 {
		return -1
	}
	conn, err1 := strconv.ParseUint(string(id[:16]), 16, 32)
	ordinal, err2 := strconv.ParseUint(string(id[16:]), 16, 8)
	if err1 != nil || err2 != nil || ordinal > 7 {
		return -1
	}
	return int(conn)*8 + int(ordinal)
}

// readAfterKills reads a recording whose writers were killed: torn records are
// no error.
func readAfterKills(t *testing.T, name string) (bodies [][]byte, metas []payload.Meta) {
	t.Helper()
	f, err := os.Open(name)
	must(t, err)
	defer f.Close()
	src, err := payload.Open(f, name, 0)
	must(t, err)
	for {
		msg, err := src.Next()
		if err != nil {
			return bodies, metas
		}
		meta, body, err := payload.Split(msg)
		must(t, err)
		meta.ID = bytes.Clone(meta.ID)
		bodies, metas = append(bodies, bytes.Clone(body)), append(metas, meta)
	}
}

// TestLinkRestarts: ended in good order and started again, neither end of the
// link has anything twice or loses anything.
func TestLinkRestarts(t *testing.T) {
	const n = 6000
	dir := t.TempDir()
	out, spillDir := filepath.Join(dir, "out.gor"), filepath.Join(dir, "spill")
	at, from := freePort(t), freePort(t)
	recorder := func() *process { return startGor(t, "--input-tcp", at, "--output-file", out) }
	relay := func() *process {
		return startGor(t, "--input-tcp", from, "--output-tcp", at, "--output-tcp-spill", spillDir)
	}
	r, s := recorder(), relay()
	f := &feed{n: n, every: 3 * time.Second / n, began: time.Now(), open: true}
	sender := link.NewSender(link.SenderConfig{
		Dial: func(context.Context) (net.Conn, error) { return net.Dial("tcp", from) },
	}, f)
	defer sender.Close()
	await := func(count int) {
		eventually(t, "messages are acknowledged", func() bool { return f.acknowledged() >= count })
	}
	for i := 1; i <= 3; i++ {
		await(i * n / 10)
		s.stop() // while the recorder takes all
		s = relay()
		await(i*n/10 + n/20)
		r.stop()
		s.stop() // while there is none
		s = relay()
		r = recorder()
	}
	await(n)
	eventually(t, "the spill is sent", func() bool { return len(must1(filepath.Glob(filepath.Join(spillDir, "*", "*.gor")))) == 0 })
	s.stop()
	r.stop()
	got, metas := readRecording(t, out, '1')
	seen := make([]int, n)
	for i := range got {
		if k := numberOf(f, metas[i].ID); k >= 0 && k < n && bytes.Equal(got[i], payload.Body(f.message(k))) {
			seen[k]++
		} else {
			t.Errorf("a foreign message: %q", got[i])
		}
	}
	wrong := 0
	for k, c := range seen {
		if c != 1 {
			if wrong++; wrong < 5 {
				t.Errorf("message %d is there %d times", k, c)
			}
		}
	}
	if wrong > 0 {
		t.Errorf("%d of %d messages are not there once", wrong, n)
	}
}
