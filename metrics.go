package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/pprof"
	"strings"
	"sync"
	"time"

	"github.com/buger/gor/internal/admission"
)

// A statusPage is the listener of --http-pprof: the ledger for people and for
// Prometheus, and profiles. It has handlers of its own, as those that the
// standard library registers are the process's and not the run's.
type statusPage struct {
	listener net.Listener
	server   *http.Server
	quit     context.CancelFunc // ends a profile that is being taken
	served   sync.WaitGroup
	table    *admission.Table
	places   sync.Map // of net.Conn to *admission.Conn
	em       *emitter
	started  time.Time
}

// Bounds of who asks. Profiles take the time that they were asked for beside
// these.
const (
	pageHeadTime  = 5 * time.Second
	pageReadTime  = 10 * time.Second
	pageWriteTime = 30 * time.Second
	pageIdleTime  = 2 * time.Minute // twice the usual interval of a scrape
	pageHeadBytes = 8 << 10
	pageMaxConns  = 32
	pageIdleLeast = 10 * time.Second // until a connection gives way to any other

	// pageGrace is how long the end of Gor waits for an answer that is on its
	// way. What has been profiled takes up to 200 ms to be written.
	pageGrace = time.Second
)

// openPage listens, and answers once serve is called. Without --http-pprof it
// returns nil, on which both do nothing.
func openPage(s *Settings, logf func(format string, args ...any)) (*statusPage, error) {
	if s.HTTPPprof == "" {
		return nil, nil
	}
	listener, err := listen(s.HTTPPprof)
	if err != nil {
		return nil, fmt.Errorf("--http-pprof: %w", err)
	}
	logf("counts and profiles at http://%s/", listener.Addr())
	if a, ok := listener.Addr().(*net.TCPAddr); ok && !a.IP.IsLoopback() {
		logf("http-pprof %s: everyone who can reach this port can read the profiles, the command line and all counts; let a firewall admit your monitoring only, or listen on 127.0.0.1:%d", a, a.Port)
	}
	ctx, quit := context.WithCancel(context.Background())
	p := &statusPage{listener: listener, quit: quit, started: time.Now(), table: admission.New(pageMaxConns, pageIdleLeast)}
	p.server = &http.Server{
		Handler:           p.handler(),
		ReadHeaderTimeout: pageHeadTime,
		ReadTimeout:       pageReadTime,
		WriteTimeout:      pageWriteTime,
		IdleTimeout:       pageIdleTime,
		MaxHeaderBytes:    pageHeadBytes,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ConnState:         p.admit,
		ErrorLog:          log.New(logWriter(logf), "http-pprof: ", 0),
	}
	return p, nil
}

// serve answers with the counts of e.
func (p *statusPage) serve(e *emitter) {
	if p == nil {
		return
	}
	p.em = e
	p.served.Go(func() { _ = p.server.Serve(p.listener) }) // until close
}

func (p *statusPage) close() {
	if p == nil {
		return
	}
	p.quit()
	ctx, cancel := context.WithTimeout(context.Background(), pageGrace)
	defer cancel()
	if p.server.Shutdown(ctx) != nil {
		p.server.Close()
	}
	p.listener.Close() // when nothing was served
	p.served.Wait()
}

// admit closes connections beyond the bound: of those that are there the
// idlest, when the client that has most of them would keep another out.
func (p *statusPage) admit(c net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		place, gone := p.table.Admit(c.RemoteAddr(), func() { c.Close() }, time.Now())
		if gone != nil {
			gone.End()
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

func (p *statusPage) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "/metrics       counts for Prometheus\n/debug/vars    counts and memory as JSON\n/debug/pprof/  profiles\n")
	})
	mux.HandleFunc("GET /metrics", p.serveMetrics)
	mux.HandleFunc("GET /debug/vars", p.serveVars)
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", p.serveCommandLine)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return mux
}

func (p *statusPage) serveMetrics(w http.ResponseWriter, _ *http.Request) {
	var b bytes.Buffer
	takeLedger(p.em).WriteMetrics(&b, version, p.started)
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	w.Write(b.Bytes())
}

// logWriter writes the lines of a log.Logger.
type logWriter func(format string, args ...any)

func (w logWriter) Write(p []byte) (int, error) {
	w("%s", strings.TrimRight(string(p), "\n"))
	return len(p), nil
}

// listenValue is an address to listen on.
type listenValue string

func listenFlag(p *string) *listenValue { return (*listenValue)(p) }
func (v *listenValue) String() string   { return string(*v) }
func (v *listenValue) Set(s string) error {
	if checkLinkAddr(s) != nil {
		return errors.New("want an address to listen on, such as :8181 or 127.0.0.1:8181")
	}
	*v = listenValue(s)
	return nil
}
