package e2e

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/buger/gor/internal/testkit"
)

// TestScripts runs testdata/script, in whose PATH the program is. The commands
// beside testscript's own:
//
//	serve NAME             a server; $NAME is its address
//	await NAME N           wait until N requests have come to it
//	requests NAME FILE     write their request lines to FILE, sorted by target
//	dump NAME FILE         write them whole, LF for CRLF, in the same order
//	recording FILE SPEC    make a recording; each line of SPEC is a time in ms,
//	                       a method, a target, and headers as Name=value
//	freeport NAME          $NAME is an address that nobody listens on
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"serve":     scriptServe,
			"await":     scriptAwait,
			"requests":  scriptRequests,
			"dump":      scriptDump,
			"recording": scriptRecording,
			"freeport": func(ts *testscript.TestScript, _ bool, args []string) {
				ts.Setenv(args[0], testkit.FreePort(t))
			},
		},
		Setup: func(env *testscript.Env) error {
			env.Setenv("PATH", filepath.Dir(testkit.Program(t))+string(filepath.ListSeparator)+env.Getenv("PATH"))
			env.Values[sinksKey{}] = map[string]*testkit.Sink{}
			return nil
		},
	})
}

type sinksKey struct{}

func scriptSink(ts *testscript.TestScript, name string) *testkit.Sink {
	s := ts.Value(sinksKey{}).(map[string]*testkit.Sink)[name]
	if s == nil {
		ts.Fatalf("no server %q", name)
	}
	return s
}

func scriptServe(ts *testscript.TestScript, _ bool, args []string) {
	s, err := testkit.NewSink("tcp", "127.0.0.1:0")
	ts.Check(err)
	done := make(chan struct{})
	go func() { s.Serve(); close(done) }()
	ts.Defer(func() { s.Listener.Close(); <-done })
	ts.Value(sinksKey{}).(map[string]*testkit.Sink)[args[0]] = s
	ts.Setenv(args[0], s.Addr())
}

func scriptAwait(ts *testscript.TestScript, _ bool, args []string) {
	s := scriptSink(ts, args[0])
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	deadline := time.Now().Add(testkit.Timeout)
	for len(s.Arrivals()) < n {
		if time.Now().After(deadline) {
			ts.Fatalf("%d requests at %s, want %d", len(s.Arrivals()), args[0], n)
		}
		time.Sleep(5 * time.Millisecond) // polls for the event; bounded by the deadline
	}
}

func scriptRequests(ts *testscript.TestScript, _ bool, args []string) {
	var lines []string
	for _, a := range scriptSink(ts, args[0]).Arrivals() {
		line, _, _ := bytes.Cut(a.Raw, []byte("\r\n"))
		lines = append(lines, strings.TrimSuffix(string(line), " HTTP/1.1"))
	}
	writeSorted(ts, args[1], lines, "\n")
}

func scriptDump(ts *testscript.TestScript, _ bool, args []string) {
	var list []string
	for _, a := range scriptSink(ts, args[0]).Arrivals() {
		list = append(list, strings.ReplaceAll(string(a.Raw), "\r\n", "\n"))
	}
	writeSorted(ts, args[1], list, "")
}

// writeSorted sorts by the second word, the target.
func writeSorted(ts *testscript.TestScript, name string, list []string, end string) {
	for i := range list {
		for j := i; j > 0 && strings.Fields(list[j])[1] < strings.Fields(list[j-1])[1]; j-- {
			list[j], list[j-1] = list[j-1], list[j]
		}
	}
	var b strings.Builder
	for _, item := range list {
		b.WriteString(item + end)
	}
	ts.Check(os.WriteFile(ts.MkAbs(name), []byte(b.String()), 0o600))
}

func scriptRecording(ts *testscript.TestScript, _ bool, args []string) {
	var requests [][]byte
	var times []time.Duration
	for line := range strings.Lines(ts.ReadFile(args[1])) {
		fields := strings.Fields(line)
		if len(fields) < 3 {
			continue
		}
		ms, err := strconv.Atoi(fields[0])
		ts.Check(err)
		raw := fmt.Sprintf("%s %s HTTP/1.1\r\n", fields[1], fields[2])
		for _, header := range fields[3:] {
			name, value, _ := strings.Cut(header, "=")
			raw += name + ": " + value + "\r\n"
		}
		requests = append(requests, []byte(raw+"\r\n"))
		times = append(times, time.Duration(ms)*time.Millisecond)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), testkit.Recording(requests, times), 0o600))
}
