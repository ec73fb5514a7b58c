package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"github.com/buger/gor/bench/loadgen"
	"github.com/buger/gor/bench/netns"
	"github.com/buger/gor/internal/payload"
)

// A measurement is one captor beside one load.
type measurement struct {
	rate     float64 // answers a second
	latency  latencies
	requests int64 // sent
	cpu      time.Duration
	memory   int64 // bytes, the most that was resident
	dropped  int64 // packets; -1 unknown
	kept     int64 // packets; -1 unknown
	recorded int64 // requests; of numbered ones those that are intact; -1 unknown
	wrong    int64 // records of numbered requests that are doubled, altered or foreign
}

// latencies are how long the load waited for its answers.
type latencies struct{ p50, p99, p999 time.Duration }

// per100k is CPU seconds for each 100,000 requests.
func (m measurement) per100k() float64 { return m.cpu.Seconds() / float64(m.requests) * 100_000 }

// measure runs a load with a captor beside the server.
func measure(ctx context.Context, s *site, c captor, kind loadgen.Case, o options) (m measurement, err error) {
	dir, err := os.MkdirTemp("", "gor-bench-")
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	w, err := watchSite(ctx, s, c, filepath.Join(dir, "out.gor"))
	if err != nil {
		return m, err
	}
	m.recorded, m.dropped, m.kept = -1, -1, -1
	traffic := loadgen.NewTraffic(kind, uint64(time.Now().UnixNano()))
	var sent []uint32 // nil: not numbered
	if kind == loadgen.Get {
		err = loadWrk(ctx, s, o, &m)
	} else {
		sent, err = loadNumbered(ctx, s, traffic, o, &m)
	}
	if err != nil {
		w.abandon()
		return m, err
	}
	if err := w.end(&m); err != nil {
		return m, err
	}
	if c.records {
		err = countRecorded(dir, traffic, sent, &m)
	}
	return m, err
}

// loadNumbered sends numbered requests and returns how many each connection
// sent.
func loadNumbered(ctx context.Context, s *site, traffic *loadgen.Traffic, o options, m *measurement) ([]uint32, error) {
	stop, cancel := context.WithTimeout(ctx, time.Duration(o.seconds)*time.Second)
	defer cancel()
	load := loadgen.Load{Traffic: traffic, Address: s.address(), Connections: o.conns, Stop: stop.Done(), Dial: s.client.Dial}
	r, err := load.Run(ctx)
	m.rate, m.requests = r.Rate(), r.Requests()
	m.latency = latencies{r.Latency.Quantile(0.5), r.Latency.Quantile(0.99), r.Latency.Quantile(0.999)}
	return r.Sent, err
}

var (
	wrkCount   = regexp.MustCompile(`(?m)^\s*(\d+) requests in `)
	wrkRate    = regexp.MustCompile(`(?m)^Requests/sec:\s*([0-9.]+)`)
	wrkLatency = regexp.MustCompile(`(?m)^microseconds ([0-9]+) ([0-9]+) ([0-9]+)$`)
	wrkErrors  = regexp.MustCompile(`(?m)^\s*(Socket errors|Non-2xx).*`)
)

// wrkScript has wrk say what it keeps of latencies and does not print.
const wrkScript = `
done = function(summary, latency, requests)
  io.write(string.format("microseconds %d %d %d\n", latency:percentile(50), latency:percentile(99), latency:percentile(99.9)))
end
`

// loadWrk has wrk send GETs, from one thread as the server has one.
func loadWrk(ctx context.Context, s *site, o options, m *measurement) error {
	script := filepath.Join(s.dir, "latency.lua")
	if err := os.WriteFile(script, []byte(wrkScript), 0o600); err != nil {
		return err
	}
	wrk, err := netns.Tool("wrk")
	if err != nil {
		return fmt.Errorf("%w: run scripts/bench-deps", err)
	}
	argv := append(s.client.Prefix(), wrk, "-t", "1", "-c", strconv.Itoa(o.conns),
		"-d", strconv.Itoa(o.seconds)+"s", "-s", script, "http://"+s.address()+"/")
	out, err := exec.CommandContext(ctx, argv[0], argv[1:]...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("wrk: %w: %s", err, out)
	}
	return parseWrk(string(out), m)
}

// parseWrk reads what wrk says at its end.
func parseWrk(out string, m *measurement) error {
	if bad := wrkErrors.FindString(out); bad != "" {
		return fmt.Errorf("wrk: %s", bad)
	}
	count, rate, took := wrkCount.FindStringSubmatch(out), wrkRate.FindStringSubmatch(out), wrkLatency.FindStringSubmatch(out)
	if count == nil || rate == nil || took == nil {
		return fmt.Errorf("wrk does not say how many requests it sent, how fast, and how long they took: %s", out)
	}
	var errs [5]error
	m.requests, errs[0] = strconv.ParseInt(count[1], 10, 64)
	m.rate, errs[1] = strconv.ParseFloat(rate[1], 64)
	for i, quantile := range []*time.Duration{&m.latency.p50, &m.latency.p99, &m.latency.p999} {
		var us int64
		us, errs[2+i] = strconv.ParseInt(took[1+i], 10, 64)
		*quantile = time.Duration(us) * time.Microsecond
	}
	return errors.Join(errs[:]...)
}

// countRecorded counts what the recordings in dir have: any requests, or of
// numbered ones those that are intact. Several files are read as one, as some
// captors begin a new one now and then.
func countRecorded(dir string, traffic *loadgen.Traffic, sent []uint32, m *measurement) error {
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		return err
	}
	var files []io.Reader
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		files = append(files, f)
	}
	all := io.MultiReader(files...)
	if sent != nil {
		found, err := traffic.Verify(all, dir, sent)
		m.recorded, m.wrong = found.Intact, found.Duplicates+found.Altered+found.Foreign
		return err
	}
	src, err := payload.Open(all, dir, 0)
	if err != nil {
		return err
	}
	m.recorded = 0
	for {
		msg, err := src.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if payload.IsRequest(msg) {
			m.recorded++
		}
	}
}
