package main

import (
	"bytes"
	"encoding/gob"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/buger/gor/internal/payload"
)

// replayTimes are the known irregular times of a recording: bursts, short
// pauses and a few long ones.
func replayTimes(n int) []time.Duration {
	random := rand.New(rand.NewPCG(3, 4))
	times := make([]time.Duration, n)
	at := time.Duration(0)
	for i := range times {
		times[i] = at
		switch random.IntN(10) {
		case 0: // a burst: the next one comes at once
		case 1:
			at += time.Duration(30+random.IntN(50)) * time.Millisecond
		default:
			at += time.Duration(100+random.IntN(12_000)) * time.Microsecond
		}
	}
	return times
}

// TestReplayKeepsTime reports how far each arrival at the receiver is from
// its time. Loaded machines are late now and then, so what fails the test is
// only what noise cannot explain; the figures are for the reader.
func TestReplayKeepsTime(t *testing.T) {
	const n = 200
	times := replayTimes(n)
	requests := make([][]byte, n)
	for i := range requests {
		requests[i] = fmt.Appendf(nil, "GET /%d HTTP/1.1\r\nHost: prod\r\nX-Number: %d\r\n\r\n", i, i)
	}
	file := writeFile(t, filepath.Join(t.TempDir(), "in.gor"), record(requests, times))
	span := times[n-1]
	for _, test := range []struct {
		limit  string
		factor float64 // of the recorded times
	}{
		{"", 1}, {"|200%", 0.5}, {"|max", 0},
	} {
		target := startSink(t)
		if code, said := runGor(t, "--input-file", file+test.limit, "--output-http", target.addr()); code != 0 {
			t.Fatalf("exit %d:\n%s", code, said)
		}
		got := target.arrivals()
		wantSame(t, allWithoutHost(raws(got)), allWithoutHost(requests))
		if len(got) != n {
			t.FailNow()
		}
		// The offset of the whole replay is unknown: take the median's.
		off := make([]time.Duration, n)
		for _, a := range got {
			i := number(t, a.raw)
			off[i] = a.at.Sub(got[0].at) - time.Duration(float64(times[i])*test.factor)
		}
		sorted := slices.Sorted(slices.Values(off))
		median := sorted[n/2]
		errors := make([]time.Duration, n)
		for i := range off {
			errors[i] = (off[i] - median).Abs()
		}
		slices.Sort(errors)
		took := got[n-1].at.Sub(got[0].at)
		t.Logf("%-6s %d requests, recorded over %s, took %s; error p50 %s p90 %s p99 %s max %s",
			test.limit, n, span, took, errors[n/2], errors[n*9/10], errors[n*99/100], errors[n-1])
		if test.limit == "|max" {
			if took > span/2 {
				t.Errorf("|max took %s, the recording %s", took, span)
			}
			continue
		}
		if want := time.Duration(float64(span) * test.factor); took < want*9/10 {
			t.Errorf("%s: took %s, want %s", test.limit, took, want)
		}
	}
}

// TestReplayOldRecordings: gob of Gor 0.9 and text with three, four and five
// fields.
func TestReplayOldRecordings(t *testing.T) {
	type RawRequest struct {
		Timestamp int64
		Request   []byte
	}
	var old bytes.Buffer
	enc := gob.NewEncoder(&old)
	must(t, enc.Encode(RawRequest{1400000000000000000, []byte("GET / HTTP/1.1\r\n\r\n")}))
	must(t, enc.Encode(RawRequest{1400000000500000000, []byte("GET /2 HTTP/1.1\r\n\r\n")}))
	if want := "\x31\x7f\x03\x01\x01\x0aRawRequest"; !strings.HasPrefix(old.String(), want) {
		t.Fatalf("gob begins % x, want % x", old.Bytes()[:16], want)
	}
	text := func(fields string) []byte {
		var b strings.Builder
		for i, target := range []string{"/", "/2"} {
			raw := "GET " + target + " HTTP/1.1\r\n\r\n"
			header := fmt.Sprintf("1 %040x %d", i, 1400000000000000000+int64(i)*500_000_000)
			switch fields {
			case "4":
				header += " 1234"
			case "5":
				header += fmt.Sprintf(" 1234 %d", len(raw))
			}
			b.WriteString(header + "\n" + raw + payload.Separator)
		}
		return []byte(b.String())
	}
	dir := t.TempDir()
	for name, content := range map[string][]byte{
		"gob":           old.Bytes(),
		"three fields":  text("3"),
		"four fields":   text("4"),
		"five fields":   text("5"),
		"two gob files": append(bytes.Clone(old.Bytes()), old.Bytes()...),
	} {
		target := startSink(t)
		file := writeFile(t, filepath.Join(dir, "x.gor"), content)
		code, said := runGor(t, "--input-file", file+"|max", "--output-http", target.addr())
		if code != 0 {
			t.Errorf("%s: exit %d:\n%s", name, code, said)
			continue
		}
		times := 1
		if name == "two gob files" {
			times = 2
		}
		var targets []string
		for _, a := range target.arrivals() {
			line, _, _ := bytes.Cut(a.raw, []byte("\r\n"))
			targets = append(targets, string(line))
		}
		slices.Sort(targets)
		want := slices.Repeat([]string{"GET / HTTP/1.1", "GET /2 HTTP/1.1"}, times)
		slices.Sort(want)
		if !slices.Equal(targets, want) {
			t.Errorf("%s: %q, want %q\n%s", name, targets, want, said)
		}
	}
}

// TestRecordAndReplayCompressed takes a recording through both compressions.
func TestRecordAndReplayCompressed(t *testing.T) {
	dir := t.TempDir()
	requests := numberedRequests(60, "prod")
	in := writeFile(t, dir+"/in.gor", record(requests, make([]time.Duration, len(requests))))
	for _, suffix := range []string{".gor", ".gor.gz", ".gor.zst"} {
		out := dir + "/out" + suffix
		for range 2 { // the second run appends
			if code, said := runGor(t, "--input-file", in+"|max", "--output-file", out); code != 0 {
				t.Fatalf("%s: exit %d:\n%s", suffix, code, said)
			}
		}
		got, _ := readRecording(t, out, payload.Request)
		wantSame(t, got, append(slices.Clone(requests), requests...))
		if info, err := os.Stat(out); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v, %v; want 0600", suffix, info.Mode(), err)
		}
	}
}

// slowAndDead are the two outputs that must not harm a third: a port where
// nobody listens, and a server that never answers.
func slowAndDead(t *testing.T) []string {
	return []string{"--output-http", freePort(t), "--output-http", startMute(t).addr()}
}

// steady makes n requests, one every gap.
func steady(n int, gap time.Duration) (requests [][]byte, times []time.Duration) {
	for i := range n {
		requests = append(requests, fmt.Appendf(nil, "GET /%d HTTP/1.1\r\nHost: prod\r\nX-Number: %d\r\n\r\n", i, i))
		times = append(times, time.Duration(i)*gap)
	}
	return requests, times
}

// wantUndelayed wants all requests at the target, and says how long each
// took to get there after it was sent; none may have waited for another
// output's timeout, which is five seconds.
func wantUndelayed(t *testing.T, target *sink, requests [][]byte, sent func(i int) time.Time) {
	t.Helper()
	got := target.await(t, len(requests))
	wantSame(t, allWithoutHost(raws(got)), allWithoutHost(requests))
	late := make([]time.Duration, len(got))
	for i, a := range got {
		late[i] = a.at.Sub(sent(number(t, a.raw)))
	}
	slices.Sort(late)
	t.Logf("delay p50 %s p99 %s max %s", late[len(late)/2], late[len(late)*99/100], late[len(late)-1])
	if worst := late[len(late)-1]; worst > 2*time.Second {
		t.Errorf("a request came %s late", worst)
	}
}

const (
	strangerRequests = 800
	strangerGap      = 3 * time.Millisecond
)

func TestDeadAndSilentOutputsHarmNobodyFromFile(t *testing.T) {
	requests, times := steady(strangerRequests, strangerGap)
	file := writeFile(t, filepath.Join(t.TempDir(), "in.gor"), record(requests, times))
	target := startSink(t)
	gor := startGor(t, append(slowAndDead(t), "--output-http", target.addr(), "--input-file", file)...)
	first := target.await(t, 1)[0]
	start := first.at.Add(-times[number(t, first.raw)])
	wantUndelayed(t, target, requests, func(i int) time.Time { return start.Add(times[i]) })
	gor.cmd.Process.Signal(os.Interrupt) // the silent one's timeouts need not be waited for
	gor.wait()
	wantSums(t, gor.said())
}

func TestDeadAndSilentOutputsHarmNobodyFromLink(t *testing.T) {
	requests, times := steady(strangerRequests, strangerGap)
	file := writeFile(t, filepath.Join(t.TempDir(), "in.gor"), record(requests, times))
	target := startSink(t)
	link := freePort(t)
	gor := startGor(t, append(slowAndDead(t), "--output-http", target.addr(), "--input-tcp", link)...)
	sender := startGor(t, "--input-file", file, "--output-tcp", link)
	first := target.await(t, 1)[0]
	start := first.at.Add(-times[number(t, first.raw)])
	wantUndelayed(t, target, requests, func(i int) time.Time { return start.Add(times[i]) })
	gor.cmd.Process.Signal(os.Interrupt)
	gor.wait()
	wantSums(t, gor.said())
	sender.cmd.Process.Signal(os.Interrupt)
	sender.wait()
}

func TestDeadAndSilentOutputsHarmNobodyFromCapture(t *testing.T) {
	needCapture(t)
	requests, times := steady(strangerRequests, strangerGap)
	target, production := startSink(t), startSink(t)
	// A capture sheds what has no place in the queue: it bridges what a machine
	// that is busy with other tests takes away.
	gor := startGor(t, append(slowAndDead(t), "--output-http", target.addr(), "--output-http-queue-len", "2000", "--input-raw", production.addr())...)
	// A replay is the load generator: it sends at known times.
	file := writeFile(t, filepath.Join(t.TempDir(), "in.gor"), record(requests, times))
	if code, said := runGor(t, "--input-file", file, "--output-http", production.addr(), "--http-original-host"); code != 0 {
		t.Fatalf("exit %d:\n%s", code, said)
	}
	sent := map[int]time.Time{}
	for _, a := range production.arrivals() {
		sent[number(t, a.raw)] = a.at
	}
	wantUndelayed(t, target, requests, func(i int) time.Time { return sent[i] })
	gor.cmd.Process.Signal(os.Interrupt)
	gor.wait()
	wantSums(t, gor.said())
}

func TestSplitOutputSharesEqually(t *testing.T) {
	requests, times := steady(1000, 0)
	file := writeFile(t, filepath.Join(t.TempDir(), "in.gor"), record(requests, times))
	a, b := startSink(t), startSink(t)
	code, said := runGor(t, "--input-file", file, "--output-http", a.addr(), "--output-http", b.addr(), "--split-output", "true", "--on-full", "wait")
	if code != 0 {
		t.Fatalf("exit %d:\n%s", code, said)
	}
	if na, nb := len(a.arrivals()), len(b.arrivals()); na != 500 || nb != 500 {
		t.Errorf("%d and %d requests, want 500 each:\n%s", na, nb, said)
	}
	wantSame(t, allWithoutHost(raws(append(a.arrivals(), b.arrivals()...))), allWithoutHost(requests))
	wantSums(t, said)
}

func TestHashFilterKeepsTheSameUsersInTwoRuns(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	var requests [][]byte
	for i := range 2000 {
		requests = append(requests, fmt.Appendf(nil, "GET /%d HTTP/1.1\r\nHost: prod\r\nuser-id: %d\r\n\r\n", i, random.Uint64()))
	}
	file := writeFile(t, filepath.Join(t.TempDir(), "in.gor"), record(requests, make([]time.Duration, len(requests))))
	run := func() [][]byte {
		out := filepath.Join(t.TempDir(), "out.gor")
		if code, said := runGor(t, "--input-file", file+"|max", "--output-file", out, "--output-http-header-hash-filter", "user-id:1/4"); code != 0 {
			t.Fatalf("exit %d:\n%s", code, said)
		}
		got, _ := readRecording(t, out, payload.Request)
		return got
	}
	first, second := run(), run()
	wantSame(t, second, first)
	if len(first) < 420 || len(first) > 580 {
		t.Errorf("%d of 2000 random users kept, want about 500", len(first))
	}
}
