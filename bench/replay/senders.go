package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/buger/gor/bench/netns"
)

// Names of the senders.
const (
	ourGor    = "gor"
	rawClient = "raw client"
	wrkClient = "wrk"
)

// A sender is a program that sends the requests.
type sender struct {
	name  string
	argv  func(addr string) []string
	env   []string
	sent  func(output string) int64 // how many it says it sent
	never bool                      // it has to be stopped: how many it was given is known
}

func sendersOf(o options, file string) []sender {
	all := func(string) int64 { return int64(o.requests) }
	self, err := os.Executable()
	if err != nil {
		self = os.Args[0]
	}
	list := []sender{
		{name: ourGor, sent: all, argv: func(addr string) []string {
			return []string{o.gor, "--input-file", file + "|max", "--output-http", addr, "--output-http-workers", strconv.Itoa(o.conns), "--on-full", "wait"}
		}},
		{name: rawClient, sent: all, env: []string{roleVar + "=client"}, argv: func(addr string) []string {
			return []string{self, addr, strconv.Itoa(o.conns), strconv.Itoa(o.requests)}
		}},
	}
	if wrk, err := netns.Tool("wrk"); err == nil {
		list = append(list, sender{name: wrkClient, sent: wrkRequests, argv: func(addr string) []string {
			// It counts time, not requests: about as long as the others take.
			args := []string{wrk, "-t2", "-c", strconv.Itoa(o.conns), "-d", fmt.Sprintf("%ds", max(1, o.requests/100_000))}
			return append(append(args, wrkHeaders(request(1))...), "http://"+addr+"/items/1?q=17")
		}})
	}
	if o.peer != "" {
		list = append(list, sender{name: "peer", sent: all, never: true, argv: func(addr string) []string {
			args := o.peerArgs
			if args == "" {
				args = "--input-file {file}|100000% --output-http http://{addr} --output-http-workers {conns}"
			}
			return append([]string{o.peer}, splitArgs(args, map[string]string{"file": file, "addr": addr, "port": portOf(addr), "conns": strconv.Itoa(o.conns)})...)
		}})
	}
	return list
}

// wrkHeaders are the arguments that make wrk send the headers of a request: one
// without them would be a sixth as long, for the server to read too.
func wrkHeaders(request string) (args []string) {
	head, _, _ := strings.Cut(request, "\r\n\r\n")
	for _, line := range strings.Split(head, "\r\n")[1:] {
		args = append(args, "-H", line)
	}
	return args
}

var wrkLine = regexp.MustCompile(`(\d+) requests in`)

func wrkRequests(output string) int64 {
	m := wrkLine.FindStringSubmatch(output)
	if m == nil {
		return 0
	}
	n, _ := strconv.ParseInt(m[1], 10, 64)
	return n
}

// A measurement is one run of one sender.
type measurement struct {
	sent, came, conns int64 // requests sent, requests at the server, its connections
	took, cpu         time.Duration
	memory            int64 // bytes resident at most
}

const (
	// runPatience bounds one run.
	runPatience = 3 * time.Minute
	// peerQuiet is after what silence a program that never ends is stopped.
	peerQuiet = 2 * time.Second
)

func measure(ctx context.Context, s sender, o options) (m measurement, err error) {
	ctx, cancel := context.WithTimeout(ctx, runPatience)
	defer cancel()
	target, err := startServer()
	if err != nil {
		return m, err
	}
	defer target.stop()
	argv := s.argv(target.addr)
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), s.env...)
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return m, err
	}
	stopped := make(chan struct{})
	if s.never {
		go func() {
			defer close(stopped)
			target.awaitQuiet(ctx, int64(o.requests))
			_ = cmd.Process.Signal(os.Interrupt) // it may have ended
		}()
	} else {
		close(stopped)
	}
	err = cmd.Wait()
	<-stopped
	m.took = time.Since(began)
	if err != nil && !s.never {
		return m, fmt.Errorf("%w: %s", err, output.String())
	}
	m.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		m.memory = usage.Maxrss << 10
	}
	var first, last time.Time
	if m.came, m.conns, first, last, err = target.counts(); err != nil {
		return m, err
	}
	// From the first request to the last: not the program's start, nor the
	// wait for one that does not end.
	if last.After(first) {
		m.took = last.Sub(first)
	}
	m.sent = s.sent(output.String())
	return m, nil
}

// sendRaw is the yardstick: each connection writes a request and reads its
// answer in a loop, with no queue, no clock and no counts.
func sendRaw(addr string, conns, n int) error {
	var left atomic.Int64
	left.Store(int64(n))
	errs := make(chan error, conns)
	var wg sync.WaitGroup
	for range conns {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			return err
		}
		defer c.Close()
		wg.Go(func() {
			raw := []byte(request(100_000))
			buf := make([]byte, len(answer))
			for left.Add(-1) >= 0 {
				if _, err := c.Write(raw); err != nil {
					errs <- err
					return
				}
				if _, err := io.ReadFull(c, buf); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	wg.Wait()
	close(errs)
	var all []error
	for err := range errs {
		all = append(all, err)
	}
	return errors.Join(all...)
}
