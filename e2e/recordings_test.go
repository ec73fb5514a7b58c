package e2e

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/testkit"
)

// TestOldRecordings reads what Gor 0.9 and GoReplay wrote. testdata/recordings
// has a file in each of their forms, made by what is known of these: an
// encoding/gob stream, and text whose header lines changed over time.
func TestOldRecordings(t *testing.T) {
	const (
		form = "POST /form HTTP/1.1\r\nHost: prod.example.com\r\nContent-Length: 12\r\n\r\na=\x00\n\r\n\n\xff🐵"
		a    = "GET /a HTTP/1.1\r\nHost: prod.example.com\r\nUser-Agent: curl/7.38.0\r\n\r\n"
		ok   = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
	)
	one, two := "1 1400000000000000000 -1 GET / HTTP/1.1\r\n\r\n", "1 1400000000500000000 -1 GET /2 HTTP/1.1\r\n\r\n"
	first, last := "1 1439818823587396305 0 "+a, "1 1439818824000000000 150 "+form
	response, replayed := "2 1439818823600000000 2782013 "+ok, "3 1439818824000000000 3000001 "+ok
	for _, test := range []struct {
		name string
		want []string // type, time, duration and payload of each record
		says string
	}{
		{"gor-0.9.gor", []string{one, two}, ""},
		{"gor-0.9-twice.gor", []string{one, one, two, two}, ""},
		// Responses had no time, and requests no duration. They take the time
		// of the record before.
		{"goreplay-0.10.gor", []string{
			"1 1439818823587396305 -1 " + a, "2 1439818823587396305 2782013 " + ok, "3 1439818823587396305 3000001 " + ok, "1 1439818824000000000 -1 " + form,
		}, ""},
		{"goreplay-0.15.gor", []string{"1 1439818823587396305 2000 " + a, response, replayed}, ""},
		{"goreplay-1.3.gor", []string{first, response, replayed, last}, ""},
		{"goreplay-1.3.gor.gz", []string{first, response, replayed, last}, ""},
		{"goreplay-1.3-cut.gor.gz", []string{first, response, replayed}, "torn"},
		{"goreplay-1.3-killed.gor", []string{first, response, replayed}, "torn"},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newFlagTest(t)
			r := f.ok("--input-file", filepath.Join("testdata", "recordings", test.name)+"|max", "--output-stdout").says(test.says)
			bodies, metas := r.records()
			var got []string
			for i, m := range metas {
				got = append(got, fmt.Sprintf("%c %d %d %s", m.Type, m.Time, m.Duration, bodies[i]))
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got %q\nwant %q\n%s", got, test.want, r.stderr)
			}
		})
	}
}

// An oldRecord is a record as GoReplay 1.x understands it.
type oldRecord struct {
	kind, id string
	time     int64
	body     []byte
}

// readOld reads records as 1.x does: they end at a separator, the first line
// is a header whose fields stand between spaces, and a record that has fewer
// than three of them is passed over.
func readOld(stream []byte) (records []oldRecord) {
	for {
		part, rest, whole := bytes.Cut(stream, []byte(payload.Separator))
		if !whole {
			return records
		}
		stream = rest
		header, body, _ := bytes.Cut(part, []byte("\n"))
		fields := strings.Split(string(header), " ")
		if len(fields) < 3 {
			continue
		}
		at, err := strconv.ParseInt(fields[2], 10, 64)
		if err != nil {
			at = 0
		}
		records = append(records, oldRecord{fields[0], fields[1], at, body})
	}
}

// TestOldReadersUnderstandUs: recordings, plain and compressed, and stdout are
// as GoReplay 1.x reads them.
func TestOldReadersUnderstandUs(t *testing.T) {
	f := newFlagTest(t)
	requests := gets(30)
	requests = append(requests, []byte("POST / HTTP/1.1\r\nHost: prod\r\nContent-Length: 9\r\n\r\n\n\x00\r\n🐵\xff"))
	dir := t.TempDir()
	text, packed := filepath.Join(dir, "x.gor"), filepath.Join(dir, "x.gor.gz")
	r := f.ok("--input-file", f.recording(time.Millisecond, requests...)+"|max", "--output-file", text, "--output-file", packed, "--output-stdout")
	zipped, err := gzip.NewReader(bytes.NewReader(must1(os.ReadFile(packed))))
	testkit.Must(t, err)
	_, metas := r.records()
	for name, stream := range map[string][]byte{"text": must1(os.ReadFile(text)), "gzip": must1(io.ReadAll(zipped)), "stdout": []byte(r.stdout)} {
		got := readOld(stream)
		if len(got) != len(requests) {
			t.Errorf("%s: %d records, want %d", name, len(got), len(requests))
			continue
		}
		for i, record := range got {
			if record.kind != "1" || record.id != string(metas[i].ID) || record.time != metas[i].Time || !bytes.Equal(record.body, requests[i]) {
				t.Errorf("%s: record %d is %+v", name, i, record)
			}
		}
	}
}

// TestOldLink: over a plain connection GoReplay 1.x understands us, and we
// understand it.
func TestOldLink(t *testing.T) {
	t.Parallel()
	f := newFlagTest(t)
	requests := gets(100)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	testkit.Must(t, err)
	defer l.Close()
	var stream []byte
	var receiving sync.WaitGroup
	receiving.Go(func() { // reads, and never writes
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		stream, _ = io.ReadAll(conn)
	})
	f.ok("--input-file", f.recording(0, requests...)+"|max", "--output-tcp", l.Addr().String()).says("does not acknowledge messages", "100 delivered")
	receiving.Wait()
	var got [][]byte
	for _, record := range readOld(stream) {
		got = append(got, record.body)
	}
	testkit.WantSame(t, got, requests)

	addr, out := testkit.FreePort(t), filepath.Join(t.TempDir(), "out.gor")
	receiver := testkit.StartGor(t, "--input-tcp", addr, "--output-file", out, "--output-file-flush-interval", "5ms")
	conn, err := net.Dial("tcp", addr)
	testkit.Must(t, err)
	for i, raw := range requests { // writes, and never reads
		_, err := fmt.Fprintf(conn, "1 %024x 1700000000000000000 0\n%s%s", i, raw, payload.Separator)
		testkit.Must(t, err)
	}
	testkit.Must(t, conn.Close())
	testkit.AwaitRecords(t, out, len(requests))
	receiver.Stop()
	got, _ = testkit.ReadRecording(t, out, payload.Request)
	testkit.WantSame(t, got, requests)
}

// peerVar names another program, such as GoReplay 1.3, that is to understand
// what we write and whose recordings and messages we are to understand.
const peerVar = "PEER"

// TestPeerRecordings has recordings go from us to another program and back.
func TestPeerRecordings(t *testing.T) {
	p := newPeer(t)
	ours := p.ours()
	for name, file := range ours {
		t.Run("it reads our "+name, func(t *testing.T) {
			var stdout testkit.LockedBuffer
			gor := p.start(t, &stdout, "--input-file", file, "--output-stdout")
			testkit.Eventually(t, "the records are on its stdout", func() bool { return len(readOld(stdout.Bytes())) >= len(p.requests) })
			p.end(gor)
			p.wantBodies(t, readOld(stdout.Bytes()))
		})
		t.Run("it records our "+name+", and we read that", func(t *testing.T) {
			for _, suffix := range []string{".gor", ".gor.gz"} {
				f, out := newFlagTest(t), filepath.Join(t.TempDir(), "peer"+suffix)
				var stdout testkit.LockedBuffer
				gor := p.start(t, &stdout, "--input-file", file, "--output-file", out, "--output-file-append", "--output-stdout")
				testkit.Eventually(t, "the records are on its stdout", func() bool { return len(readOld(stdout.Bytes())) >= len(p.requests) })
				p.end(gor)
				bodies, _ := f.ok("--input-file", out+"|max", "--output-stdout").records()
				testkit.WantSame(t, bodies, p.requests)
			}
		})
	}
}

// TestPeerLink has messages go over the link to another program and back.
func TestPeerLink(t *testing.T) {
	p := newPeer(t)
	t.Run("it receives what we send", func(t *testing.T) {
		f, addr := newFlagTest(t), testkit.FreePort(t)
		var stdout testkit.LockedBuffer
		gor := p.start(t, &stdout, "--input-tcp", addr, "--output-stdout")
		testkit.Eventually(t, "it listens", func() bool { return listens(addr) })
		f.ok("--input-file", p.ours()["text"]+"|max", "--output-tcp", addr)
		testkit.Eventually(t, "the records are on its stdout", func() bool { return len(readOld(stdout.Bytes())) >= len(p.requests) })
		p.end(gor)
		p.wantBodies(t, readOld(stdout.Bytes()))
	})
	t.Run("we receive what it sends", func(t *testing.T) {
		addr, out := testkit.FreePort(t), filepath.Join(t.TempDir(), "out.gor")
		receiver := testkit.StartGor(t, "--input-tcp", addr, "--output-file", out, "--output-file-flush-interval", "5ms")
		gor := p.start(t, nil, "--input-file", p.ours()["text"], "--output-tcp", addr)
		testkit.AwaitRecords(t, out, len(p.requests))
		p.end(gor)
		receiver.Stop()
		bodies, _ := testkit.ReadRecording(t, out, payload.Request)
		testkit.WantSame(t, bodies, p.requests)
	})
}

type peer struct {
	t        *testing.T
	program  string
	requests [][]byte
}

func newPeer(t *testing.T) *peer {
	t.Helper()
	program := os.Getenv(peerVar)
	if program == "" {
		t.Skipf("it needs another program: %s=/path/to/gor go test -run '^%s$' ./e2e", peerVar, t.Name())
	}
	path, err := exec.LookPath(program)
	testkit.Must(t, err)
	p := &peer{t: t, program: path, requests: gets(40)}
	p.requests = append(p.requests, []byte("POST / HTTP/1.1\r\nHost: prod\r\nContent-Length: 9\r\n\r\n\n\x00\r\n🐵\xff"))
	return p
}

// ours is a recording of ours, as text and compressed. Its times are some
// milliseconds apart.
func (p *peer) ours() map[string]string {
	p.t.Helper()
	f, dir := newFlagTest(p.t), p.t.TempDir()
	text, packed := filepath.Join(dir, "ours.gor"), filepath.Join(dir, "ours.gor.gz")
	f.ok("--input-file", f.recording(time.Millisecond, p.requests...)+"|max", "--output-file", text, "--output-file", packed)
	return map[string]string{"text": text, "gzip": packed}
}

func (p *peer) start(t *testing.T, stdout io.Writer, args ...string) *testkit.Process {
	t.Helper()
	return testkit.SpawnProgram(t, nil, p.program, nil, nil, stdout, args...)
}

// end interrupts the program, which may have ended by itself. Its exit code is
// its own affair.
func (p *peer) end(gor *testkit.Process) {
	gor.Cmd.Process.Signal(os.Interrupt)
	gor.Wait()
}

func (p *peer) wantBodies(t *testing.T, records []oldRecord) {
	t.Helper()
	var got [][]byte
	for _, record := range records {
		got = append(got, record.body)
	}
	testkit.WantSame(t, got, p.requests)
}

func listens(addr string) bool {
	conn, err := net.Dial("tcp", addr)
	if err == nil {
		conn.Close()
	}
	return err == nil
}

// TestDamageIsToldWithItsBytes: what of a recording cannot be replayed is told
// with how many bytes that is, and where they stand.
func TestDamageIsToldWithItsBytes(t *testing.T) {
	whole := testkit.Recording(testkit.NumberedRequests(1, "a"), []time.Duration{0})
	file := filepath.Join(t.TempDir(), "hurt.gor")
	hurt := slices.Concat(whole, bytes.Repeat([]byte("x"), 12_000), whole)
	testkit.WriteFile(t, file, hurt)
	code, said := testkit.RunGor(t, "--input-file", file+"|max", "--output-null")
	if want := fmt.Sprintf("skipped (at byte %d): 12", len(whole)); code != exitOK || !strings.Contains(said, want) || !strings.Contains(said, fmt.Sprintf(" kB from byte %d", len(whole))) {
		t.Errorf("exit %d, and no %q:\n%s", code, want, said)
	}
}
