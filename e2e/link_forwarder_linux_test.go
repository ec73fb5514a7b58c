package e2e

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/buger/gor/internal/testkit"
)

// longForwarderVar has the receiver of TestForwarderAlone away for seven
// seconds.
const longForwarderVar = "GOR_LINK_CHAOS"

// A forwarder accepts for a receiver as a balancer does: it takes what its
// buffers hold, tries to reach the receiver for a while, and then breaks the
// connection.
type forwarder struct {
	net.Listener
	to       string
	patience time.Duration
	conns    sync.WaitGroup
}

func startForwarder(t *testing.T, to string, patience time.Duration) *forwarder {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	testkit.Must(t, err)
	f := &forwarder{Listener: l, to: to, patience: patience}
	f.conns.Go(f.run)
	t.Cleanup(func() { l.Close(); f.conns.Wait() })
	return f
}

func (f *forwarder) run() {
	for {
		near, err := f.Accept()
		if err != nil {
			return
		}
		f.conns.Go(func() { f.forward(near.(*net.TCPConn)) })
	}
}

func (f *forwarder) forward(near *net.TCPConn) {
	defer near.Close()
	for deadline := time.Now().Add(f.patience); ; {
		conn, err := net.Dial("tcp", f.to)
		if err == nil {
			far := conn.(*net.TCPConn)
			defer far.Close()
			var back sync.WaitGroup
			back.Go(func() { io.Copy(near, far); near.CloseWrite() })
			io.Copy(far, near)
			far.CloseWrite()
			back.Wait()
			return
		}
		near.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
		if _, err := io.CopyN(io.Discard, near, 0); err != nil || time.Now().After(deadline) {
			near.SetLinger(0)
			return
		}
		time.Sleep(20 * time.Millisecond) // as often as it tries
	}
}

// throughForwarder sends a recording to addr, behind which a forwarder waits
// for a receiver at to that comes later, and wants all of it there once, in
// order, and what is said to be delivered to be there.
func throughForwarder(t *testing.T, addr, to string, away time.Duration, spilled bool) {
	n := 3000
	dir := t.TempDir()
	requests, times := testkit.Steady(n, 0)
	file := testkit.WriteFile(t, filepath.Join(dir, "in.gor"), testkit.Recording(requests, times))
	args := []string{"--input-file", file + "|max", "--output-tcp", addr, "--on-full", "wait", "--drain-timeout", "60s"}
	if spilled {
		args = append(args, "--output-tcp-spill", filepath.Join(dir, "spill"))
	}
	sender := testkit.Spawn(t, "gor", nil, nil, args...)
	select {
	case <-time.After(away):
	case <-sender.Ended: // all is kept on disk
	}
	out := filepath.Join(dir, "out.gor")
	receiver := testkit.StartGor(t, "--input-tcp", to, "--output-file", out)
	delivered := 0
	for run := 0; ; run++ {
		code, said := sender.Wait(), sender.Stderr()
		if code != 0 || run == 10 {
			t.Fatalf("run %d: exit %d, want 0:\n%s", run, code, said)
		}
		testkit.WantSums(t, said)
		delivered += fateOf(t, said, "delivered")
		if fateOf(t, said, "kept on disk") == 0 {
			break
		}
		// It may end while there is no receiver: the next start goes on.
		// Nothing new: what is on disk is sent.
		args = slices.Concat([]string{"--input-tcp", "127.0.0.1:0", "--exit-after", "1ms"}, args[2:])
		sender = testkit.Spawn(t, "gor", nil, nil, args...)
	}
	receiver.Stop()
	got, _ := testkit.ReadRecording(t, out, '1')
	if len(got) != n || !spilled && delivered != n {
		t.Fatalf("%d requests arrived and %d are said to be delivered, want %d", len(got), delivered, n)
	}
	for i := range got {
		if string(got[i]) != string(requests[i]) {
			t.Fatalf("request %d is %q, want %q", i, got[i], requests[i])
		}
	}
}

// fateOf is the number before a word in the ledger of the only output.
func fateOf(t *testing.T, said, what string) int {
	m := regexp.MustCompile(`offered = .*?(\d+) ` + regexp.QuoteMeta(what)).FindStringSubmatch(said)
	if m == nil {
		return 0
	}
	return testkit.Atoi(t, m[1])
}

// TestForwarderAlone: a receiver behind a balancer is away when its sender
// begins. Nothing is lost, with a spill and without.
func TestForwarderAlone(t *testing.T) {
	away := 1500 * time.Millisecond // more than a sender waits for an answer
	if os.Getenv(longForwarderVar) != "" {
		away = 7 * time.Second
	}
	for _, spilled := range []bool{false, true} {
		for _, patience := range []time.Duration{away / 5, away * 8 / 10, 3 * away} {
			t.Run(fmt.Sprintf("spill %v, patience %s", spilled, patience), func(t *testing.T) {
				t.Parallel()
				to := testkit.FreePort(t)
				throughForwarder(t, startForwarder(t, to, patience).Addr().String(), to, away, spilled)
			})
		}
	}
}

// TestSSHForwarder is the same through ssh -L of OpenSSH.
func TestSSHForwarder(t *testing.T) {
	t.Parallel()
	const sshd = "/usr/sbin/sshd"
	ssh, err := exec.LookPath("ssh")
	if _, serr := os.Stat(sshd); err != nil || serr != nil || os.Geteuid() != 0 {
		t.Skip("needs ssh, ", sshd, " and root: apt-get install openssh-server openssh-client")
	}
	dir := t.TempDir()
	for _, name := range []string{"host", "user"} {
		out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", filepath.Join(dir, name)).CombinedOutput()
		if err != nil {
			t.Fatalf("ssh-keygen: %v: %s", err, out)
		}
	}
	os.MkdirAll("/run/sshd", 0o755) // where it is missing sshd does not start
	server, near, to := testkit.FreePort(t), testkit.FreePort(t), testkit.FreePort(t)
	config := fmt.Sprintf("Port %s\nListenAddress 127.0.0.1\nHostKey %s/host\nAuthorizedKeysFile %s/user.pub\nPidFile none\nStrictModes no\nPermitRootLogin yes\nUsePAM no\nAllowTcpForwarding yes\n", testkit.PortOf(t, server), dir, dir)
	conf := testkit.WriteFile(t, filepath.Join(dir, "sshd_config"), []byte(config))
	start := func(cmd *exec.Cmd) {
		p := testkit.StartCommand(t, cmd)
		t.Cleanup(func() { p.Cmd.Process.Kill(); <-p.Ended })
	}
	listens := func(addr string) {
		testkit.Eventually(t, addr+" takes connections", func() bool {
			conn, err := net.Dial("tcp", addr)
			if err == nil {
				conn.Close()
			}
			return err == nil
		})
	}
	start(exec.Command(sshd, "-D", "-e", "-f", conf))
	listens(server)
	start(exec.Command(ssh, "-N", "-F", "none", "-i", filepath.Join(dir, "user"), "-p", testkit.PortOf(t, server), "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
		"-L", near+":"+to, "root@127.0.0.1"))
	listens(near)
	for _, spilled := range []bool{false, true} {
		t.Run(fmt.Sprint("spill ", spilled), func(t *testing.T) { throughForwarder(t, near, to, 1500*time.Millisecond, spilled) })
	}
}
