package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// inMemory is a folder in memory, so that no disk slows a measurement.
const inMemory = "/dev/shm"

// errSkip is of a mode that this machine does not allow.
var errSkip = errors.New("")

type result struct {
	peak int // bytes resident, at most
	lost int // messages that an output shed or failed to deliver, or an input lost
}

// sampling is how often the kernel is asked for VmHWM, which vanishes with the
// process.
const sampling = 5 * time.Millisecond

// runFor bounds a measurement.
const runFor = 60 * time.Second

// stopAfter is how long a Gor that was told to end may take.
const stopAfter = 20 * time.Second

// measure runs one mode. into, when set, is called with the process before
// anything is sent to it, to put it into a cgroup.
func measure(ctx context.Context, gor string, m mode, size int, into func(pid int) error) (r result, err error) {
	ctx, cancel := context.WithTimeout(ctx, runFor)
	defer cancel()
	folder := inMemory
	if into != nil {
		folder = os.TempDir() // what Gor writes there in a cgroup would count as its own memory
	}
	e, err := newEnv(ctx, gor, folder, size)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, e.close()) }()
	if m.skip != nil {
		if err := m.skip(); err != nil {
			return r, err
		}
	}
	args, drive, err := m.prepare(e)
	if err != nil {
		return r, err
	}
	summary := filepath.Join(e.dir, "summary.json")
	p, err := e.start(into, append(args, "--summary-json", summary)...)
	if err != nil {
		return r, err
	}
	if drive != nil {
		err = drive(p)
		if err == nil && !p.over() {
			err = p.stop()
		}
	}
	r.peak, err = p.wait(ctx, err)
	if err != nil {
		return r, err
	}
	r.lost, err = lostOf(summary)
	return r, err
}

// lostOf adds up what the ledger says was not delivered.
func lostOf(summary string) (lost int, err error) {
	text, err := os.ReadFile(summary)
	if err != nil {
		return 0, err
	}
	var l struct {
		Inputs  map[string]struct{ Before map[string]int }
		Outputs map[string]struct {
			Shed  int
			Fates map[string]int
		}
	}
	if err := json.Unmarshal(text, &l); err != nil {
		return 0, err
	}
	for _, in := range l.Inputs {
		for name, n := range in.Before {
			if strings.HasPrefix(name, "lost") {
				lost += n
			}
		}
	}
	for _, out := range l.Outputs {
		lost += out.Shed
		for name, n := range out.Fates {
			if name != "delivered" && !strings.HasPrefix(name, "responses ignored") {
				lost += n
			}
		}
	}
	return lost, nil
}

// A program is a running Gor whose memory is watched.
type program struct {
	cmd   *exec.Cmd
	said  output
	ended chan struct{}
	werr  error // valid when ended is closed
	peak  int   // likewise
}

func (e *env) start(into func(pid int) error, args ...string) (*program, error) {
	p := &program{cmd: exec.Command(e.gor, args...), ended: make(chan struct{})}
	p.cmd.Stderr = &p.said
	p.cmd.Env = append(os.Environ(), e.environ...)
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	if into != nil {
		if err := into(p.cmd.Process.Pid); err != nil {
			_ = p.cmd.Process.Kill()
			_ = p.cmd.Wait()
			return nil, err
		}
	}
	watched := make(chan int, 1)
	go func() { watched <- p.watch() }()
	go func() {
		p.werr = p.cmd.Wait()
		p.peak = <-watched
		close(p.ended)
	}()
	e.programs = append(e.programs, p)
	if err := p.until("to "); err != nil {
		return nil, err
	}
	return p, nil
}

func (p *program) watch() (peak int) {
	tick := time.NewTicker(sampling)
	defer tick.Stop()
	for range tick.C {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
		_, rest, ok := strings.Cut(string(status), "VmHWM:")
		if err != nil || !ok { // it is gone, or a zombie
			return peak
		}
		var n int
		if _, err := fmt.Sscan(rest, &n); err == nil {
			peak = max(peak, n<<10)
		}
	}
	return peak
}

// until waits for a line on stderr that has that in it.
func (p *program) until(want string) error {
	tick := time.NewTicker(sampling)
	defer tick.Stop()
	for range tick.C {
		if strings.Contains(p.said.String(), want) {
			return nil
		}
		if p.over() {
			return fmt.Errorf("%w: %s", p.werr, p.said.String())
		}
	}
	return nil
}

func (p *program) over() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

func (p *program) stop() error { return p.cmd.Process.Signal(os.Interrupt) }

// wait waits for the end. A mode may end with an error of its own when it was
// interrupted; killed is always one.
func (p *program) wait(ctx context.Context, err error) (peak int, _ error) {
	if err != nil {
		_ = p.cmd.Process.Kill()
	}
	select {
	case <-p.ended:
	case <-ctx.Done():
		_ = p.stop()
		select {
		case <-p.ended:
		case <-time.After(stopAfter):
			_ = p.cmd.Process.Kill()
			<-p.ended
			return p.peak, errors.Join(err, fmt.Errorf("gor does not end: %s", p.said.String()))
		}
	}
	var exit *exec.ExitError
	if errors.As(p.werr, &exit) {
		if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
			err = errors.Join(err, fmt.Errorf("gor was ended by a signal: %v", p.werr))
		} else if bytes.Contains([]byte(p.said.String()), []byte("usage")) {
			err = errors.Join(err, errors.New(p.said.String()))
		}
	}
	return p.peak, err
}

// output is what a program says, up to a bound.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

const outputMost = 1 << 20

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.buf.Len() < outputMost {
		o.buf.Write(p)
	}
	return len(p), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}
