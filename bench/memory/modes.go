package main

import (
	"fmt"
	"io"
	"net"
	"os"
)

// A mode is a way to use Gor. prepare gives its words, and what sends to it
// once it runs; nil when it ends by itself.
type mode struct {
	name    string
	skip    func() error
	prepare func(e *env) (args []string, drive func(p *program) error, err error)
}

// needRoot skips what opens a packet socket.
func needRoot() error {
	if os.Getuid() != 0 {
		return fmt.Errorf("%wCAP_NET_RAW is needed", errSkip)
	}
	return nil
}

// capture is a mode that captures a server's traffic; args are its outputs.
func capture(name string, args func(e *env) []string) mode {
	return mode{name, needRoot, func(e *env) ([]string, func(*program) error, error) {
		server := e.target(false)
		return append([]string{"--input-raw", server}, args(e)...), func(p *program) error { return e.post(server) }, nil
	}}
}

// replay is a mode that replays a recording.
func replay(name string, args func(e *env) []string) mode {
	return mode{name, nil, func(e *env) ([]string, func(*program) error, error) {
		in, err := e.in()
		return append(in, args(e)...), nil, err
	}}
}

func words(w ...string) func(*env) []string { return func(*env) []string { return w } }

func modes() []mode {
	return []mode{
		capture("capture to a file", func(e *env) []string { return []string{"--output-file", e.file("out.gor")} }),
		capture("capture to a .gz", func(e *env) []string { return []string{"--output-file", e.file("out.gor.gz")} }),
		capture("capture to a .zst", func(e *env) []string { return []string{"--output-file", e.file("out.gor.zst")} }),
		capture("capture with responses to a file", func(e *env) []string {
			return []string{"--input-raw-track-response", "--output-file", e.file("out.gor")}
		}),
		capture("capture to http", func(e *env) []string { return []string{"--output-http", e.target(false)} }),
		capture("capture to tcp", func(e *env) []string { return []string{"--output-tcp", e.receiver()} }),
		capture("capture with a middleware to a file", func(e *env) []string {
			return []string{"--middleware", "cat", "--output-file", e.file("out.gor")}
		}),
		{"tcp to http", nil, func(e *env) ([]string, func(*program) error, error) { return e.link(false) }},
		{"tcp with TLS to http", nil, func(e *env) ([]string, func(*program) error, error) { return e.link(true) }},
		replay("file to nothing", words("--output-null")),
		replay("file to a .gz", func(e *env) []string { return []string{"--output-file", e.file("out.gor.gz")} }),
		replay("file to tcp", func(e *env) []string { return []string{"--output-tcp", e.receiver()} }),
		replay("file to http", func(e *env) []string { return []string{"--output-http", e.target(false)} }),
		replay("file to http, responses tracked", func(e *env) []string {
			return []string{"--output-http", e.target(false), "--output-http-track-response", "--output-file", e.file("out.gor")}
		}),
		replay("file to https, 8 workers", func(e *env) []string {
			return []string{"--output-http", "https://" + e.target(true), "--output-http-skip-verify", "--output-http-workers", "8"}
		}),
		replay("file to https, 8 workers, tracked into a .zst", func(e *env) []string {
			return []string{"--output-http", "https://" + e.target(true), "--output-http-skip-verify", "--output-http-workers", "8",
				"--output-http-track-response", "--output-file", e.file("out.gor.zst")}
		}),
		replay("file to http, rewritten", func(e *env) []string {
			return []string{"--output-http", e.target(false), "--http-set-header", "X-Test: 1", "--http-allow-url", "/"}
		}),
		replay("file with a middleware to http", func(e *env) []string {
			return []string{"--middleware", "cat", "--output-http", e.target(false)}
		}),
		{"file to http, prettified", nil, func(e *env) ([]string, func(*program) error, error) {
			name, err := e.recording(e.count(), e.request("prod", "Content-Encoding: gzip\r\n", gzipped(e.body, e.size)))
			return []string{"--input-file", name + "|max", "--on-full", "wait", "--prettify-http", "--output-http", e.target(false)}, nil, err
		}},
		replay("file to http and elasticsearch", func(e *env) []string {
			return []string{"--output-http", e.target(false), "--output-http-elasticsearch", e.elastic(false)}
		}),
		replay("file to http, with a verdict on a new version", func(e *env) []string {
			return []string{"--output-http", e.target(false) + "#primary", "--output-http", e.target(false) + "#candidate", "--output-http-track-response",
				"--output-http-response-buffer", "16mb", "--output-verdict", e.file("verdict")}
		}),
		{"file to kafka", nil, func(e *env) ([]string, func(*program) error, error) {
			in, err := e.in()
			if err != nil {
				return nil, nil, err
			}
			addr, err := e.kafka()
			return append(in, toKafka(addr)...), nil, err
		}},
		{"kafka to nothing", nil, func(e *env) ([]string, func(*program) error, error) {
			in, err := e.in()
			if err != nil {
				return nil, nil, err
			}
			addr, err := e.kafka()
			if err != nil {
				return nil, nil, err
			}
			sender, err := e.start(nil, append(in, toKafka(addr)...)...)
			if err != nil {
				return nil, nil, err
			}
			_, err = sender.wait(e.ctx, nil)
			return []string{"--input-kafka-host", addr, "--input-kafka-topic", topic, "--input-kafka-offset", "-2|max", "--input-kafka-to-end", "--output-null"}, nil, err
		}},
		replay("file to ws", func(e *env) []string { return []string{"--output-ws", "ws://" + e.websocket()} }),
		{"file to binary", nil, func(e *env) ([]string, func(*program) error, error) {
			in, err := e.in()
			if err != nil {
				return nil, nil, err
			}
			addr, err := e.raw(func(c net.Conn) { _, _ = io.Copy(c, c) })
			return append(in, "--output-binary", addr), nil, err
		}},
		{"input-http to a file", nil, func(e *env) ([]string, func(*program) error, error) {
			addr := free()
			return []string{"--input-http", addr, "--output-file", e.file("out.gor")}, func(p *program) error { return e.post(addr) }, nil
		}},
		{"input-http to http", nil, func(e *env) ([]string, func(*program) error, error) {
			addr := free()
			return []string{"--input-http", addr, "--output-http", e.target(false)}, func(p *program) error { return e.post(addr) }, nil
		}},
		replay("file to four outputs", func(e *env) []string {
			return []string{"--output-http", e.target(false), "--output-http", e.target(false), "--output-tcp", e.receiver(), "--output-file", e.file("out.gor")}
		}),
		capture("capture with all features on", func(e *env) []string {
			return []string{"--input-raw-track-response", "--middleware", "cat", "--prettify-http", "--http-set-header", "X-Test: 1",
				"--output-http", "https://" + e.target(true), "--output-http-skip-verify", "--output-http-workers", "8", "--output-http-track-response",
				"--output-http-elasticsearch", e.elastic(false), "--output-tcp", e.receiver(), "--output-file", e.file("out.gor.zst")}
		}),
	}
}

// receiver starts another Gor that takes what --output-tcp sends.
func (e *env) receiver() string {
	addr := free()
	if _, err := e.start(nil, "--input-tcp", addr, "--output-null"); err != nil {
		return "127.0.0.1:1" // Gor says that nobody takes its messages
	}
	return addr
}

// link measures the receiver; another Gor sends to it.
func (e *env) link(secure bool) ([]string, func(*program) error, error) {
	addr := free()
	args := []string{"--input-tcp", addr, "--output-http", e.target(false)}
	in, err := e.in()
	if err != nil {
		return nil, nil, err
	}
	send := append(in, "--output-tcp", addr)
	if secure {
		cert, key, err := e.certificate()
		if err != nil {
			return nil, nil, err
		}
		args = append(args, "--input-tcp-secure", "--input-tcp-certificate", cert, "--input-tcp-certificate-key", key)
		send = append(send, "--output-tcp-secure", "--output-tcp-skip-verify")
	}
	return args, func(p *program) error {
		sender, err := e.start(nil, send...)
		if err != nil {
			return err
		}
		_, err = sender.wait(e.ctx, nil) // it ends when all is acknowledged
		return err
	}, nil
}
