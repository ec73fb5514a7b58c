package main

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/buger/gor/internal/middleware"
	"github.com/buger/gor/internal/outbound"
	"github.com/buger/gor/internal/pace"
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/plugin"
	"github.com/buger/gor/internal/plugin/plugintest"
	"github.com/buger/gor/internal/rules"
	"github.com/buger/gor/internal/testkit"
)

// The plugin contract, run over every input, output and wrapper. A new plugin
// gets a row in openTestInput or openTestOutput.

// testEnv is an environment for plugins that a test makes itself.
func testEnv(t *testing.T, stdout io.Writer) *plugin.Env {
	done := make(chan struct{})
	var background sync.WaitGroup
	t.Cleanup(func() { close(done); background.Wait() })
	return &plugin.Env{
		Stdin: strings.NewReader(""), Stdout: stdout, Stderr: io.Discard,
		Logf: t.Logf,
		Own:  outbound.New(true), QueueBytes: 1 << 20,
		Settle:     func(<-chan struct{}) error { return nil },
		Background: &background, Done: done,
	}
}

func testMessages(n, size int) [][]byte { return plugintest.Messages(n, size) }

func openTestOutput(t *testing.T, name string) plugintest.Output {
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
		out, err := openOutput(pluginArg{"output-null", ""}, s, env)
		testkit.Must(t, err)
		return plugintest.Output{Output: out, Delivered: nil}
	case "output-stdout", "limited output":
		out, err := openOutput(pluginArg{"output-stdout", ""}, s, env)
		testkit.Must(t, err)
		if name == "limited output" {
			out = limitOutput(out, pace.Limit{Kind: pace.LimitPercent, N: 100})
		}
		return plugintest.Output{Output: out, Delivered: records(stdout.Bytes)}
	case "output-file":
		file := filepath.Join(t.TempDir(), "out.gor")
		out, err := openOutput(pluginArg{"output-file", file}, s, env)
		testkit.Must(t, err)
		return plugintest.Output{Output: out, Delivered: records(func() []byte { b, err := os.ReadFile(file); testkit.Must(t, err); return b })}
	case "output-http":
		target := testkit.StartSink(t)
		s.modifier.OriginalHost = true
		out, err := openOutput(pluginArg{"output-http", target.Addr()}, s, env)
		testkit.Must(t, err)
		return plugintest.Output{Output: out, Delivered: func(*testing.T) [][]byte { return testkit.Raws(target.Arrivals()) }}
	case "output-binary":
		target := testkit.StartSink(t)
		out, err := openOutput(pluginArg{"output-binary", target.Addr()}, s, env)
		testkit.Must(t, err)
		return plugintest.Output{Output: out, Delivered: func(*testing.T) [][]byte { return testkit.Raws(target.Arrivals()) }}
	case "middleware":
		m := openTestMiddleware(t, s, env)
		return plugintest.Output{Output: m.Feed, Delivered: func(t *testing.T) [][]byte {
			m.CloseStdin()
			return plugintest.Collect(t, m.Back)()
		}}
	case "output-ws":
		server := testkit.StartWSServer(t, "127.0.0.1:0")
		out, err := openOutput(pluginArg{"output-ws", "ws://" + server.Addr()}, s, env)
		testkit.Must(t, err)
		return plugintest.Output{Output: out, Delivered: func(t *testing.T) [][]byte {
			var bodies [][]byte
			for _, a := range server.Await(t, 4*20) {
				bodies = append(bodies, payload.Body(a.Msg))
			}
			return bodies
		}}
	case "output-tcp":
		in, err := openInput(pluginArg{"input-tcp", "127.0.0.1:0"}, s, env)
		testkit.Must(t, err)
		received := plugintest.Collect(t, in)
		out, err := openOutput(pluginArg{"output-tcp", linkAddr(t, in)}, s, env)
		testkit.Must(t, err)
		return plugintest.Output{Output: out, Delivered: func(t *testing.T) [][]byte {
			in.Close()
			return received()
		}}
	}
	t.Fatalf("no output %q", name)
	return plugintest.Output{}
}

// openTestMiddleware starts one that gives back what it is given.
func openTestMiddleware(t *testing.T, s *Settings, env *plugin.Env) *middleware.Program {
	t.Helper()
	s.Middleware = "cat"
	m, err := startMiddleware(s, env)
	testkit.Must(t, err)
	t.Cleanup(m.Close)
	return m
}

// linkAddr finds the port of an --input-tcp on port 0 in its description.
func linkAddr(t *testing.T, in plugin.Input) string {
	t.Helper()
	for word := range strings.FieldsSeq(in.String()) {
		if _, port, err := net.SplitHostPort(word); err == nil && port != "0" {
			return word
		}
	}
	t.Fatalf("%q names no address", in)
	return ""
}

var outputNames = []string{"output-null", "output-stdout", "output-file", "output-http", "output-tcp", "output-ws", "output-binary", "middleware", "limited output"}

func TestOutputContract(t *testing.T) {
	for _, name := range outputNames {
		t.Run(name, func(t *testing.T) { plugintest.TestOutput(t, openTestOutput(t, name)) })
	}
}

func TestWriteAfterCloseIsRefused(t *testing.T) {
	for _, name := range outputNames {
		if name == "output-null" {
			continue // takes everything, always
		}
		t.Run(name, func(t *testing.T) { plugintest.TestClosedOutput(t, openTestOutput(t, name)) })
	}
}

// openTestInput returns an input that will give these messages, all or, for
// the dummy, one of its own.
func openTestInput(t *testing.T, name string, msgs [][]byte) plugin.Input {
	t.Helper()
	s := defaultSettings()
	env := testEnv(t, io.Discard)
	var recording []byte
	for _, msg := range msgs {
		recording = payload.AppendRecord(recording, msg)
	}
	var in plugin.Input
	var err error
	switch name {
	case "input-dummy":
		in, err = openInput(pluginArg{"input-dummy", ""}, s, env)
	case "input-file", "limited input", "modified input", "prettified input":
		in, err = openInput(pluginArg{"input-file", testkit.WriteFile(t, filepath.Join(t.TempDir(), "in.gor"), recording) + "|max"}, s, env)
		if name == "limited input" {
			in = limitInput(in, pace.Limit{Kind: pace.LimitPercent, N: 100})
		}
		if name == "modified input" {
			testkit.Must(t, s.rule("http-allow-method", rules.AllowMethod).Set("POST"))
			in = modifyInput(in, s, true, t.Logf)
		}
		if name == "prettified input" {
			s.modifier.Prettify = true
			in = prettifyInput(in, s)
		}
	case "input-tcp":
		if in, err = openInput(pluginArg{"input-tcp", "127.0.0.1:0"}, s, env); err == nil {
			c, derr := net.Dial("tcp", linkAddr(t, in))
			testkit.Must(t, derr)
			_, werr := c.Write(recording)
			testkit.Must(t, werr)
			testkit.Must(t, c.Close())
		}
	case "input-http":
		if in, err = openInput(pluginArg{"input-http", "127.0.0.1:0"}, s, env); err == nil {
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
			in := plugintest.Input{Input: openTestInput(t, name, msgs)}
			for _, msg := range msgs {
				in.Wants = append(in.Wants, payload.Body(msg))
			}
			if name == "input-dummy" {
				in.Wants = [][]byte{nil}
			}
			plugintest.TestInput(t, in)
		})
	}
}
