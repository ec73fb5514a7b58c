package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// A site is a small web server that remembers what it was asked.
type site struct {
	addr   string
	server *http.Server
	markup float64 // by which its prices are multiplied

	mu   sync.Mutex
	list []request
	tap  func(*http.Request, []byte) // told of each request, when not nil
}

// request is what a site keeps of a request.
type request struct {
	at   time.Time // when it had come whole
	kind string    // "GET /items"
	sum  [sha256.Size]byte
}

func startSite() (*site, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &site{addr: l.Addr().String(), markup: 1}
	s.server = &http.Server{Handler: s}
	go s.server.Serve(l)
	return s, nil
}

func (s *site) close() { s.server.Close() }

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	top, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	sum := sha256.New()
	fmt.Fprintf(sum, "%s %s %s\n", r.Method, r.RequestURI, r.Header.Get("X-Number"))
	sum.Write(body)
	s.mu.Lock()
	s.list = append(s.list, request{at: time.Now(), kind: r.Method + " /" + top, sum: [sha256.Size]byte(sum.Sum(nil))})
	if s.tap != nil {
		s.tap(r, body)
	}
	s.mu.Unlock()
	answer := map[string]any{"number": r.Header.Get("X-Number"), "at": time.Now()}
	if top == "items" {
		answer["price"] = s.markup * float64(10+len(r.URL.Path))
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(answer)
}

// setTap makes the site tell f of each request from now on.
func (s *site) setTap(f func(*http.Request, []byte)) {
	s.mu.Lock()
	s.tap = f
	s.mu.Unlock()
}

func (s *site) seen() []request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]request(nil), s.list...)
}
