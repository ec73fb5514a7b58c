package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
)

// bombBytes is what the body of a bomb is when it is unpacked: a thousand times
// what is sent.
const bombBytes = 512 << 20

// hostile is a mode whose HTTP target does what answer does, on every
// connection and for every request; requests are many, so that all workers are
// in use.
func hostile(name string, answer func(w io.Writer) error, args ...string) mode {
	return mode{name, nil, func(e *env) ([]string, func(*program) error, error) {
		addr, err := e.raw(func(c net.Conn) {
			r := bufio.NewReader(c)
			for {
				q, err := http.ReadRequest(r)
				if err != nil {
					return
				}
				if _, err := io.Copy(io.Discard, q.Body); err != nil {
					return
				}
				if answer(c) != nil {
					return
				}
			}
		})
		if err != nil {
			return nil, nil, err
		}
		name, err := e.recording(4000, []byte("GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
		all := append([]string{"--input-file", name + "|max", "--on-full", "wait", "--output-http", addr, "--output-http-workers", "512", "--output-http-timeout", "4s"}, args...)
		return all, nil, err
	}}
}

// abuses are what strangers can do to Gor.
func abuses() []mode {
	largest := "HTTP/1.1 200 OK\r\nA: " + strings.Repeat("a", 250<<10) + "\r\nContent-Length: 0\r\n\r\n"
	write := func(w io.Writer, texts ...string) error {
		for _, text := range texts {
			if _, err := io.WriteString(w, text); err != nil {
				return err
			}
		}
		return nil
	}
	endless := func(first, again string) func(io.Writer) error {
		return func(w io.Writer) error {
			err := write(w, first)
			for err == nil {
				err = write(w, again)
			}
			return err
		}
	}
	once := func(text string) func(io.Writer) error { return func(w io.Writer) error { return write(w, text) } }
	stuck := func(text string) func(io.Writer) error {
		return func(w io.Writer) error { // and then nothing
			if err := write(w, text); err != nil {
				return err
			}
			_, err := io.Copy(io.Discard, w.(io.Reader))
			return err
		}
	}
	fields := "HTTP/1.1 200 OK\r\n" + strings.Repeat("a:\n", 80_000) + "\r\n"
	redirect := "HTTP/1.1 302 Found\r\nLocation: /again\r\nA: " + strings.Repeat("a", 200<<10) + "\r\nContent-Length: 0\r\n\r\n"
	held := "HTTP/1.1 200 OK\r\nA: " + strings.Repeat("a", 250<<10)
	return []mode{
		crowdedRequests(),
		hostile("answers with the largest heads", once(largest)),
		hostile("heads that stop before their end", stuck(held)),
		hostile("heads that stop, responses tracked", stuck(held), "--output-http-track-response", "--output-null"),
		hostile("heads without end", endless("HTTP/1.1 200 OK\r\n", "A: "+strings.Repeat("a", 1000)+"\r\n")),
		hostile("answers of one-letter fields", once(fields)),
		hostile("interim answers without end", endless("", "HTTP/1.1 103 Early Hints\r\nA: "+strings.Repeat("a", 1000)+"\r\n\r\n")),
		hostile("redirections with large heads", once(redirect), "--output-http-redirects", "5"),
		elasticAbuse("large heads reported to elasticsearch, which hangs", largest, true),
		elasticAbuse("large heads reported to elasticsearch", largest, false),
		hostile("large answers, tracked", once("HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n"+strings.Repeat("b", 2_000_000)), "--output-http-track-response", "--output-null"),
		{"elasticsearch hangs, bodies of 1 MB", nil, func(e *env) ([]string, func(*program) error, error) {
			e.size, e.body = 1<<20, make([]byte, 1<<20)
			in, err := e.in()
			return append(in, "--output-http", e.target(false), "--output-http-elasticsearch", e.elastic(true)), nil, err
		}},
		{"bodies that unpack to 512 MB, prettified", nil, func(e *env) ([]string, func(*program) error, error) {
			name, err := e.recording(50, e.request("prod", "Content-Encoding: gzip\r\n", gzipped(make([]byte, 1<<20), bombBytes)))
			return []string{"--input-file", name + "|max", "--on-full", "wait", "--prettify-http", "--output-http", e.target(false)}, nil, err
		}},
		{"bodies that unpack to 15 MB, prettified", nil, func(e *env) ([]string, func(*program) error, error) {
			name, err := e.recording(50, e.request("prod", "Content-Encoding: gzip\r\n", gzipped(make([]byte, 1<<20), 15<<20)))
			return []string{"--input-file", name + "|max", "--on-full", "wait", "--prettify-http", "--output-http", e.target(false)}, nil, err
		}},
		{"a middleware's line without end", nil, func(e *env) ([]string, func(*program) error, error) {
			in, err := e.in()
			return append(in, "--middleware", "sh -c 'head -c 200000000 /dev/zero | tr \"\\\\000\" 3; cat'", "--output-null"), nil, err
		}},
		bigCapture(),
	}
}

// crowdedRequests are heads of 250 kB made of one-letter lines, captured and
// replayed.
func crowdedRequests() mode {
	return mode{"captured heads of one-letter lines", needRoot, func(e *env) ([]string, func(*program) error, error) {
		server, err := e.raw(func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
		if err != nil {
			return nil, nil, err
		}
		head := "GET / HTTP/1.1\r\nHost: a\r\n" + strings.Repeat("a\n", 120_000) + "\r\n"
		return []string{"--input-raw", server, "--http-set-header", "A: b", "--output-http", e.target(false)}, func(p *program) error {
			for range 60 {
				c, err := net.Dial("tcp", server)
				if err != nil {
					return err
				}
				if _, err := io.WriteString(c, head); err != nil {
					return err
				}
				c.Close()
			}
			return nil
		}, nil
	}}
}

func elasticAbuse(name, answer string, hangs bool) mode {
	return mode{name, nil, func(e *env) ([]string, func(*program) error, error) {
		m := hostile(name, func(w io.Writer) error { _, err := io.WriteString(w, answer); return err }, "--output-http-elasticsearch", e.elastic(hangs))
		return m.prepare(e)
	}}
}

// bigCapture is uploads of 15 MB on many connections at once.
func bigCapture() mode {
	return mode{"32 uploads of 15 MB at once, captured", needRoot, func(e *env) ([]string, func(*program) error, error) {
		server := e.target(false)
		return []string{"--input-raw", server, "--output-http", e.target(false)}, func(p *program) error {
			var conns []net.Conn
			defer func() {
				for _, c := range conns {
					c.Close()
				}
			}()
			for range 32 {
				c, err := net.Dial("tcp", server)
				if err != nil {
					return err
				}
				conns = append(conns, c)
				if _, err := fmt.Fprintf(c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", 15<<20); err != nil {
					return err
				}
			}
			part := make([]byte, 64<<10)
			for range (15 << 20) / len(part) {
				for _, c := range conns {
					if _, err := c.Write(part); err != nil {
						return err
					}
				}
			}
			return nil
		}, nil
	}}
}
