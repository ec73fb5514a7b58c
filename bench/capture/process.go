package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/buger/gor/bench/netns"
)

// A process is a program that runs beside the server.
type process struct {
	name  string
	cmd   *exec.Cmd
	ended chan struct{}
	err   error // of Wait, valid when ended is closed

	mu     sync.Mutex
	stderr bytes.Buffer
}

// start starts a program on a host.
func start(h netns.Host, program string, args ...string) (*process, error) {
	path := program
	if !strings.Contains(program, "/") {
		var err error
		if path, err = netns.Tool(program); err != nil {
			return nil, fmt.Errorf("%w: run scripts/bench-deps", err)
		}
	}
	argv := append(append(h.Prefix(), path), args...)
	p := &process{name: program, cmd: exec.Command(argv[0], argv[1:]...), ended: make(chan struct{})}
	p.cmd.Stderr = p
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.ended)
	}()
	return p, nil
}

// Write takes the process's stderr.
func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stderr.Write(b)
}

func (p *process) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stderr.String()
}

// await waits until f is true; what names that.
func (p *process) await(ctx context.Context, what string, f func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !f() {
		select {
		case <-p.ended:
			return fmt.Errorf("%s ended (%v): %s", p.name, p.err, p.said())
		case <-ctx.Done():
			return fmt.Errorf("wait until %s %s: %w: %s", p.name, what, ctx.Err(), p.said())
		case <-tick.C:
		}
	}
	return nil
}

// stop interrupts the process and waits for its end, whatever its exit code.
func (p *process) stop() error {
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		<-p.ended
		return nil // it has ended
	}
	t := time.NewTimer(patience)
	defer t.Stop()
	// tcpdump forgets one that comes just before its loop begins.
	again := time.NewTimer(patience / 2)
	defer again.Stop()
	for {
		select {
		case <-p.ended:
			return nil
		case <-again.C:
			_ = p.cmd.Process.Signal(os.Interrupt) // it may have ended
			continue
		case <-t.C:
		}
		err := p.cmd.Process.Signal(syscall.SIGKILL)
		<-p.ended
		return fmt.Errorf("%s did not end after SIGINT, and was killed (%v): %s", p.name, err, p.said())
	}
}

// used is the CPU time of a process that has ended, of all its threads.
func (p *process) used() time.Duration {
	return p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime()
}
