package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// roleVar makes the test binary another program, so that tests can start the
// real Gor, and servers and clients inside network namespaces.
const roleVar = "GOR_TEST_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(roleVar) {
	case "gor":
		os.Exit(run(os.Args[1:], os.Environ(), os.Stdin, os.Stdout, os.Stderr))
	case "sink":
		os.Exit(sinkMain(os.Args[1:]))
	case "traffic":
		os.Exit(trafficMain(os.Args[1:]))
	case "soak":
		os.Exit(soakMain(os.Args[1:]))
	}
	testscript.Main(m, map[string]func(){"gor": main})
}

// needCapture skips a test that captures, unless this process may.
func needCapture(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		top, _, _ := strings.Cut(t.Name(), "/")
		t.Skipf("it captures packets and needs root: sudo go test -run '^%s$' .", top)
	}
}

// needTool skips a test whose program is not installed.
func needTool(t *testing.T, name, pkg string) string {
	t.Helper()
	for _, dir := range append(filepath.SplitList(os.Getenv("PATH")), "/usr/sbin", "/sbin") {
		if path := filepath.Join(dir, name); exec.Command("test", "-x", path).Run() == nil {
			return path
		}
	}
	t.Skipf("%s needs %s: sudo apt-get install %s", t.Name(), name, pkg)
	return ""
}

// A process is a program that a test started, with its stderr.
type process struct {
	cmd    *exec.Cmd
	t      *testing.T
	mu     sync.Mutex
	stderr bytes.Buffer
	grew   chan struct{} // a token when stderr grew
	ended  chan struct{} // closed when it exited
	err    error         // of Wait, valid then

	patience time.Duration // of wait
}

// testTimeout bounds every wait for an event that must come.
const testTimeout = 60 * time.Second

// spawn starts the test binary in a role. prefix, such as ip netns exec x, is
// put before it.
func spawn(t *testing.T, role string, prefix []string, stdin io.Reader, args ...string) *process {
	t.Helper()
	return spawnFull(t, role, prefix, stdin, nil, args...)
}

// spawnTo starts Gor with its stdout kept.
func spawnTo(t *testing.T, stdout io.Writer, args ...string) *process {
	t.Helper()
	return spawnFull(t, "gor", nil, nil, stdout, args...)
}

func spawnFull(t *testing.T, role string, prefix []string, stdin io.Reader, stdout io.Writer, args ...string) *process {
	t.Helper()
	cmd := roleCommand(t, role, prefix, args...)
	cmd.Stdin, cmd.Stdout = stdin, stdout
	return startCommand(t, cmd)
}

func roleCommand(t *testing.T, role string, prefix []string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	must(t, err)
	cmd := command(prefix, self, args...)
	cmd.Env = append(os.Environ(), roleVar+"="+role)
	return cmd
}

// gorCommand is a Gor to start.
func gorCommand(t *testing.T, prefix []string, args ...string) *exec.Cmd {
	t.Helper()
	return roleCommand(t, "gor", prefix, args...)
}

// spawnProgram starts any program, with env beside the test's own.
func spawnProgram(t *testing.T, prefix []string, program string, env []string, stdin io.Reader, stdout io.Writer, args ...string) *process {
	t.Helper()
	cmd := command(prefix, program, args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdin, cmd.Stdout = stdin, stdout
	return startCommand(t, cmd)
}

func command(prefix []string, program string, args ...string) *exec.Cmd {
	argv := append(append(append([]string{}, prefix...), program), args...)
	return exec.Command(argv[0], argv[1:]...)
}

// startCommand starts a command whose stdin, stdout and environment the test
// has set, and keeps its stderr unless that is set too.
func startCommand(t *testing.T, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{t: t, cmd: cmd, grew: make(chan struct{}, 1), ended: make(chan struct{}), patience: testTimeout}
	if cmd.Stderr == nil {
		cmd.Stderr = p
	}
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.err = cmd.Wait()
		close(p.ended)
	}()
	t.Cleanup(func() {
		select {
		case <-p.ended:
		default:
			cmd.Process.Kill()
			<-p.ended
		}
		if t.Failed() {
			t.Logf("%s:\n%s", strings.Join(cmd.Args, " "), p.said())
		}
	})
	return p
}

// Write takes the process's stderr.
func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case p.grew <- struct{}{}:
	default:
	}
	return p.stderr.Write(b)
}

func (p *process) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stderr.String()
}

// await waits until stderr holds text.
func (p *process) await(text string) {
	p.t.Helper()
	deadline := time.After(testTimeout)
	for !strings.Contains(p.said(), text) {
		select {
		case <-p.grew:
		case <-p.ended:
			if !strings.Contains(p.said(), text) {
				p.t.Fatalf("%s ended (%v) without saying %q:\n%s", p.cmd.Args, p.err, text, p.said())
			}
		case <-deadline:
			p.t.Fatalf("%s does not say %q:\n%s", p.cmd.Args, text, p.said())
		}
	}
}

// startGor starts Gor and waits until its plugins are open.
func startGor(t *testing.T, args ...string) *process {
	t.Helper()
	p := spawn(t, "gor", nil, nil, args...)
	p.await("gor: to ")
	return p
}

// wait waits for the end and returns the exit code.
func (p *process) wait() int {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(p.patience):
		p.cmd.Process.Signal(syscall.SIGQUIT) // the goroutines say why
		<-p.ended
		p.t.Fatalf("%s does not end:\n%s", p.cmd.Args, p.said())
	}
	return p.cmd.ProcessState.ExitCode()
}

// stop interrupts the process and wants it to exit 0.
func (p *process) stop() {
	p.t.Helper()
	p.cmd.Process.Signal(os.Interrupt)
	if code := p.wait(); code != 0 {
		p.t.Errorf("%s: exit %d, want 0:\n%s", p.cmd.Args, code, p.said())
	}
}

// runGor runs Gor to its end.
func runGor(t *testing.T, args ...string) (code int, stderr string) {
	t.Helper()
	p := spawn(t, "gor", nil, nil, args...)
	code = p.wait()
	return code, p.said()
}

// freePort returns an address of 127.0.0.1 that nobody listens on.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// eventually waits until f is true, looking again every few milliseconds; what
// names the event.
func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !f() {
		select {
		case <-ctx.Done():
			t.Fatalf("waited in vain: %s", what)
		case <-tick.C:
		}
	}
}

func portOf(t *testing.T, addr string) string {
	t.Helper()
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func fail(format string, args ...any) int {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
	return 1
}
