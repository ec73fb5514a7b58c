package e2e

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/buger/gor/internal/testkit"
)

func httpOutputFlagRows() []flagRow {
	return []flagRow{
		{"output-http-workers", []string{"", "-2", "10001", "many"}, func(f *flagTest) {
			three := newCrowd(f.T, 3)
			f.ok("--input-file", f.recording(0, gets(12)...)+"|max", "--output-http", three.URL, "--output-http-workers", "3", "--output-http-timeout", "1m").says("12 delivered", "connections: 3")
			if most := three.most.Load(); most != 3 {
				f.Errorf("%d requests were there at once, want 3", most)
			}
			f.replayEnds(exitFailed, "--output-http", newCrowd(f.T, 3).URL, "--output-http-workers", "1", "--output-http-timeout", "50ms").says("0 delivered", "timeout")
		}},
		{"output-http-wait", []string{"", "-1s", "soon"}, func(f *flagTest) {
			late := testkit.StartTarget(f.T, func(c net.Conn, _ int) { c.Close() })
			address := late.Address()
			testkit.Must(f.T, late.Close())
			f.replayEnds(exitFailed, "--output-http", address, "--output-http-wait", "100ms").
				says("waiting for it, up to 100ms", "took no connection within 100ms", "(--output-http-wait)").saysNot("ledger")
			gor := testkit.Spawn(f.T, "gor", nil, nil, "--input-file", f.recording(0, gets(4)...), "--output-http", address, "--output-http-wait", "1m")
			gor.Await("waiting for it")
			sink, err := testkit.NewSink("tcp", address)
			testkit.Must(f.T, err)
			sink.Start(f.T)
			if code := gor.Wait(); code != exitOK || !strings.Contains(gor.Stderr(), "4 delivered") {
				f.Errorf("exit %d:\n%s", code, gor.Stderr())
			}
		}},
		{"output-http-workers-min", []string{"0", "-1", "10001"}, func(f *flagTest) {
			// The fewest stand before a replay that keeps its times begins.
			file := f.recording(20*time.Millisecond, gets(2)...)
			f.gor("--input-file", file, "--output-http", testkit.StartSink(f.T).Addr(), "--output-http-workers-min", "4").says("2 delivered", "connections: 4")
			f.gor("--input-file", file, "--output-http", testkit.StartSink(f.T).Addr()).saysNot("connections: 4")
		}},
		{"output-http-worker-timeout", []string{"0s", "2", "-2s"}, func(f *flagTest) {
			for _, test := range []struct {
				timeout string
				ended   bool // idle workers' connections did
			}{{"10ms", true}, {"1m", false}} {
				many, port := newCrowd(f.T, 5), testkit.FreePort(f.T)
				gor := testkit.StartGor(f.T, "--input-http", port, "--output-http", many.URL, "--output-http-timeout", "1m", "--output-http-worker-timeout", test.timeout)
				testkit.Must(f.T, testkit.SendAll(port, gets(30)))
				if test.ended {
					testkit.Eventually(f.T, "a connection of an idle worker ends", func() bool { return many.ended.Load() > 0 })
				} else {
					testkit.Eventually(f.T, "all are answered", func() bool { return many.answered.Load() == 30 })
					if <-time.After(300 * time.Millisecond); many.ended.Load() > 0 {
						f.Errorf("%s: %d connections ended while the program ran", test.timeout, many.ended.Load())
					}
				}
				gor.Stop()
				if !strings.Contains(gor.Stderr(), "30 delivered") {
					f.Errorf("not all is delivered:\n%s", gor.Stderr())
				}
			}
		}},
		{"output-http-queue-len", []string{"-1", "1000001"}, func(f *flagTest) {
			for n, shed := range map[string]int{"2": 7, "5": 4} {
				f.crowdedOut(shed, gets(10), "--on-full", "shed", "--output-http-queue-len", n)
			}
		}},
		{"output-http-timeout", []string{"0", "5", "-5s"}, func(f *flagTest) {
			slow := func(http.ResponseWriter, *http.Request) { time.Sleep(200 * time.Millisecond) } // it is what such a target does
			f.replayEnds(exitFailed, "--output-http", serve(f.T, slow), "--output-http-timeout", "20ms").says("0 delivered", "timeout")
			f.replay("--output-http", serve(f.T, slow)).says("4 delivered")
		}},
		{"output-http-redirects", []string{"-1", "101", "yes"}, func(f *flagTest) {
			moved := func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/there" {
					http.Redirect(w, r, "/there", http.StatusFound)
				}
			}
			f.replay("--output-http", serve(f.T, moved)).says("statuses: 302 x 4")
			f.replay("--output-http", serve(f.T, moved), "--output-http-redirects", "1").says("statuses: 200 x 4", "redirections: 4 followed")
		}},
		{"output-http-skip-verify", notBool, func(f *flagTest) {
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
			server.Config.ErrorLog = silent()
			server.StartTLS()
			f.Cleanup(server.Close)
			f.replayEnds(exitFailed, "--output-http", server.URL).says("0 delivered", "4 failed (", "TLS: tls: failed to verify certificate")
			f.replay("--output-http", server.URL, "--output-http-skip-verify").says("4 delivered", "statuses: 200 x 4")
		}},
		{"output-http-track-response", notBool, func(f *flagTest) {
			echo := func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "answer to "+r.URL.Path) }
			r := f.ok("--input-file", f.recording(0, gets(1)...), "--output-http", serve(f.T, echo), "--output-stdout", "--output-http-track-response")
			bodies, metas := r.records()
			if r.kinds() != "13" || !strings.HasSuffix(string(bodies[1]), "\r\n\r\nanswer to /0") || string(metas[0].ID) != string(metas[1].ID) {
				f.Errorf("with: %s\n%s", r.kinds(), r.stdout)
			}
			if got := f.ok("--input-file", f.recording(0, gets(1)...), "--output-http", serve(f.T, echo), "--output-stdout").kinds(); got != "1" {
				f.Errorf("without: %s", got)
			}
		}},
		{"output-http-response-buffer", []string{"", "1kb", "65mb"}, func(f *flagTest) {
			long := func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/0" {
					w.Header().Set("X-Long", strings.Repeat("x", 5000))
				}
				io.WriteString(w, strings.Repeat("x", 5000))
			}
			r := f.replay("--output-http", serve(f.T, long), "--output-stdout", "--output-http-track-response", "--output-http-response-buffer", "4kb")
			r.says("3 delivered", "1 bad response", "3 too large (--output-http-response-buffer)")
			if got := r.kinds(); strings.ReplaceAll(got, "3", "") != "1111" || strings.Count(got, "3") > 1 {
				f.Errorf("4kb: records %s, want the requests, and perhaps one that says there was no answer", got)
			}
			if got := f.replay("--output-http", serve(f.T, long), "--output-stdout", "--output-http-track-response").says("4 delivered").kinds(); strings.Count(got, "3") != 4 {
				f.Errorf("without: records %s, want the answers too", got)
			}
		}},
		{"output-http-stats", notBool, func(f *flagTest) {
			f.replay("--output-http", testkit.StartSink(f.T).Addr(), "--output-http-stats").says(" output_http:latest,mean,max,count,count/second\n", " output_http:0,0,0,0,0\n")
			f.replay("--output-http", testkit.StartSink(f.T).Addr()).saysNot("output_http:")
		}},
	}
}

// crowdedOut replays to a target that never answers, by one worker, and wants so many
// requests shed: one is with the worker, unless he was late and found no room kept
// for it.
func (f *flagTest) crowdedOut(shed int, requests [][]byte, args ...string) {
	f.Helper()
	r := f.ends(exitFailed, append(args, "--input-file", f.recording(20*time.Millisecond, requests...), "--output-http", testkit.StartMute(f.T).Addr(),
		"--output-http-workers", "1", "--output-http-timeout", "5m", "--drain-timeout", "50ms")...)
	if !strings.Contains(r.stderr, fmt.Sprintf(" %d shed + 0 delivered", shed)) {
		r.says(fmt.Sprintf(" %d shed + 0 delivered", shed+1))
	}
}

// serve starts a server and returns its URL.
func serve(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

// A crowd is a server that answers nothing until n requests are there at the
// same time, and from then on everything.
type crowd struct {
	*httptest.Server
	most     atomic.Int64 // requests that were there at once
	ended    atomic.Int64 // connections
	answered atomic.Int64 // requests
}

func newCrowd(t *testing.T, n int64) *crowd {
	t.Helper()
	c := &crowd{}
	var here atomic.Int64
	all := make(chan struct{})
	var once sync.Once
	c.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer c.answered.Add(1)
		now := here.Add(1)
		defer here.Add(-1)
		for most := c.most.Load(); now > most && !c.most.CompareAndSwap(most, now); {
			most = c.most.Load()
		}
		if now >= n {
			once.Do(func() { close(all) })
		}
		select {
		case <-all:
		case <-r.Context().Done():
		}
	}))
	c.Config.ErrorLog = silent()
	c.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateClosed {
			c.ended.Add(1)
		}
	}
	c.Start()
	t.Cleanup(c.Close)
	return c
}
