package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/coder/websocket"

	"github.com/buger/gor/internal/payload"
)

// An env is what one measurement needs: targets, files, and a client.
type env struct {
	ctx      context.Context
	gor      string
	dir      string
	environ  []string // added to Gor's
	size     int      // bytes of a body
	body     []byte
	programs []*program
	servers  []*httptest.Server
	closers  []io.Closer
	wg       sync.WaitGroup
}

// newEnv makes one whose files are in a folder of folder's.
func newEnv(ctx context.Context, gor, folder string, size int) (*env, error) {
	dir, err := os.MkdirTemp(folder, "gor-bench-memory")
	if err != nil {
		return nil, err
	}
	e := &env{ctx: ctx, gor: gor, dir: dir, size: size, body: make([]byte, size)}
	state := uint32(size) | 1
	for i := range e.body { // nothing that compresses to nothing
		state ^= state << 13
		state ^= state >> 17
		state ^= state << 5
		e.body[i] = 'a' + byte(state%26)
	}
	return e, nil
}

func (e *env) close() error {
	for _, p := range e.programs {
		if !p.over() {
			_ = p.stop()
			_, _ = p.wait(e.ctx, nil)
		}
	}
	for _, c := range e.closers {
		_ = c.Close()
	}
	for _, s := range e.servers {
		s.CloseClientConnections()
		s.Close()
	}
	e.wg.Wait()
	return os.RemoveAll(e.dir)
}

func (e *env) file(name string) string { return filepath.Join(e.dir, name) }

// count is how many messages a measurement has: enough of each size for what
// grows to have grown.
func (e *env) count() int {
	switch {
	case e.size >= 8<<20:
		return 10
	case e.size >= 1<<20:
		return 100
	}
	return 20_000
}

// server starts an HTTP server and returns its address.
func (e *env) server(h http.HandlerFunc, secure bool) string {
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	if secure {
		s.StartTLS()
	} else {
		s.Start()
	}
	e.servers = append(e.servers, s)
	return s.Listener.Addr().String()
}

// target answers each request, once it is read, with as many bytes.
func (e *env) target(secure bool) string {
	return e.server(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = w.Write(e.body)
	}, secure)
}

// elastic takes documents, or, when it hangs, reads them and never answers.
func (e *env) elastic(hangs bool) string {
	return e.server(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if hangs {
			<-r.Context().Done()
			return
		}
		_, _ = io.WriteString(w, `{"took":1,"errors":false,"items":[]}`)
	}, false) + "/gor"
}

// websocket takes messages and forgets them.
func (e *env) websocket() string {
	return e.server(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer c.CloseNow()
		c.SetReadLimit(-1)
		for {
			_, m, err := c.Reader(r.Context())
			if err != nil {
				return
			}
			if _, err := io.Copy(io.Discard, m); err != nil {
				return
			}
		}
	}, false)
}

// raw starts a server that gives each connection to serve.
func (e *env) raw(serve func(c net.Conn)) (addr string, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	e.closers = append(e.closers, l)
	var mu sync.Mutex
	conns := map[net.Conn]bool{}
	e.closers = append(e.closers, closing(func() error {
		mu.Lock()
		defer mu.Unlock()
		for c := range conns {
			c.Close()
		}
		conns = nil
		return nil
	}))
	e.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			if conns == nil {
				c.Close()
			} else {
				conns[c] = true
			}
			mu.Unlock()
			e.wg.Go(func() {
				defer c.Close()
				serve(c)
			})
		}
	})
	return l.Addr().String(), nil
}

type closing func() error

func (c closing) Close() error { return c() }

// request is one recorded request with that body.
func (e *env) request(addr, more string, body []byte) []byte {
	return append(fmt.Appendf(nil, "POST /path HTTP/1.1\r\nHost: %s\r\n%sContent-Length: %d\r\n\r\n", addr, more, len(body)), body...)
}

// recording writes n requests to a file; a hundred share the time.
func (e *env) recording(n int, raw []byte) (string, error) {
	var b bytes.Buffer
	name := e.file("in.gor")
	f, err := os.Create(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	var msg, record []byte
	for i := range n {
		msg = payload.AppendMeta(msg[:0], payload.Meta{
			Type: payload.Request, ID: payload.AppendID(nil, uint64(i/8+1), uint32(i%8)),
			Time: 1_700_000_000_000_000_000 + int64(i), Duration: -1, Length: int64(len(raw)),
		})
		msg = append(msg, raw...)
		record = payload.AppendRecord(record[:0], msg)
		b.Write(record)
		if b.Len() > 1<<20 || i == n-1 {
			if _, err := b.WriteTo(f); err != nil {
				return "", err
			}
		}
	}
	return name, nil
}

// in is --input-file with a recording of requests, as fast as they can go.
func (e *env) in() ([]string, error) {
	name, err := e.recording(e.count(), e.request("prod", "", e.body))
	return []string{"--input-file", name + "|max", "--on-full", "wait"}, err
}

func gzipped(plain []byte, n int) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	for n > 0 {
		part := plain[:min(n, len(plain))]
		_, _ = w.Write(part) // a bytes.Buffer takes all
		n -= len(part)
	}
	_ = w.Close()
	return b.Bytes()
}

// clients is how many connections send at the same time.
const clients = 4

// post sends count requests to addr over several connections.
func (e *env) post(addr string) error {
	var left atomic.Int64
	left.Store(int64(e.count()))
	errs := make(chan error, clients)
	for range clients {
		go func() {
			t := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} // a server of our own
			defer t.CloseIdleConnections()
			c := &http.Client{Transport: t}
			for left.Add(-1) >= 0 {
				r, err := http.NewRequestWithContext(e.ctx, "POST", "http://"+addr+"/path", bytes.NewReader(e.body))
				if err == nil {
					var answer *http.Response
					if answer, err = c.Do(r); err == nil {
						_, err = io.Copy(io.Discard, answer.Body)
						answer.Body.Close()
					}
				}
				if err != nil {
					errs <- err
					return
				}
			}
			errs <- nil
		}()
	}
	var all error
	for range clients {
		all = errors.Join(all, <-errs)
	}
	return all
}

// free is an address that nobody listens to.
func free() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "127.0.0.1:1"
	}
	defer l.Close()
	return l.Addr().String()
}
