package main

import (
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// A captor is a program that captures, or nothing. The words of args may hold
// {port} and {file}.
type captor struct {
	name    string
	program string // empty: nothing
	args    []string
	ready   string // what it says when it captures; empty: it has a bound packet socket
	records bool   // into {file}, in Gor's format
}

// The names that comparisons are made with.
const (
	nothing     = "nothing"
	tcpdump     = "tcpdump"
	tcpdumpFile = "tcpdump to a file"
	ourGor      = "gor"
)

// captors are what is measured, in turn.
func captors(gor, peer, peerArgs string) []captor {
	if !strings.Contains(gor, "/") {
		gor = "./" + gor
	}
	list := []captor{
		{name: nothing},
		// Like Gor without an interface, it looks at all of them. On loopback
		// -i lo would see the same: both leave out one of the two sights of a
		// packet only after it was copied.
		{name: tcpdump, program: "tcpdump", args: []string{"-i", "any", "-w", "/dev/null", "tcp port {port}"}, ready: "listening on"},
		// Of large bodies the file is what costs most.
		{name: tcpdumpFile, program: "tcpdump", args: []string{"-i", "any", "-w", "{file}", "tcp port {port}"}, ready: "listening on"},
		{name: ourGor, program: gor, args: []string{"--input-raw", ":{port}", "--output-file", "{file}"}, ready: "gor: to ", records: true},
	}
	if peer != "" {
		name := "peer " + filepath.Base(peer)
		list = append(list, captor{name: name, program: peer, args: strings.Fields(peerArgs), records: strings.Contains(peerArgs, "{file}")})
	}
	return list
}

// A watch is a captor at work.
type watch struct {
	p      *process
	before time.Duration // CPU time when the load began
}

// watchSite starts c beside a site and waits until it captures.
func watchSite(ctx context.Context, s *site, c captor, file string) (*watch, error) {
	if c.program == "" {
		return &watch{}, nil
	}
	args := make([]string, len(c.args))
	for i, arg := range c.args {
		args[i] = strings.NewReplacer("{port}", s.port, "{file}", file).Replace(arg)
	}
	p, err := start(s.server, c.program, args...)
	if err != nil {
		return nil, err
	}
	w := &watch{p: p}
	err = p.await(ctx, "captures", func() bool {
		if c.ready == "" {
			return capturing(p.cmd.Process.Pid)
		}
		return strings.Contains(p.said(), c.ready)
	})
	if err == nil {
		w.before, err = cpuSoFar(p.cmd.Process.Pid)
	}
	if err != nil {
		w.abandon()
		return nil, err
	}
	return w, nil
}

// end stops the captor, so that it has captured all of the load, and adds what
// it cost to m.
func (w *watch) end(m *measurement) (err error) {
	if w.p == nil {
		return nil
	}
	if m.memory, err = peakMemory(w.p.cmd.Process.Pid); err != nil {
		w.abandon()
		return fmt.Errorf("%s has ended: %w: %s", w.p.name, err, w.p.said())
	}
	if err := w.p.stop(); err != nil {
		return err
	}
	m.cpu = w.p.used() - w.before
	m.dropped, m.kept = droppedByKernel(w.p.said()), keptOf(w.p.said())
	return nil
}

// abandon stops the captor of a measurement that failed.
func (w *watch) abandon() {
	if w.p != nil {
		w.p.stop()
	}
}

var keptLine = regexp.MustCompile(`(?m)(?:^|before that: )(\d+) packets?(?: captured$|, )`)

// keptOf reads how many packets tcpdump or Gor had, at its end; -1 is silence.
func keptOf(said string) int64 {
	all := keptLine.FindAllStringSubmatch(said, -1)
	if len(all) == 0 {
		return -1
	}
	n, err := strconv.ParseInt(all[len(all)-1][1], 10, 64)
	if err != nil {
		return -1
	}
	return n
}

var dropLine = regexp.MustCompile(`(\d+) packets? dropped by (?:the )?kernel`)

// droppedByKernel reads what tcpdump or Gor says at its end; -1 is silence.
func droppedByKernel(said string) int64 {
	all := dropLine.FindAllStringSubmatch(said, -1)
	if len(all) == 0 {
		if strings.Contains(said, "gor: ledger") {
			return 0 // rows of zero are left out
		}
		return -1
	}
	n, err := strconv.ParseInt(all[len(all)-1][1], 10, 64)
	if err != nil {
		return -1
	}
	return n
}
