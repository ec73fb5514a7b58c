package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/buger/gor/internal/address"
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/queue"
	"mvdan.cc/sh/v3/shell"
)

// A middleware is a program of the user's between the inputs and the outputs.
// Every message of an input goes to its stdin, a line of hex for each; what
// it prints in the same form goes on to the modifier and the outputs, what it
// does not print is dropped. To the emitter it is an output (feed) and an
// input (back).
//
// A program that is slow holds up no capture: what its queue has no room for
// is shed and counted, as for any output.
type middleware struct {
	name  string // the command, for people
	cmd   *exec.Cmd
	feed  *middlewareFeed
	back  *middlewareBack
	stdin *os.File // our end
	fates fates
	attrs *payload.AttributeMemory // of what is inside
	logf  func(format string, args ...any)

	gone   atomic.Bool   // it exited before it was asked
	asked  atomic.Bool   // to end: its stdin is closed, or it was told
	exited chan struct{} // closed when the process is gone; status says how
	status error         // of Wait
	once   sync.Once
}

const (
	// middlewareQueue bounds the messages that wait for its stdin; their bytes
	// have the share of memory that every output gets.
	middlewareQueue = 10_000

	// middlewarePipe is what the kernel may hold in each of the two pipes, so
	// that neither side wakes the other for every few messages.
	middlewarePipe = 256 << 10

	// middlewareRest is how long the output of a program that has exited is
	// still read: one that it started may hold its stdout for ever.
	middlewareRest = time.Second
)

// middlewareWords parts a command as a shell does.
func middlewareWords(command string) ([]string, error) {
	words, err := shell.Fields(command, nil)
	if err != nil {
		return nil, fmt.Errorf("want a program and its arguments, with quotes as in a shell (%w); whatever else a shell can do is written sh -c '...'", err)
	}
	if len(words) == 0 {
		return nil, errors.New("want a program and its arguments, such as \"node redact.js\"")
	}
	return words, nil
}

// shownCommand is a command as it may be shown: without its arguments, which
// may hold secrets.
func shownCommand(command string) string {
	words, err := middlewareWords(command)
	if err != nil {
		words = strings.Fields(command)
	}
	return address.Command(words)
}

// startMiddleware starts the program of --middleware, or returns nil when
// there is none.
func startMiddleware(s *Settings, env *pluginEnv) (*middleware, error) {
	if s.Middleware == "" {
		return nil, nil
	}
	words, err := middlewareWords(s.Middleware)
	if err != nil {
		return nil, err
	}
	m := &middleware{
		name:   address.Command(words),
		cmd:    exec.Command(words[0], words[1:]...),
		logf:   prefixed(env.logf, "middleware: "),
		exited: make(chan struct{}),
	}
	m.cmd.Stderr = env.stderr
	m.cmd.WaitDelay = middlewareRest
	// Interrupting Gor at a terminal must not end what has messages of its.
	m.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	in, stdin, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	stdout, out, err := os.Pipe()
	if err != nil {
		in.Close()
		stdin.Close()
		return nil, err
	}
	m.cmd.Stdin, m.cmd.Stdout = in, out
	err = m.cmd.Start()
	in.Close()
	out.Close()
	if err != nil {
		stdin.Close()
		stdout.Close()
		return nil, fmt.Errorf("it does not start: %w", err)
	}
	growPipe(stdin, middlewarePipe)
	growPipe(stdout, middlewarePipe)
	m.stdin = stdin
	m.fates.init()
	m.attrs = payload.NewAttributeMemory()
	m.feed = newMiddlewareFeed(m, queue.New(middlewareQueue, env.queueBytes))
	m.back = &middlewareBack{m: m, stdout: stdout, lines: payload.NewLineReader(stdout, s.MessageLimit)}
	for _, in := range s.Inputs {
		m.back.live = m.back.live || liveFlag(in.Flag)
	}
	go m.wait(stdout)
	return m, nil
}

// wait is the goroutine that sees the program exit.
func (m *middleware) wait(stdout *os.File) {
	m.status = m.cmd.Wait()
	m.gone.Store(!m.asked.Load())
	close(m.exited)
	_ = stdout.SetReadDeadline(time.Now().Add(middlewareRest))
}

// ended says how the program ended: nil when that was asked for.
func (m *middleware) ended() error {
	select {
	case <-m.exited:
	case <-time.After(middlewareRest):
		if m.asked.Load() {
			return nil
		}
		return fmt.Errorf("middleware %s: closed its stdout, and nothing can come back from it", m.name)
	}
	var exit *exec.ExitError
	asked := m.asked.Load()
	switch {
	case asked && (m.status == nil || errors.Is(m.status, exec.ErrWaitDelay)):
		return nil
	case asked && errors.As(m.status, &exit) && !exit.Exited():
		return nil // by our signal
	case m.status == nil || errors.Is(m.status, exec.ErrWaitDelay):
		return fmt.Errorf("middleware %s: exited with status 0, and there are messages still to come; it must read its stdin to the end", m.name)
	}
	return fmt.Errorf("middleware %s: %w", m.name, m.status)
}

// mayExit waits a while for the program to exit.
func (m *middleware) mayExit(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-m.exited:
	case <-timer.C:
	}
}

// died reports whether the program ended otherwise than by reading its stdin to
// the end and exiting with status 0. Valid once exited is closed.
func (m *middleware) died() bool {
	if m.gone.Load() {
		return true
	}
	return m.status != nil && !errors.Is(m.status, exec.ErrWaitDelay)
}

// closeStdin tells the program that no more messages come.
func (m *middleware) closeStdin() {
	m.asked.Store(true)
	m.stdin.Close()
}

// signal sends sig to the program and what it started.
func (m *middleware) signal(sig syscall.Signal) {
	m.asked.Store(true)
	select {
	case <-m.exited: // its number may be another's by now
	default:
		_ = syscall.Kill(-m.cmd.Process.Pid, sig)
	}
}

// close ends the program and both of its sides at once.
func (m *middleware) close() {
	if m == nil {
		return
	}
	m.once.Do(func() {
		m.feed.Close()
		m.closeStdin()
		m.signal(syscall.SIGKILL)
		m.back.Close()
		<-m.exited
		m.feed.writer.Wait() // what it had in hand is counted: its pipe is closed
	})
}

// liveFlag reports whether an input of that flag cannot wait; see Input.Live.
func liveFlag(flag string) bool { return flag == "input-raw" || flag == "input-http" }

var errMiddlewareGone = fmt.Errorf("the middleware is gone: %w", io.ErrClosedPipe)
