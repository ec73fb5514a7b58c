package main

import (
	"fmt"
	"io"
	"math"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/buger/gor/internal/answers"
	"github.com/buger/gor/internal/ledger"
	"github.com/buger/gor/internal/outbound"
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/stats"
	"github.com/buger/gor/internal/testkit"
)

// binaryRig is an output with what it says.
type binaryRig struct {
	*binaryOutput
	t   *testing.T
	log testkit.Log
}

func newBinaryRig(t *testing.T, addr string, change func(s *Settings)) *binaryRig {
	t.Helper()
	rig := &binaryRig{t: t}
	s := defaultSettings()
	if change != nil {
		change(s)
	}
	env := testEnv(t, io.Discard)
	env.Logf = rig.log.Logf
	out, err := openOutput(pluginArg{"output-binary", addr}, s, env)
	testkit.Must(t, err)
	t.Cleanup(func() { out.Close() })
	rig.binaryOutput = out.(*binaryOutput)
	return rig
}

// put writes a message for each of n connections, the first of that number.
func (rig *binaryRig) put(first, n int, kind byte) {
	rig.t.Helper()
	for i := first; i < first+n; i++ {
		msg := payload.AppendMeta(nil, payload.Meta{Type: payload.Request, ID: payload.AppendID(nil, uint64(i), 1), Time: 1, Length: -1})
		_, err := rig.Write(append(msg, testkit.Turn(kind, i)...))
		testkit.Must(rig.t, err)
	}
}

// A target that is down costs its messages, but not a connect for each, and is
// told of once; what comes when it is back goes to it.
func TestBinaryDeadTarget(t *testing.T) {
	addr, listen := testkit.ReserveListener(t, 100)
	rig := newBinaryRig(t, addr, func(s *Settings) { s.binary.Workers = 20 }) // so many may try before the first has failed
	var dials atomic.Int64
	rig.dial = testkit.CountDials(rig.dial, &dials)
	const n = 500
	rig.put(0, n, 'a')
	testkit.Must(t, rig.Settle(nil))
	failed := rig.failures.Get(outbound.Refused) + rig.failures.Get(outbound.Down)
	if failed != n || rig.failures.Get(outbound.Refused) == 0 {
		t.Errorf("counts %v, want %d refused or target down", rig.Counts(), n)
	}
	if d := dials.Load(); d > 40 {
		t.Errorf("%d attempts to connect", d)
	}
	server := testkit.TakeTurns(t, listen())
	extra := 0
	testkit.Eventually(t, "a message is answered", func() bool {
		rig.put(n+extra, 1, 'a')
		extra++
		testkit.Must(t, rig.Settle(nil))
		return rig.delivered.Load() == 1
	})
	if sum := stats.Sum(rig.Counts()); sum != uint64(n+extra) || len(server.Seen()) != 1 {
		t.Errorf("counts %v of %d, %d connections", rig.Counts(), n+extra, len(server.Seen()))
	}
	if said := rig.log.Lines(); len(said) != 2 || !strings.Contains(said[0], "connection refused") || !strings.Contains(said[1], "takes connections again") {
		t.Errorf("said %q", said)
	}
}

// A target that is away for a moment loses nothing.
func TestBinaryTargetComesBack(t *testing.T) {
	// Messages wait half a second for a target that is down.
	testkit.InSomeRun(t, 50*time.Millisecond, func() error {
		addr, listen := testkit.ReserveListener(t, 100)
		rig := newBinaryRig(t, addr, nil)
		var dials atomic.Int64
		rig.dial = testkit.CountDials(rig.dial, &dials)
		rig.put(0, 50, 'a')
		testkit.Eventually(t, "an attempt to connect", func() bool { return dials.Load() > 0 })
		server := testkit.TakeTurns(t, listen())
		testkit.Must(t, rig.Settle(nil))
		if rows, n := ledger.Words(rig.Counts()), len(server.Seen()); rows != "50 delivered" || n != 50 {
			return fmt.Errorf("counts %s, over %d connections", rows, n)
		}
		return nil
	})
}

// Answers that were passed on take no more of the memory that all connections
// share, though these stay open; and the time in which no more came is not part
// of their duration.
func TestBinaryAnswersAreDoneWith(t *testing.T) {
	server := testkit.StartTurns(t, "127.0.0.1:0")
	rig := newBinaryRig(t, server.Addr().String(), func(s *Settings) { s.binary.TrackResponse = true })
	var bytes int
	least := int64(math.MaxInt64)
	in := rig.Responses()
	passed := make(chan int, 1)
	go func() {
		buf := make([]byte, 1<<20)
		for n := 0; ; n++ {
			size, err := in.Read(buf)
			if err != nil {
				passed <- n
				return
			}
			meta, body, _ := payload.Split(buf[:size])
			bytes += len(body)
			least = min(least, meta.Duration)
		}
	}()
	const waves, each = 2, 12 // of 300 kB: a wave takes most of it
	for wave := range waves {
		rig.put(wave*each, each, 'l')
		testkit.Must(t, rig.Settle(nil))
		if kept := rig.responses.Kept(); kept != 0 {
			t.Errorf("%d bytes are kept of answers that were passed on", kept)
		}
	}
	testkit.Must(t, in.Close())
	if n := <-passed; n != waves*each || bytes < answers.Memory*3/2 {
		t.Errorf("%d answers, %d bytes, want %d: %v", n, bytes, waves*each, in.Counts())
	}
	if d := time.Duration(least); d <= 0 || d >= 200*time.Millisecond {
		t.Errorf("the quickest answer took %s", d)
	}
}

// What a target says when nobody has asked takes no memory.
func TestBinaryUnaskedIsDropped(t *testing.T) {
	idle, said := make(chan struct{}), make(chan error, 1)
	target := testkit.StartTarget(t, func(c net.Conn, _ int) {
		if _, err := c.Read(make([]byte, 4<<10)); err != nil {
			return
		}
		io.WriteString(c, "ok")
		<-idle
		_, err := c.Write(make([]byte, 32<<20)) // more than the sockets hold: it was read
		said <- err
		io.Copy(io.Discard, c)
	})
	rig := newBinaryRig(t, target.Address(), func(s *Settings) { s.binary.TrackResponse = true })
	rig.put(0, 1, 'a')
	testkit.Must(t, rig.Settle(nil))
	close(idle)
	testkit.Must(t, <-said)
	if kept := rig.responses.Kept(); kept != 0 {
		t.Errorf("%d bytes are kept", kept)
	}
	testkit.Must(t, rig.Responses().Close())
	buf := make([]byte, 4<<10)
	n, err := rig.Responses().Read(buf)
	if body := payload.Body(buf[:n]); err != nil || string(body) != "ok" {
		t.Errorf("the answer is %q, %v", body, err)
	}
}

// Close ends what waits for an answer.
func TestBinaryCloseCutsOff(t *testing.T) {
	server := testkit.StartTurns(t, "127.0.0.1:0")
	s := defaultSettings()
	s.binary.Timeout = time.Hour
	out, err := openOutput(pluginArg{"output-binary", server.Addr().String()}, s, testEnv(t, io.Discard))
	testkit.Must(t, err)
	msg := payload.AppendMeta(nil, payload.Meta{Type: payload.Request, ID: payload.AppendID(nil, 1, 1), Time: 1, Length: -1})
	for range 3 {
		_, err = out.Write(append(msg, testkit.Turn('s', 1)...))
		testkit.Must(t, err)
	}
	testkit.Eventually(t, "the first message is there", func() bool { s := server.Seen(); return len(s) == 1 && len(s[0]) == 1 })
	testkit.Must(t, out.Close())
	if rows := ledger.Words(out.Counts()); rows != "3 unsent" {
		t.Errorf("counts %s", rows)
	}
}
