package testkit

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A Process is a program that a test started, with its stderr. It is killed when
// the test ends; its stderr is in the log of a test that failed.
type Process struct {
	Cmd      *exec.Cmd
	Ended    chan struct{} // closed when it has exited
	Err      error         // of Cmd.Wait; valid once Ended is closed
	Patience time.Duration // how long Wait waits, Timeout at first

	t      *testing.T
	mu     sync.Mutex
	stderr bytes.Buffer
	grew   chan struct{} // a token when stderr grew
}

// Spawn starts a role: "gor" is the program that is tested, the others are the
// test binary's own (PlayRole). prefix, such as ip netns exec x, is put before
// it; nil is none. stdin may be nil.
func Spawn(t *testing.T, role string, prefix []string, stdin io.Reader, args ...string) *Process {
	t.Helper()
	return spawnFull(t, role, prefix, stdin, nil, args...)
}

// SpawnTo starts Gor and copies its stdout to stdout.
func SpawnTo(t *testing.T, stdout io.Writer, args ...string) *Process {
	t.Helper()
	return spawnFull(t, "gor", nil, nil, stdout, args...)
}

func spawnFull(t *testing.T, role string, prefix []string, stdin io.Reader, stdout io.Writer, args ...string) *Process {
	t.Helper()
	cmd := roleCommand(t, role, prefix, args...)
	cmd.Stdin, cmd.Stdout = stdin, stdout
	return StartCommand(t, cmd)
}

func roleCommand(t *testing.T, role string, prefix []string, args ...string) *exec.Cmd {
	t.Helper()
	var program string
	if role == "gor" {
		program = Program(t)
	} else {
		self, err := os.Executable()
		Must(t, err)
		program = self
	}
	cmd := command(prefix, program, args...)
	cmd.Env = append(os.Environ(), roleVar+"="+role)
	return cmd
}

// GorCommand returns the command that starts Gor with args, for a test that
// chooses its files and attributes itself. prefix is put before it.
func GorCommand(t *testing.T, prefix []string, args ...string) *exec.Cmd {
	t.Helper()
	return roleCommand(t, "gor", prefix, args...)
}

// SpawnProgram starts any program, with env beside the test's own.
func SpawnProgram(t *testing.T, prefix []string, program string, env []string, stdin io.Reader, stdout io.Writer, args ...string) *Process {
	t.Helper()
	cmd := command(prefix, program, args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdin, cmd.Stdout = stdin, stdout
	return StartCommand(t, cmd)
}

func command(prefix []string, program string, args ...string) *exec.Cmd {
	argv := append(append(append([]string{}, prefix...), program), args...)
	return exec.Command(argv[0], argv[1:]...)
}

// StartCommand starts a command whose stdin, stdout and environment the test
// has set, and keeps its stderr unless that is set too.
func StartCommand(t *testing.T, cmd *exec.Cmd) *Process {
	t.Helper()
	p := &Process{t: t, Cmd: cmd, grew: make(chan struct{}, 1), Ended: make(chan struct{}), Patience: Timeout}
	if cmd.Stderr == nil {
		cmd.Stderr = p
	}
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.Err = cmd.Wait()
		close(p.Ended)
	}()
	t.Cleanup(func() {
		select {
		case <-p.Ended:
		default:
			cmd.Process.Kill()
			<-p.Ended
		}
		if t.Failed() {
			t.Logf("%s:\n%s", strings.Join(cmd.Args, " "), p.Stderr())
		}
	})
	return p
}

// Write takes the process's stderr from os/exec.
func (p *Process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case p.grew <- struct{}{}:
	default:
	}
	return p.stderr.Write(b)
}

// Stderr returns what the process has written to stderr so far.
func (p *Process) Stderr() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stderr.String()
}

// Await waits until stderr holds text.
func (p *Process) Await(text string) {
	p.t.Helper()
	deadline := time.After(Timeout)
	for !strings.Contains(p.Stderr(), text) {
		select {
		case <-p.grew:
		case <-p.Ended:
			if !strings.Contains(p.Stderr(), text) {
				p.t.Fatalf("%s ended (%v) without saying %q:\n%s", p.Cmd.Args, p.Err, text, p.Stderr())
			}
		case <-deadline:
			p.t.Fatalf("%s does not say %q:\n%s", p.Cmd.Args, text, p.Stderr())
		}
	}
}

// StartGor starts Gor and waits until all its plugins are open.
func StartGor(t *testing.T, args ...string) *Process {
	t.Helper()
	p := Spawn(t, "gor", nil, nil, args...)
	p.Await("gor: to ")
	return p
}

// insistEvery is how often StopAtOnce repeats itself: slower than signals that
// Gor takes for one.
const insistEvery = 150 * time.Millisecond

// StopAtOnce interrupts the process until it has exited, as somebody does who does
// not wait for its drain, and returns its exit code.
func (p *Process) StopAtOnce() int {
	again := time.NewTicker(insistEvery)
	defer again.Stop()
	for {
		_ = p.Cmd.Process.Signal(os.Interrupt)
		select {
		case <-p.Ended:
			return p.Wait()
		case <-again.C:
		}
	}
}

// Wait waits until the process has exited, and returns its exit code.
func (p *Process) Wait() int {
	p.t.Helper()
	select {
	case <-p.Ended:
	case <-time.After(p.Patience):
		p.Cmd.Process.Signal(syscall.SIGQUIT) // the goroutines say why
		<-p.Ended
		p.t.Fatalf("%s does not end:\n%s", p.Cmd.Args, p.Stderr())
	}
	return p.Cmd.ProcessState.ExitCode()
}

// Stop interrupts the process and wants it to exit with 0.
func (p *Process) Stop() {
	p.t.Helper()
	p.Cmd.Process.Signal(os.Interrupt)
	if code := p.Wait(); code != 0 {
		p.t.Errorf("%s: exit %d, want 0:\n%s", p.Cmd.Args, code, p.Stderr())
	}
}

// RunGor runs Gor to its end, and returns its exit code and what it wrote to
// stderr.
func RunGor(t *testing.T, args ...string) (code int, stderr string) {
	t.Helper()
	p := Spawn(t, "gor", nil, nil, args...)
	code = p.Wait()
	return code, p.Stderr()
}
