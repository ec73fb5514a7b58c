// Package middleware runs a program of the user's between inputs and outputs
// (--middleware): messages go to its stdin and come back from its stdout, and
// what became of each is known by its id.
package middleware

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

	"mvdan.cc/sh/v3/shell"

	"github.com/buger/gor/internal/address"
	"github.com/buger/gor/internal/buffers"
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/queue"
)

// A Program is a program of the user's between the inputs and the outputs.
// Every message of an input goes to its stdin, a line of hex for each; what
// it prints in the same form goes on to the modifier and the outputs, what it
// does not print is dropped. To whoever moves messages it is an output (Feed)
// and an input (Back).
//
// A program that is slow holds up no capture: what its queue has no room for
// is shed and counted, as for any output.
type Program struct {
	Feed *Feed
	Back *Back

	name    string // the command, as it may be shown
	cmd     *exec.Cmd
	stdin   *os.File // our end
	account account
	attrs   *payload.AttributeMemory // of what is inside
	logf    func(format string, args ...any)

	quit   atomic.Bool   // it exited, or read no more, before it was asked
	asked  atomic.Bool   // to end: its stdin is closed, or it was told
	exited chan struct{} // closed when the process is gone; status says how
	status error         // of Wait
	once   sync.Once
}

const (
	// pipeBytes is what the kernel may hold in each of the two pipes, so
	// that neither side wakes the other for every few messages.
	pipeBytes = 256 << 10

	// restTime is how long the output of a program that has exited is
	// still read: one that it started may hold its stdout for ever.
	restTime = time.Second
)

// A Config is what a Program needs to know.
type Config struct {
	Command      string          // as in a shell
	MessageLimit int             // bytes of one message
	QueueBytes   int             // of the messages that wait for its stdin
	Large        *buffers.Copies // of large messages; nil: its own
	Stderr       io.Writer
	Logf         func(format string, args ...any)
}

// Words parts a command as a shell does.
func Words(command string) ([]string, error) {
	words, err := shell.Fields(command, nil)
	if err != nil {
		return nil, fmt.Errorf("want a program and its arguments, with quotes as in a shell (%w); whatever else a shell can do is written sh -c '...'", err)
	}
	if len(words) == 0 {
		return nil, errors.New("want a program and its arguments, such as \"node redact.js\"")
	}
	return words, nil
}

// Shown is a command as it may be shown: without its arguments, which may hold
// secrets.
func Shown(command string) string {
	words, err := Words(command)
	if err != nil {
		words = strings.Fields(command)
	}
	return address.Command(words)
}

// Start starts the program.
func Start(cfg Config) (*Program, error) {
	words, err := Words(cfg.Command)
	if err != nil {
		return nil, err
	}
	m := &Program{
		name:   address.Command(words),
		cmd:    exec.Command(words[0], words[1:]...),
		logf:   cfg.Logf,
		exited: make(chan struct{}),
	}
	m.cmd.Stderr = cfg.Stderr
	m.cmd.WaitDelay = restTime
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
	growPipe(stdin, pipeBytes)
	growPipe(stdout, pipeBytes)
	m.stdin = stdin
	m.account.init()
	m.attrs = payload.NewAttributeMemory()
	q := queue.New(0, cfg.QueueBytes)
	q.Share(cfg.Large)
	m.Feed = newFeed(m, q)
	m.Back = &Back{m: m, stdout: stdout, lines: payload.NewLineReader(stdout, cfg.MessageLimit)}
	go m.wait(stdout)
	go m.watch()
	return m, nil
}

// Exited is closed when the process is gone.
func (m *Program) Exited() <-chan struct{} { return m.exited }

// Inside is how many messages the program was given and has neither given back
// nor is known to have dropped.
func (m *Program) Inside() uint64 {
	_, _, inside := m.account.counts()
	return inside
}

// Settle ends the account once nothing comes back any more: what is still
// inside was dropped, or left unanswered by a program that died.
func (m *Program) Settle(died bool) { m.account.over(died) }

// String is the command, without what may be secret in it.
func (m *Program) String() string { return m.name }

// wait is the goroutine that sees the program exit.
func (m *Program) wait(stdout *os.File) {
	m.status = m.cmd.Wait()
	m.refused()
	close(m.exited)
	_ = stdout.SetReadDeadline(time.Now().Add(restTime))
}

// refused notes that the program reads no more, or is gone, and says nothing when
// that was asked for. The pipe tells so before the system gives its status, and
// what is left to be given fails in between: the end of its stdin, which is asked
// for then, must not excuse it.
func (m *Program) refused() {
	if !m.asked.Load() {
		m.quit.Store(true)
	}
}

// ended says how the program ended: nil when that was asked for.
func (m *Program) ended() error {
	select {
	case <-m.exited:
	case <-time.After(restTime):
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

// AwaitExit waits for the program to exit, at most d.
func (m *Program) AwaitExit(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-m.exited:
	case <-timer.C:
	}
}

// Died reports whether the program ended otherwise than by reading its stdin to
// the end and exiting with status 0. Valid once Exited is closed.
func (m *Program) Died() bool {
	if m.quit.Load() {
		return true
	}
	return m.status != nil && !errors.Is(m.status, exec.ErrWaitDelay)
}

// CloseStdin tells the program that no more messages come.
func (m *Program) CloseStdin() {
	m.asked.Store(true)
	m.stdin.Close()
}

// Signal sends sig to the program and what it started.
func (m *Program) Signal(sig syscall.Signal) {
	m.asked.Store(true)
	select {
	case <-m.exited: // its number may be another's by now
	default:
		_ = syscall.Kill(-m.cmd.Process.Pid, sig)
	}
}

// Close ends the program and both of its sides at once. It does nothing on nil.
func (m *Program) Close() {
	if m == nil {
		return
	}
	m.once.Do(func() {
		m.Feed.Close()
		m.CloseStdin()
		m.Signal(syscall.SIGKILL)
		m.Back.Close()
		<-m.exited
		m.Feed.writer.Wait() // what it had in hand is counted: its pipe is closed
	})
}

var errExited = fmt.Errorf("the middleware is gone: %w", io.ErrClosedPipe)
