package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/buger/gor/internal/middleware"
	"github.com/buger/gor/internal/outbound"
	"github.com/buger/gor/internal/pace"
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/plugin"
	"github.com/buger/gor/internal/rules"
	"github.com/buger/gor/internal/stats"
	"github.com/buger/gor/internal/testkit"
)

// The plugin contract, run over every input, output and wrapper. A new plugin
// gets a row in openTestInput or openTestOutput.

// testEnv is an environment for plugins that a test makes itself.
func testEnv(t *testing.T, stdout io.Writer) *pluginEnv {
	done := make(chan struct{})
	var background sync.WaitGroup
	t.Cleanup(func() { close(done); background.Wait() })
	return &pluginEnv{
		stdin: strings.NewReader(""), stdout: stdout, stderr: io.Discard,
		logf: t.Logf,
		own:  outbound.New(true), queueBytes: 1 << 20,
		settle:     func(<-chan struct{}) error { return nil },
		background: &background, done: done,
	}
}

func testMessages(n, size int) [][]byte {
	msgs := make([][]byte, n)
	for i := range msgs {
		msg := payload.AppendMeta(nil, payload.Meta{Type: payload.Request, ID: payload.AppendID(nil, 9, uint32(i)), Time: int64(1e18) + int64(i), Duration: 0, Length: -1})
		msgs[i] = append(msg, fmt.Sprintf("POST /%d HTTP/1.1\r\nHost: h\r\nX-Number: %d\r\nContent-Length: %d\r\n\r\n%s", i, i, size, strings.Repeat(string(rune('a'+i%26)), size))...)
	}
	return msgs
}

// testOutput is an output with a way to see what it delivered.
type testOutput struct {
	Output
	delivered func(t *testing.T) [][]byte // requests; nil: it keeps none
}

func openTestOutput(t *testing.T, name string) testOutput {
	t.Helper()
	s := defaultSettings()
	var stdout testkit.LockedBuffer
	env := testEnv(t, &stdout)
	records := func(content func() []byte) func(t *testing.T) [][]byte {
		return func(t *testing.T) [][]byte {
			list, _ := testkit.ReadRecording(t, testkit.WriteFile(t, filepath.Join(t.TempDir(), "r.gor"), content()), payload.Request)
			return list
		}
	}
	switch name {
	case "output-null":
		out, err := newNullOutput("", s, env)
		testkit.Must(t, err)
		return testOutput{out, nil}
	case "output-stdout", "limited output":
		out, err := newDummyOutput("", s, env)
		testkit.Must(t, err)
		if name == "limited output" {
			out = limitOutput(out, pace.Limit{Kind: pace.LimitPercent, N: 100})
		}
		return testOutput{out, records(stdout.Bytes)}
	case "output-file":
		file := filepath.Join(t.TempDir(), "out.gor")
		out, err := newFileOutput(file, s, env)
		testkit.Must(t, err)
		return testOutput{out, records(func() []byte { b, err := os.ReadFile(file); testkit.Must(t, err); return b })}
	case "output-http":
		target := testkit.StartSink(t)
		s.HTTPOriginalHost = true
		out, err := newHTTPOutput(target.Addr(), s, env)
		testkit.Must(t, err)
		return testOutput{out, func(*testing.T) [][]byte { return testkit.Raws(target.Arrivals()) }}
	case "output-binary":
		target := testkit.StartSink(t)
		out, err := newBinaryOutput(target.Addr(), s, env)
		testkit.Must(t, err)
		return testOutput{out, func(*testing.T) [][]byte { return testkit.Raws(target.Arrivals()) }}
	case "middleware":
		m := openTestMiddleware(t, s, env)
		return testOutput{m.Feed, func(t *testing.T) [][]byte {
			m.CloseStdin()
			return collect(t, m.Back)()
		}}
	case "output-ws":
		server := startWSServer(t, "127.0.0.1:0")
		out, err := newWSOutput("ws://"+server.addr(), s, env)
		testkit.Must(t, err)
		return testOutput{out, func(t *testing.T) [][]byte {
			var bodies [][]byte
			for _, a := range server.await(t, 4*20) {
				bodies = append(bodies, payload.Body(a.msg))
			}
			return bodies
		}}
	case "output-tcp":
		in, err := newTCPInput("127.0.0.1:0", pace.Limit{}, s, env)
		testkit.Must(t, err)
		received := collect(t, in)
		out, err := newTCPOutput(linkAddr(t, in), s, env)
		testkit.Must(t, err)
		return testOutput{out, func(t *testing.T) [][]byte {
			in.Close()
			return received()
		}}
	}
	t.Fatalf("no output %q", name)
	return testOutput{}
}

// openTestMiddleware starts one that gives back what it is given.
func openTestMiddleware(t *testing.T, s *Settings, env *pluginEnv) *middleware.Program {
	t.Helper()
	s.Middleware = "cat"
	m, err := startMiddleware(s, env)
	testkit.Must(t, err)
	t.Cleanup(m.Close)
	return m
}

// linkAddr finds the port of an --input-tcp on port 0 in its description.
func linkAddr(t *testing.T, in Input) string {
	t.Helper()
	for word := range strings.FieldsSeq(in.String()) {
		if _, port, err := net.SplitHostPort(word); err == nil && port != "0" {
			return word
		}
	}
	t.Fatalf("%q names no address", in)
	return ""
}

// collect reads an input to its end; the function waits for that and returns
// the bodies.
func collect(t *testing.T, in Input) func() [][]byte {
	var list [][]byte
	done := make(chan error, 1)
	go func() {
		buf := make([]byte, 1<<20)
		for {
			n, err := in.Read(buf)
			if err != nil {
				done <- err
				return
			}
			list = append(list, bytes.Clone(payload.Body(buf[:n])))
		}
	}()
	return func() [][]byte {
		select {
		case err := <-done:
			if !errors.Is(err, io.EOF) {
				t.Errorf("input ended with %v, want io.EOF", err)
			}
		case <-time.After(testkit.Timeout):
			t.Fatal("the input does not end")
		}
		return list
	}
}

var outputNames = []string{"output-null", "output-stdout", "output-file", "output-http", "output-tcp", "output-ws", "output-binary", "middleware", "limited output"}

func TestOutputContract(t *testing.T) {
	for _, name := range outputNames {
		t.Run(name, func(t *testing.T) {
			out := openTestOutput(t, name)
			if out.String() == "" {
				t.Error("String is empty")
			}
			const writers, each = 4, 20
			msgs := testMessages(writers*each, 200)
			var wg sync.WaitGroup
			for w := range writers {
				wg.Go(func() {
					buf := make([]byte, 0, 4<<10)
					for _, msg := range msgs[w*each : (w+1)*each] {
						buf = append(buf[:0], msg...)
						for {
							n, err := out.Write(buf)
							if err == nil {
								if n != len(buf) {
									t.Errorf("Write returned %d of %d", n, len(buf))
								}
								break
							}
							if !errors.Is(err, errFull) {
								t.Errorf("Write: %v", err)
								return
							}
							out.Room(nil, time.Second)
						}
						if !bytes.Equal(buf, msg) {
							t.Error("Write changed its argument")
						}
						for i := range buf { // Write may not have kept it
							buf[i] = 'X'
						}
					}
				})
			}
			wg.Wait()
			if out.LastProgress().IsZero() {
				t.Error("LastProgress is zero after writes")
			}
			cancel := make(chan struct{})
			timer := time.AfterFunc(testkit.Timeout, func() { close(cancel) })
			defer timer.Stop()
			if err := out.Settle(cancel); err != nil {
				t.Errorf("Settle: %v", err)
			}
			if err := out.Drain(cancel); err != nil {
				t.Errorf("Drain: %v", err)
			}
			for range 2 {
				if err := out.Close(); err != nil {
					t.Errorf("Close: %v", err)
				}
			}
			rows := out.Counts()
			if got := stats.Sum(rows); got != uint64(len(msgs)) {
				t.Errorf("the counts sum to %d, want %d: %v", got, len(msgs), rows)
			}
			for _, row := range rows {
				switch row.Kind {
				case stats.Delivered:
					if row.N != uint64(len(msgs)) {
						t.Errorf("%d delivered, want %d: %v", row.N, len(msgs), rows)
					}
				case stats.Failed, stats.Unsent, stats.Kept, stats.Ignored, stats.Limited:
				default:
					t.Errorf("%q is of kind %d, which no row of an output is", row.Name, row.Kind)
				}
			}
			if out.delivered != nil {
				want := make([][]byte, len(msgs))
				for i, msg := range msgs {
					want[i] = payload.Body(msg)
				}
				testkit.WantSame(t, out.delivered(t), want)
			}
			out.Report(plugin.NewReport(io.Discard))
		})
	}
}

// TestWriteAfterCloseIsRefused: a message that nobody will send must not
// count as taken.
func TestWriteAfterCloseIsRefused(t *testing.T) {
	for _, name := range outputNames {
		if name == "output-null" {
			continue // takes everything, always
		}
		t.Run(name, func(t *testing.T) {
			out := openTestOutput(t, name)
			testkit.Must(t, out.Close())
			if _, err := out.Write(testMessages(1, 10)[0]); err == nil || errors.Is(err, errFull) {
				t.Errorf("Write after Close: %v", err)
			}
			if n := stats.Sum(out.Counts()); n != 0 {
				t.Errorf("%d counted", n)
			}
		})
	}
}

// openTestInput returns an input that will give these messages, all or, for
// the dummy, one of its own.
func openTestInput(t *testing.T, name string, msgs [][]byte) Input {
	t.Helper()
	s := defaultSettings()
	env := testEnv(t, io.Discard)
	var recording []byte
	for _, msg := range msgs {
		recording = payload.AppendRecord(recording, msg)
	}
	var in Input
	var err error
	switch name {
	case "input-dummy":
		in, err = newDummyInput("", pace.Limit{}, s, env)
	case "input-file", "limited input", "modified input", "prettified input":
		in, err = newFileInput(testkit.WriteFile(t, filepath.Join(t.TempDir(), "in.gor"), recording), pace.Limit{Kind: pace.LimitMax}, s, env)
		if name == "limited input" {
			in = limitInput(in, pace.Limit{Kind: pace.LimitPercent, N: 100})
		}
		if name == "modified input" {
			testkit.Must(t, (&ruleList{&s.Rules, "http-allow-method", rules.AllowMethod}).Set("POST"))
			in = modifyInput(in, s, true, t.Logf)
		}
		if name == "prettified input" {
			s.PrettifyHTTP = true
			in = prettifyInput(in, s)
		}
	case "input-tcp":
		if in, err = newTCPInput("127.0.0.1:0", pace.Limit{}, s, env); err == nil {
			c, derr := net.Dial("tcp", linkAddr(t, in))
			testkit.Must(t, derr)
			_, werr := c.Write(recording)
			testkit.Must(t, werr)
			testkit.Must(t, c.Close())
		}
	case "input-http":
		if in, err = newHTTPInput("127.0.0.1:0", pace.Limit{}, s, env); err == nil {
			var requests [][]byte
			for _, msg := range msgs {
				requests = append(requests, payload.Body(msg))
			}
			testkit.Must(t, testkit.SendAll(linkAddr(t, in), requests))
		}
	case "middleware":
		m := openTestMiddleware(t, s, env)
		for _, msg := range msgs {
			_, err := m.Feed.Write(msg)
			testkit.Must(t, err)
		}
		in = m.Back
	default:
		t.Fatalf("no input %q", name)
	}
	testkit.Must(t, err)
	t.Cleanup(func() { in.Close() })
	return in
}

func TestInputContract(t *testing.T) {
	for _, name := range []string{"input-dummy", "input-file", "input-tcp", "input-http", "middleware", "limited input", "modified input", "prettified input"} {
		t.Run(name, func(t *testing.T) {
			msgs := testMessages(5, 300)
			in := openTestInput(t, name, msgs)
			if in.String() == "" {
				t.Error("String is empty")
			}
			want := len(msgs)
			if name == "input-dummy" {
				want = 1
			}
			buf := make([]byte, 64<<10)
			for i := range want {
				// Too small a buffer keeps the message for the next call.
				for range 2 {
					if n, err := in.Read(buf[:10]); n != 0 || !errors.Is(err, io.ErrShortBuffer) {
						t.Fatalf("Read into 10 bytes: %d, %v; want io.ErrShortBuffer", n, err)
					}
				}
				n, err := in.Read(buf)
				if err != nil {
					t.Fatalf("Read: %v", err)
				}
				meta, body, err := payload.Split(buf[:n])
				if err != nil || meta.Type != payload.Request || len(meta.ID) == 0 {
					t.Fatalf("message %q: %v", buf[:n], err)
				}
				if name != "input-dummy" && !bytes.Equal(body, payload.Body(msgs[i])) {
					t.Errorf("message %d is %q, want %q", i, body, payload.Body(msgs[i]))
				}
			}
			// Close ends a Read that waits, and all later ones.
			ended := make(chan error, 1)
			go func() {
				_, err := in.Read(buf)
				ended <- err
			}()
			for range 2 {
				if err := in.Close(); err != nil {
					t.Errorf("Close: %v", err)
				}
			}
			select {
			case err := <-ended:
				if !errors.Is(err, io.EOF) {
					t.Errorf("Read after Close: %v, want io.EOF", err)
				}
			case <-time.After(testkit.Timeout):
				t.Fatal("Close does not end a Read")
			}
			if _, err := in.Read(buf); !errors.Is(err, io.EOF) {
				t.Errorf("a later Read: %v, want io.EOF", err)
			}
			for _, row := range in.Counts() {
				if row.Kind != stats.Note && row.Kind != stats.Lost && row.Kind != stats.Limited && row.Kind != stats.Filtered {
					t.Errorf("%q is of kind %d, which no row of an input is", row.Name, row.Kind)
				}
			}
			in.Report(plugin.NewReport(io.Discard))
		})
	}
}
