package e2e

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/buger/gor/internal/http1"
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/testkit"
)

// TestRealIPOnTheWire: clients of both families are named in what is recorded
// of them, and in nothing that is answered.
func TestRealIPOnTheWire(t *testing.T) {
	testkit.NeedCapture(t)
	port := testkit.FreeLoopbackPort(t)
	file := filepath.Join(t.TempDir(), "out.gor")
	var want [][]byte
	gor := testkit.StartGor(t, "--input-raw", "lo:"+port, "--input-raw-realip-header", "X-Real-IP", "--input-raw-track-response", "--output-file", file, "--output-file-flush-interval", "10ms")
	for _, host := range []string{"127.0.0.1", "::1"} {
		addr := net.JoinHostPort(host, port)
		target, err := testkit.NewSink("tcp", addr)
		testkit.Must(t, err)
		target.Start(t)
		requests := testkit.NumberedRequests(12, addr) // one of them is chunked, and 1 MB
		testkit.Must(t, testkit.SendAll(addr, requests))
		for _, raw := range requests {
			head, body, _ := bytes.Cut(raw, []byte("\r\n\r\n"))
			want = append(want, slices.Concat(head, []byte("\r\nX-Real-IP: "+host+"\r\n\r\n"), body))
		}
	}
	testkit.AwaitRecords(t, file, 2*len(want))
	gor.Stop()
	got, _ := testkit.ReadRecording(t, file, payload.Request)
	testkit.WantSame(t, got, want)
	answers, _ := testkit.ReadRecording(t, file, payload.Response)
	for _, a := range answers {
		if bytes.Contains(a, []byte("X-Real-IP")) {
			t.Fatalf("an answer was changed: %.200q", a)
		}
	}
}

// TestIncompleteRequests: of a request with a hole what there is goes into a
// recording, and to no HTTP server, which would wait for the rest.
func TestIncompleteRequests(t *testing.T) {
	first := []byte("GET /first HTTP/1.1\r\nHost: prod\r\n\r\n")
	upload := append([]byte("POST /upload HTTP/1.1\r\nHost: prod\r\nContent-Length: 3000\r\n\r\n"), bytes.Repeat([]byte("u"), 3000)...)
	last := []byte("GET /last HTTP/1.1\r\nHost: prod\r\n\r\n")
	frames := testkit.TCPFrames(t, [][]byte{first, upload, last}) // a SYN, 1, 4, 1
	frames = slices.Delete(frames, 3, 4)
	name := testkit.WriteFile(t, filepath.Join(t.TempDir(), "x.pcap"), testkit.CaptureFile(t, frames))
	for _, allow := range []bool{false, true} {
		target := testkit.StartSink(t)
		out := filepath.Join(t.TempDir(), "out.gor")
		args := []string{"--input-raw", name + ":80", "--output-file", out, "--output-http", target.Addr()}
		want, counted, sent := [][]byte{first, last}, "1 lost: gap", "2 offered = 0 shed + 2 delivered"
		if allow {
			args = append(args, "--input-raw-allow-incomplete")
			want, counted, sent = [][]byte{first, upload[:len(upload)-1000], last}, "3 requests, 1 messages given incomplete", "3 offered = 0 shed + 2 delivered + 0 unsent + 1 failed (1 malformed request)"
		}
		code, said := testkit.RunGor(t, args...)
		if code != 0 || !strings.Contains(said, counted) || !strings.Contains(said, sent) {
			t.Errorf("incomplete %t: exit %d, no %q or no %q:\n%s", allow, code, counted, sent, said)
		}
		got, _ := testkit.ReadRecording(t, out, payload.Request)
		testkit.WantSame(t, got, want)
		var paths []string
		for _, raw := range testkit.Raws(target.Arrivals()) {
			paths = append(paths, string(bytes.Fields(raw)[1]))
			if !http1.CompleteRequest(raw) {
				t.Errorf("the server got %.100q", raw)
			}
		}
		slices.Sort(paths)
		if !slices.Equal(paths, []string{"/first", "/last"}) {
			t.Errorf("incomplete %t: the server got %q", allow, paths)
		}
	}
}

// A lengthServer speaks a protocol of its own: 4 bytes of length and as many of
// content, answered by the same with the content turned around.
func lengthServer(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	testkit.Must(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			for {
				b, err := readLengthMessage(c)
				if err != nil {
					break
				}
				c.Write(lengthAnswer(b))
			}
			c.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return l.Addr().String()
}

func readLengthMessage(r io.Reader) ([]byte, error) {
	b := make([]byte, 4)
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, err
	}
	b = append(b, make([]byte, binary.BigEndian.Uint32(b))...)
	_, err := io.ReadFull(r, b[4:])
	return b, err
}

func lengthAnswer(b []byte) []byte {
	b = bytes.Clone(b)
	slices.Reverse(b[4:])
	return b
}

// TestCaptureBinary records a protocol that is not HTTP, with the answers and
// without, while its connection goes on; the recording is read back as it is,
// whatever the messages hold.
func TestCaptureBinary(t *testing.T) {
	testkit.NeedCapture(t)
	for _, track := range []bool{false, true} {
		addr := lengthServer(t)
		file := filepath.Join(t.TempDir(), "out.gor")
		gor := testkit.StartGor(t, "--input-raw", "lo:"+testkit.PortOf(t, addr), "--input-raw-protocol", "binary", fmt.Sprintf("--input-raw-track-response=%t", track),
			"--input-raw-expire", "10m", "--output-file", file, "--output-file-flush-interval", "10ms")
		c, err := net.Dial("tcp", addr)
		testkit.Must(t, err)
		random := rand.New(rand.NewPCG(3, 4))
		var asked, answered [][]byte
		for i := range 40 {
			// Zeros and record separators, within a segment and far beyond it.
			size := []int{0, 1, 14, 1000, 70_000}[i%5]
			raw := append(binary.BigEndian.AppendUint32(nil, uint32(size)), testkit.RandomBytes(random, size)...)
			// In two pieces, which belong together as there is no answer between.
			_, err := c.Write(raw[:len(raw)/2])
			testkit.Must(t, err)
			_, err = c.Write(raw[len(raw)/2:])
			testkit.Must(t, err)
			answer, err := readLengthMessage(c)
			testkit.Must(t, err)
			if !bytes.Equal(answer, lengthAnswer(raw)) {
				t.Fatalf("the server answered %.50q to %.50q", answer, raw)
			}
			asked, answered = append(asked, raw), append(answered, answer)
		}
		// The last one is there although the connection goes on and nothing else
		// follows: its answer was acknowledged. Of the answers the last has no end yet.
		messages := len(asked)
		if track {
			messages += len(answered) - 1
		}
		testkit.AwaitRecords(t, file, messages)
		testkit.Must(t, c.Close())
		if track {
			testkit.AwaitRecords(t, file, messages+1)
		}
		gor.Stop()
		check := func(name string) {
			t.Helper()
			for kind, want := range map[byte][][]byte{payload.Request: asked, payload.Response: answered} {
				if kind == payload.Response && !track {
					want = nil
				}
				got, metas := testkit.ReadRecording(t, name, kind)
				testkit.WantSame(t, got, want)
				for i, m := range metas {
					if len(m.ID) != 24 || string(m.ID[:16]) != string(metas[0].ID[:16]) || string(m.ID[16:]) != fmt.Sprintf("%08x", i+1) {
						t.Fatalf("%s: message %d has the id %s, the first %s", name, i, m.ID, metas[0].ID)
					}
				}
			}
		}
		check(file)

		again, printed := filepath.Join(t.TempDir(), "again.gor"), filepath.Join(t.TempDir(), "printed.gor")
		stdout, err := os.Create(printed)
		testkit.Must(t, err)
		replay := testkit.SpawnTo(t, stdout, "--input-file", file+"|max", "--output-file", again, "--output-stdout")
		if code := replay.Wait(); code != 0 {
			t.Fatalf("exit %d:\n%s", code, replay.Stderr())
		}
		testkit.Must(t, stdout.Close())
		check(again)
		content, err := os.ReadFile(printed)
		testkit.Must(t, err)
		for _, raw := range asked {
			if !bytes.Contains(content, raw) {
				t.Errorf("not printed: %.50q", raw)
			}
		}
	}
}
