package e2e

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
	"github.com/buger/gor/internal/testkit"
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
	file := testkit.WriteFile(t, filepath.Join(t.TempDir(), "in.gor"), testkit.Recording(requests, times))
	span := times[n-1]
	// Without waiting a recording of minutes is over in a moment.
	for i := range times {
		times[i] *= 1000
	}
	long := testkit.WriteFile(t, filepath.Join(t.TempDir(), "long.gor"), testkit.Recording(requests, times))
	for i := range times {
		times[i] /= 1000
	}
	for _, test := range []struct {
		file   string
		factor float64 // of the recorded times
	}{
		{file, 1}, {file + "|200%", 0.5}, {long + "|max", 0},
	} {
		target, began := testkit.StartSink(t), time.Now()
		if code, said := testkit.RunGor(t, "--input-file", test.file, "--output-http", target.Addr()); code != 0 {
			t.Fatalf("exit %d:\n%s", code, said)
		}
		got := target.Arrivals()
		testkit.WantSame(t, testkit.AllWithoutHost(testkit.Raws(got)), testkit.AllWithoutHost(requests))
		if len(got) != n {
			t.FailNow()
		}
		// The offset of the whole replay is unknown: take the median's.
		off := make([]time.Duration, n)
		for _, a := range got {
			i := testkit.Number(t, a.Raw)
			off[i] = a.At.Sub(got[0].At) - time.Duration(float64(times[i])*test.factor)
		}
		sorted := slices.Sorted(slices.Values(off))
		median := sorted[n/2]
		errors := make([]time.Duration, n)
		for i := range off {
			errors[i] = (off[i] - median).Abs()
		}
		slices.Sort(errors)
		// The first one may be late, and is never early.
		took := got[n-1].At.Sub(began)
		t.Logf("%s: %d requests, recorded over %s, took %s; error p50 %s p90 %s p99 %s max %s",
			filepath.Base(test.file), n, span, took, errors[n/2], errors[n*9/10], errors[n*99/100], errors[n-1])
		if want := time.Duration(float64(span) * test.factor); took < want {
			t.Errorf("%s: took %s, want %s", test.file, took, want)
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
	testkit.Must(t, enc.Encode(RawRequest{1400000000000000000, []byte("GET / HTTP/1.1\r\n\r\n")}))
	testkit.Must(t, enc.Encode(RawRequest{1400000000500000000, []byte("GET /2 HTTP/1.1\r\n\r\n")}))
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
		target := testkit.StartSink(t)
		file := testkit.WriteFile(t, filepath.Join(dir, "x.gor"), content)
		code, said := testkit.RunGor(t, "--input-file", file+"|max", "--output-http", target.Addr())
		if code != 0 {
			t.Errorf("%s: exit %d:\n%s", name, code, said)
			continue
		}
		times := 1
		if name == "two gob files" {
			times = 2
		}
		var targets []string
		for _, a := range target.Arrivals() {
			line, _, _ := bytes.Cut(a.Raw, []byte("\r\n"))
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
	requests := testkit.NumberedRequests(60, "prod")
	in := testkit.WriteFile(t, dir+"/in.gor", testkit.Recording(requests, make([]time.Duration, len(requests))))
	for _, suffix := range []string{".gor", ".gor.gz", ".gor.zst"} {
		out := dir + "/out" + suffix
		for range 2 { // the second run appends
			if code, said := testkit.RunGor(t, "--input-file", in+"|max", "--output-file", out); code != 0 {
				t.Fatalf("%s: exit %d:\n%s", suffix, code, said)
			}
		}
		got, _ := testkit.ReadRecording(t, out, payload.Request)
		testkit.WantSame(t, got, append(slices.Clone(requests), requests...))
		if info, err := os.Stat(out); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v, %v; want 0600", suffix, info.Mode(), err)
		}
	}
}

// slowAndDead are the two outputs that must not harm a third: a port where
// nobody listens, and a server that never answers. What is left for them at the
// end is not waited for long, and for an answer it would be.
func slowAndDead(t *testing.T) []string {
	return []string{"--output-http", testkit.FreePort(t), "--output-http", testkit.StartMute(t).Addr(), "--drain-timeout", "1s", "--output-http-timeout", outputTimeout.String()}
}

// outputTimeout is how long the outputs of these tests wait for an answer.
const outputTimeout = 10 * time.Minute

// wantUndelayed wants all requests at the target, and says how long each
// took to get there after it was sent; none may have waited for another
// output's timeout, which is outputTimeout.
func wantUndelayed(t *testing.T, target *testkit.Sink, requests [][]byte, sent func(i int) time.Time) {
	t.Helper()
	got := target.Await(t, len(requests))
	testkit.WantSame(t, testkit.AllWithoutHost(testkit.Raws(got)), testkit.AllWithoutHost(requests))
	late := make([]time.Duration, len(got))
	for i, a := range got {
		late[i] = a.At.Sub(sent(testkit.Number(t, a.Raw)))
	}
	slices.Sort(late)
	t.Logf("delay p50 %s p99 %s max %s", late[len(late)/2], late[len(late)*99/100], late[len(late)-1])
	if worst := late[len(late)-1]; worst > outputTimeout/10 {
		t.Errorf("a request came %s late", worst)
	}
}

const (
	strangerRequests = 800
	strangerGap      = 3 * time.Millisecond
)

func TestDeadAndSilentOutputsHarmNobodyFromFile(t *testing.T) {
	t.Parallel()
	requests, times := testkit.Steady(strangerRequests, strangerGap)
	file := testkit.WriteFile(t, filepath.Join(t.TempDir(), "in.gor"), testkit.Recording(requests, times))
	target := testkit.StartSink(t)
	gor := testkit.StartGor(t, append(slowAndDead(t), "--output-http", target.Addr(), "--input-file", file)...)
	first := target.Await(t, 1)[0]
	start := first.At.Add(-times[testkit.Number(t, first.Raw)])
	wantUndelayed(t, target, requests, func(i int) time.Time { return start.Add(times[i]) })
	gor.Cmd.Process.Signal(os.Interrupt) // the silent one's timeouts need not be waited for
	gor.Wait()
	testkit.WantSums(t, gor.Stderr())
}

func TestDeadAndSilentOutputsHarmNobodyFromLink(t *testing.T) {
	t.Parallel()
	requests, times := testkit.Steady(strangerRequests, strangerGap)
	file := testkit.WriteFile(t, filepath.Join(t.TempDir(), "in.gor"), testkit.Recording(requests, times))
	target := testkit.StartSink(t)
	link := testkit.FreePort(t)
	gor := testkit.StartGor(t, append(slowAndDead(t), "--output-http", target.Addr(), "--input-tcp", link)...)
	sender := testkit.StartGor(t, "--input-file", file, "--output-tcp", link, "--drain-timeout", "1s")
	first := target.Await(t, 1)[0]
	start := first.At.Add(-times[testkit.Number(t, first.Raw)])
	wantUndelayed(t, target, requests, func(i int) time.Time { return start.Add(times[i]) })
	gor.Cmd.Process.Signal(os.Interrupt)
	gor.Wait()
	testkit.WantSums(t, gor.Stderr())
	sender.Cmd.Process.Signal(os.Interrupt)
	sender.Wait()
}

func TestDeadAndSilentOutputsHarmNobodyFromCapture(t *testing.T) {
	testkit.NeedCapture(t)
	requests, times := testkit.Steady(strangerRequests, strangerGap)
	target, production := testkit.StartSink(t), testkit.StartSink(t)
	// A capture sheds what has no place in the queue: it bridges what a machine
	// that is busy with other tests takes away.
	gor := testkit.StartGor(t, append(slowAndDead(t), "--output-http", target.Addr(), "--output-http-queue-len", "2000", "--input-raw", production.Addr())...)
	// A replay is the load generator: it sends at known times.
	file := testkit.WriteFile(t, filepath.Join(t.TempDir(), "in.gor"), testkit.Recording(requests, times))
	if code, said := testkit.RunGor(t, "--input-file", file, "--output-http", production.Addr(), "--http-original-host"); code != 0 {
		t.Fatalf("exit %d:\n%s", code, said)
	}
	sent := map[int]time.Time{}
	for _, a := range production.Arrivals() {
		sent[testkit.Number(t, a.Raw)] = a.At
	}
	wantUndelayed(t, target, requests, func(i int) time.Time { return sent[i] })
	gor.Cmd.Process.Signal(os.Interrupt)
	gor.Wait()
	testkit.WantSums(t, gor.Stderr())
}

func TestSplitOutputSharesEqually(t *testing.T) {
	requests, times := testkit.Steady(1000, 0)
	file := testkit.WriteFile(t, filepath.Join(t.TempDir(), "in.gor"), testkit.Recording(requests, times))
	a, b := testkit.StartSink(t), testkit.StartSink(t)
	code, said := testkit.RunGor(t, "--input-file", file, "--output-http", a.Addr(), "--output-http", b.Addr(), "--split-output", "true", "--on-full", "wait")
	if code != 0 {
		t.Fatalf("exit %d:\n%s", code, said)
	}
	if na, nb := len(a.Arrivals()), len(b.Arrivals()); na != 500 || nb != 500 {
		t.Errorf("%d and %d requests, want 500 each:\n%s", na, nb, said)
	}
	testkit.WantSame(t, testkit.AllWithoutHost(testkit.Raws(append(a.Arrivals(), b.Arrivals()...))), testkit.AllWithoutHost(requests))
	testkit.WantSums(t, said)
}

func TestHashFilterKeepsTheSameUsersInTwoRuns(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	var requests [][]byte
	for i := range 2000 {
		requests = append(requests, fmt.Appendf(nil, "GET /%d HTTP/1.1\r\nHost: prod\r\nuser-id: %d\r\n\r\n", i, random.Uint64()))
	}
	file := testkit.WriteFile(t, filepath.Join(t.TempDir(), "in.gor"), testkit.Recording(requests, make([]time.Duration, len(requests))))
	run := func() [][]byte {
		out := filepath.Join(t.TempDir(), "out.gor")
		if code, said := testkit.RunGor(t, "--input-file", file+"|max", "--output-file", out, "--output-http-header-hash-filter", "user-id:1/4"); code != 0 {
			t.Fatalf("exit %d:\n%s", code, said)
		}
		got, _ := testkit.ReadRecording(t, out, payload.Request)
		return got
	}
	first, second := run(), run()
	testkit.WantSame(t, second, first)
	if len(first) < 420 || len(first) > 580 {
		t.Errorf("%d of 2000 random users kept, want about 500", len(first))
	}
}
