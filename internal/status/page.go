// Package status serves what a running Gor has counted, for people, for
// Prometheus and as package expvar does, and its profiles.
package status

import (
	"bytes"
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/pprof"
	"strings"
	"sync"
	"time"

	"github.com/buger/gor/internal/admission"
	"github.com/buger/gor/internal/ledger"
)

// A Config is what a Page needs to know.
type Config struct {
	// Name is what lines for people call the page, such as "metrics".
	Name string

	Version     string   // of the program
	Build       string   // the same with what it was built from
	CommandLine []string // as it may be shown
	Logf        func(format string, args ...any)
}

// A Page listens and answers. It has handlers of its own, as those that the
// standard library registers are the process's and not the run's.
type Page struct {
	cfg      Config
	listener net.Listener
	server   *http.Server
	quit     context.CancelFunc // ends a profile that is being taken
	served   sync.WaitGroup
	table    *admission.Table
	places   sync.Map // of net.Conn to *admission.Conn
	ledger   func() ledger.Ledger
	started  time.Time
}

// Bounds of who asks. Profiles take the time that they were asked for beside
// these.
const (
	headTime  = 5 * time.Second
	readTime  = 10 * time.Second
	writeTime = 30 * time.Second
	idleTime  = 2 * time.Minute // twice the usual interval of a scrape
	headBytes = 8 << 10
	maxConns  = 32
	idleLeast = 10 * time.Second // until a connection gives way to any other

	// grace is how long the end of Gor waits for an answer that is on its
	// way. What has been profiled takes up to 200 ms to be written.
	grace = time.Second
)

// Open makes a page that listens on addr, as Go writes addresses to listen on.
func Open(addr string, cfg Config) (*Page, error) {
	listener, err := admission.Listen(addr)
	if err != nil {
		return nil, err
	}
	return New(listener, cfg), nil
}

// New makes a page of listener, which it closes with itself. It answers once
// Serve is called.
func New(listener net.Listener, cfg Config) *Page {
	logf := cfg.Logf
	logf("counts and profiles at http://%s/", listener.Addr())
	if a, ok := listener.Addr().(*net.TCPAddr); ok && !a.IP.IsLoopback() {
		logf("%s %s: everyone who can reach this port can read the profiles, the command line and all counts; let a firewall admit your monitoring only, or listen on 127.0.0.1:%d", cfg.Name, a, a.Port)
	}
	ctx, quit := context.WithCancel(context.Background())
	p := &Page{cfg: cfg, listener: listener, quit: quit, started: time.Now(), table: admission.New(maxConns, idleLeast)}
	p.server = &http.Server{
		Handler:           p.handler(),
		ReadHeaderTimeout: headTime,
		ReadTimeout:       readTime,
		WriteTimeout:      writeTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    headBytes,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ConnState:         p.admit,
		ErrorLog:          log.New(logWriter(logf), cfg.Name+": ", 0),
	}
	return p
}

// Serve begins to answer, with what ledger gives. It does nothing on nil.
func (p *Page) Serve(ledger func() ledger.Ledger) {
	if p == nil {
		return
	}
	p.ledger = ledger
	p.served.Go(func() { _ = p.server.Serve(p.listener) }) // until close
}

// Close ends it. An answer that is on its way is awaited for a moment. It does
// nothing on nil.
func (p *Page) Close() {
	if p == nil {
		return
	}
	p.quit()
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	if p.server.Shutdown(ctx) != nil {
		p.server.Close()
	}
	p.listener.Close() // when nothing was served
	p.served.Wait()
}

// admit closes connections beyond the bound: of those that are there the
// idlest, when the client that has most of them would keep another out.
func (p *Page) admit(c net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		place, evicted := p.table.Admit(c.RemoteAddr(), func() { c.Close() }, time.Now())
		if evicted != nil {
			evicted.End()
		}
		if place == nil {
			c.Close()
			return
		}
		p.places.Store(c, place)
	case http.StateActive, http.StateIdle:
		if place, ok := p.places.Load(c); ok {
			place.(*admission.Conn).Active(time.Now())
		}
	case http.StateClosed, http.StateHijacked:
		if place, ok := p.places.LoadAndDelete(c); ok {
			place.(*admission.Conn).Leave()
		}
	}
}

func (p *Page) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "/metrics       counts for Prometheus\n/healthz       whether Gor runs\n/debug/vars    counts and memory as JSON\n/debug/pprof/  profiles\n")
	})
	mux.HandleFunc("GET /metrics", p.serveMetrics)
	// It answers once the plugins are open, and until the run ends.
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "ok\n") })
	mux.HandleFunc("GET /debug/vars", p.serveVars)
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", p.serveCommandLine)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return mux
}

func (p *Page) serveMetrics(w http.ResponseWriter, _ *http.Request) {
	var b bytes.Buffer
	p.ledger().WriteMetrics(&b, p.cfg.Version, p.started)
	writeProcess(&b, p.started)
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	w.Write(b.Bytes())
}

// logWriter writes the lines of a log.Logger.
type logWriter func(format string, args ...any)

func (w logWriter) Write(p []byte) (int, error) {
	w("%s", strings.TrimRight(string(p), "\n"))
	return len(p), nil
}
