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
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/buger/gor/internal/payload"
)

// A result is one crossing.
type result struct {
	took                            time.Duration // from the sender's start to its end
	bytes                           int64         // of messages
	cpu                             time.Duration // of both ends
	sender, receiver                int64         // bytes resident at most
	intact, missing, twice, foreign int
}

func (r result) messageRate() float64 { return float64(r.intact) / r.took.Seconds() }
func (r result) byteRate() float64    { return float64(r.bytes) / r.took.Seconds() }
func (r result) senderMB() float64    { return float64(r.sender) / (1 << 20) }
func (r result) receiverMB() float64  { return float64(r.receiver) / (1 << 20) }
func (r result) cpuPerGB() float64    { return r.cpu.Seconds() / float64(r.bytes) * 1e9 }

const (
	patience = 3 * time.Minute
	// quiet is after what silence a program that never ends is stopped.
	quiet = 2 * time.Second
)

// measure has a recording cross the link once.
func measure(ctx context.Context, p pair, in recording, dir string) (r result, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	addr, err := freeAddress()
	if err != nil {
		return r, err
	}
	out := filepath.Join(dir, "out.gor")
	defer os.Remove(out)
	words := strings.NewReplacer("{in}", in.name, "{out}", out, "{addr}", addr)
	receiver, err := start(ctx, words, p.receive)
	if err != nil {
		return r, err
	}
	defer receiver.abandon()
	if err := receiver.listening(ctx, addr); err != nil {
		return r, err
	}
	began := time.Now()
	sender, err := start(ctx, words, p.send)
	if err != nil {
		return r, err
	}
	defer sender.abandon()
	if p.ends {
		if err := sender.wait(); err != nil {
			return r, err
		}
		r.took = time.Since(began)
	} else {
		r.took = awaitQuiet(ctx, out, began)
		if err := sender.stop(); err != nil {
			return r, err
		}
	}
	if err := receiver.stop(); err != nil {
		return r, err
	}
	r.cpu = sender.cpu() + receiver.cpu()
	r.sender, r.receiver = sender.memory(), receiver.memory()
	return r, r.compare(in, out)
}

// awaitQuiet returns how long after began the file grew last.
func awaitQuiet(ctx context.Context, name string, began time.Time) time.Duration {
	var size int64
	last := time.Now()
	for time.Since(last) < quiet && ctx.Err() == nil {
		if info, err := os.Stat(name); err == nil && info.Size() != size {
			size, last = info.Size(), time.Now()
		}
		time.Sleep(10 * time.Millisecond)
	}
	return last.Sub(began)
}

// compare looks for each message that was sent in what arrived.
func (r *result) compare(in recording, out string) error {
	f, err := os.Open(out)
	if err != nil {
		return err
	}
	defer f.Close()
	src, err := payload.Open(f, out, 0)
	if err != nil {
		return err
	}
	seen := make([]bool, in.messages)
	var want []byte
	for {
		msg, err := src.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		i, ok := in.number(msg)
		want = in.append(want[:0], i)
		if !ok || !bytes.Equal(payload.Body(msg), payload.Body(want)) {
			r.foreign++
			continue
		}
		if seen[i] {
			r.twice++
			continue
		}
		seen[i] = true
		r.intact++
		r.bytes += int64(len(msg))
	}
	r.missing = in.messages - r.intact
	if d := src.Damage(); d.Any() {
		r.foreign += int(d.Damaged + d.Torn)
	}
	return nil
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// A process is one of the two programs.
type process struct {
	cmd    *exec.Cmd
	output bytes.Buffer
	ended  chan struct{}
	err    error // of its end
}

func start(ctx context.Context, words *strings.Replacer, argv []string) (*process, error) {
	args := make([]string, len(argv))
	for i, a := range argv {
		args[i] = words.Replace(a)
	}
	p := &process{cmd: exec.CommandContext(ctx, args[0], args[1:]...)}
	p.ended = make(chan struct{})
	p.cmd.Stderr = &p.output
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.ended)
	}()
	return p, nil
}

// listening waits until the address takes connections.
func (p *process) listening(ctx context.Context, addr string) error {
	for {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			return c.Close()
		}
		select {
		case <-p.ended:
			return fmt.Errorf("%s: %w: %s", p.cmd.Args, p.err, p.output.String())
		case <-ctx.Done():
			return fmt.Errorf("%s does not listen: %w", p.cmd.Args, err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (p *process) wait() error {
	<-p.ended
	if p.err != nil {
		return fmt.Errorf("%s: %w: %s", p.cmd.Args, p.err, p.output.String())
	}
	return nil
}

func (p *process) stop() error {
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		return err
	}
	return p.wait()
}

// abandon ends the process of a measurement that failed.
func (p *process) abandon() {
	p.cmd.Process.Kill() // one that has ended says so
	<-p.ended
}

func (p *process) cpu() time.Duration {
	return p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime()
}

func (p *process) memory() int64 {
	if u, ok := p.cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		return int64(u.Maxrss) << 10
	}
	return 0
}
