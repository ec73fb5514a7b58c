package e2e

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/testkit"
)

// smallRequests makes n numbered requests; ten of them are one connection when
// they are recorded.
func smallRequests(n int) (requests [][]byte) {
	for i := range n {
		requests = append(requests, fmt.Appendf(nil, "GET /items/%d HTTP/1.1\r\nHost: prod\r\nX-Number: %d\r\n\r\n", i, i))
	}
	return requests
}

// wantOrder checks that the bodies are these requests, each once, and that
// those of one recorded connection are in their order.
func wantOrder(t *testing.T, got, want [][]byte) {
	t.Helper()
	testkit.WantSame(t, got, want)
	last := map[int]int{}
	for _, raw := range got {
		i := testkit.Number(t, raw)
		if before, ok := last[i/10]; ok && before > i {
			t.Fatalf("request %d came before %d of the same connection", before, i)
		}
		last[i/10] = i
	}
}

// TestLinkBetweenProcesses: 5,000 requests arrive as they are, over TLS with
// client certificates, over four connections, compressed, and all of that.
func TestLinkBetweenProcesses(t *testing.T) {
	t.Parallel()
	const n = 5000
	ca := testkit.NewAuthority(t, "test authority")
	requests := smallRequests(n)
	file := testkit.WriteFile(t, filepath.Join(t.TempDir(), "in.gor"), testkit.Recording(requests, make([]time.Duration, n)))
	secure := ca.Sender(ca, time.Now().Add(time.Hour))
	workers, packed := []string{"--output-tcp-workers", "4", "--output-tcp-sticky"}, []string{"--output-tcp-compress"}
	for _, test := range []struct {
		name             string
		receiver, sender []string
	}{
		{"client certificates", ca.Receiver(ca), secure},
		{"four connections", nil, workers},
		{"compressed", nil, packed},
		{"all", ca.Receiver(ca), append(append(append([]string{}, secure...), workers...), packed...)},
	} {
		t.Run(test.name, func(t *testing.T) {
			link, out := testkit.FreePort(t), filepath.Join(t.TempDir(), "out.gor")
			receiver := testkit.StartGor(t, append([]string{"--input-tcp", link, "--output-file", out}, test.receiver...)...)
			code, said := testkit.RunGor(t, append([]string{"--input-file", file + "|max", "--output-tcp", link}, test.sender...)...)
			if code != 0 || !strings.Contains(said, "messages are acknowledged") {
				t.Fatalf("exit %d:\n%s", code, said)
			}
			testkit.WantSums(t, said)
			receiver.Stop()
			testkit.WantSums(t, receiver.Stderr())
			got, _ := testkit.ReadRecording(t, out, payload.Request)
			wantOrder(t, got, requests)
		})
	}
}

// TestLinkReceiverRestarts: the receiver ends in the middle and another takes
// its place; nothing is lost, over four connections with TLS.
func TestLinkReceiverRestarts(t *testing.T) {
	t.Parallel()
	const n = 5000
	ca := testkit.NewAuthority(t, "test authority")
	requests := smallRequests(n)
	times := make([]time.Duration, n)
	for i := range times {
		times[i] = time.Duration(i) * 400 * time.Microsecond
	}
	dir := t.TempDir()
	file := testkit.WriteFile(t, filepath.Join(dir, "in.gor"), testkit.Recording(requests, times))
	link := testkit.FreePort(t)
	receiving := ca.Receiver(ca)
	start := func(name string) (*testkit.Process, string) {
		out := filepath.Join(dir, name)
		return testkit.StartGor(t, append([]string{"--input-tcp", link, "--output-file", out, "--output-file-flush-interval", "20ms"}, receiving...)...), out
	}
	first, firstFile := start("first.gor")
	sender := testkit.StartGor(t, append(ca.Sender(ca, time.Now().Add(time.Hour)), "--input-file", file, "--output-tcp", link, "--output-tcp-workers", "4")...)
	testkit.AwaitRecords(t, firstFile, n/4)
	first.Stop()
	second, secondFile := start("second.gor")
	if code := sender.Wait(); code != 0 {
		t.Fatalf("exit %d:\n%s", code, sender.Stderr())
	}
	second.Stop()
	got, _ := testkit.ReadRecording(t, firstFile, payload.Request)
	rest, _ := testkit.ReadRecording(t, secondFile, payload.Request)
	if len(got) == 0 || len(rest) == 0 {
		t.Fatalf("%d requests came to the first receiver and %d to the second", len(got), len(rest))
	}
	// What the first had not acknowledged may come again.
	seen := map[string]bool{}
	var once [][]byte
	for _, raw := range append(got, rest...) {
		if !seen[string(raw)] {
			seen[string(raw)] = true
			once = append(once, raw)
		}
	}
	t.Logf("%d requests, %d then %d, %d of them twice", n, len(got), len(rest), len(got)+len(rest)-len(once))
	wantOrder(t, once, requests)
	testkit.WantSums(t, sender.Stderr())
}

// TestLinkRefusals: whoever does not fit is told why, at both ends, and peers
// that say nothing hold nobody up.
func TestLinkRefusals(t *testing.T) {
	t.Parallel()
	ca, other := testkit.NewAuthority(t, "test authority"), testkit.NewAuthority(t, "another authority")
	soon := time.Now().Add(time.Hour)
	requests := smallRequests(20)
	dir := t.TempDir()
	file := testkit.WriteFile(t, filepath.Join(dir, "in.gor"), testkit.Recording(requests, make([]time.Duration, len(requests))))
	receiving := ca.Receiver(ca)
	for _, test := range []struct {
		name    string
		secure  bool // the receiver wants TLS and certificates of ca
		flags   []string
		sender  string // what it says; "" when all is delivered
		refused string // what the receiver says
	}{
		{"TLS to plain", false, ca.Sender(nil, soon), "does it have --input-tcp-secure?", "TLS; this input needs --input-tcp-secure"},
		{"plain to TLS", true, nil, "the receiver speaks TLS; add --output-tcp-secure; trying again", "it speaks no TLS; that Gor needs --output-tcp-secure"},
		{"the system's authorities", true, []string{"--output-tcp-secure"}, `"CN=receiver" is of an unknown authority; --output-tcp-ca FILE`, "that Gor may need --output-tcp-ca"},
		{"wrong authority", true, other.Sender(ca, soon), `"CN=receiver" is of an unknown authority`, "does not accept the certificate of this input"},
		{"no client certificate", true, ca.Sender(nil, soon), "give one with --output-tcp-client-cert and --output-tcp-client-key", "no client certificate, which --input-tcp-client-ca requires"},
		{"expired client certificate", true, ca.Sender(ca, time.Now().Add(-time.Hour)), "it has expired", " has expired on"},
		{"another authority's client", true, ca.Sender(other, soon), "--input-tcp-client-ca does not name", `"CN=sender1" is of an unknown authority`},
		{"right", true, ca.Sender(ca, soon), "", ""},
		{"right, without verifying", true, append(ca.Sender(ca, soon)[3:], "--output-tcp-secure", "--output-tcp-skip-verify"), "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			link, out := testkit.FreePort(t), filepath.Join(t.TempDir(), "out.gor")
			args := []string{"--input-tcp", link, "--output-file", out}
			if test.secure {
				args = append(args, receiving...)
			}
			receiver := testkit.StartGor(t, args...)
			for range 20 {
				silent, err := net.Dial("tcp", link)
				testkit.Must(t, err)
				defer silent.Close()
			}
			send := func(patience string) (code int, said string) {
				code, said = testkit.RunGor(t, append([]string{"--input-file", file + "|max", "--output-tcp", link, "--drain-timeout", patience}, test.flags...)...)
				testkit.WantSums(t, said)
				return code, said
			}
			if test.sender == "" {
				if code, said := send("1m"); code != 0 {
					t.Errorf("exit %d:\n%s", code, said)
				}
				receiver.Stop()
				got, _ := testkit.ReadRecording(t, out, payload.Request)
				testkit.WantSame(t, got, requests)
				return
			}
			testkit.InSomeRun(t, 0, func() error { // a handshake may take longer
				code, said := send("2s")
				if code == 0 || !strings.Contains(said, test.sender) || !strings.Contains(said, "20 unsent") {
					return fmt.Errorf("exit %d, want %q and 20 unsent:\n%s", code, test.sender, said)
				}
				return nil
			})
			receiver.Await(test.refused)
			receiver.Stop()
			if info, err := os.Stat(out); err != nil || info.Size() > 0 {
				t.Errorf("the receiver has recorded something: %v, %v", info, err)
			}
		})
	}
}

// TestLinkRenewal: a receiver has its new certificate without a restart.
func TestLinkRenewal(t *testing.T) {
	t.Parallel()
	ca := testkit.NewAuthority(t, "test authority")
	link := testkit.FreePort(t)
	receiver := testkit.StartGor(t, append([]string{"--input-tcp", link, "--output-null"}, ca.Receiver(nil)...)...)
	serial := func() string {
		conn, err := tls.Dial("tcp", link, &tls.Config{RootCAs: ca.Pool()})
		testkit.Must(t, err)
		defer conn.Close()
		return conn.ConnectionState().PeerCertificates[0].SerialNumber.String()
	}
	first := serial()
	ca.Issue("receiver", time.Now().Add(2*time.Hour))
	testkit.Eventually(t, "the new certificate is in use", func() bool { return serial() != first })
	receiver.Stop()
	if !strings.Contains(receiver.Stderr(), "has changed and was read again") {
		t.Errorf("said:\n%s", receiver.Stderr())
	}
}

// TestLinkOldSenderOverTLS: GoReplay writes records, reads nothing and closes.
func TestLinkOldSenderOverTLS(t *testing.T) {
	t.Parallel()
	const n = 2000
	ca := testkit.NewAuthority(t, "test authority")
	link, out := testkit.FreePort(t), filepath.Join(t.TempDir(), "out.gor")
	receiver := testkit.StartGor(t, append([]string{"--input-tcp", link, "--output-file", out}, ca.Receiver(nil)...)...)
	requests := smallRequests(n)
	conn, err := tls.Dial("tcp", link, &tls.Config{RootCAs: ca.Pool()})
	testkit.Must(t, err)
	var stream []byte
	for i, raw := range requests {
		stream = payload.AppendOldRecord(stream, append(fmt.Appendf(nil, "1 %024x 1700000000000000000 0\n", i), raw...))
	}
	_, err = conn.Write(stream)
	testkit.Must(t, err)
	testkit.Must(t, conn.NetConn().Close())
	testkit.AwaitRecords(t, out, n)
	receiver.Stop()
	got, _ := testkit.ReadRecording(t, out, payload.Request)
	testkit.WantSame(t, got, requests)
}

// TestLinkOldReceiverOverTLS: GoReplay reads records, skips our hello, and
// never writes.
func TestLinkOldReceiverOverTLS(t *testing.T) {
	t.Parallel()
	const n = 2000
	ca := testkit.NewAuthority(t, "test authority")
	cert, key := ca.Issue("receiver", time.Now().Add(time.Hour))
	pair, err := tls.LoadX509KeyPair(cert, key)
	testkit.Must(t, err)
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair}})
	testkit.Must(t, err)
	defer l.Close()
	var got [][]byte
	var reading sync.WaitGroup
	reading.Go(func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		all, err := io.ReadAll(bufio.NewReader(conn))
		if err != nil {
			t.Errorf("the stream ends with %v", err)
		}
		for _, part := range bytes.Split(all, []byte(payload.Separator)) {
			if head, body, ok := bytes.Cut(part, []byte("\n")); ok && bytes.Count(head, []byte(" ")) >= 2 {
				got = append(got, body)
			}
		}
	})
	requests := smallRequests(n)
	file := testkit.WriteFile(t, filepath.Join(t.TempDir(), "in.gor"), testkit.Recording(requests, make([]time.Duration, n)))
	code, said := testkit.RunGor(t, "--input-file", file+"|max", "--output-tcp", l.Addr().String(), "--output-tcp-secure", "--output-tcp-ca", ca.File, "--output-tcp-compress")
	reading.Wait()
	if code != 0 || !strings.Contains(said, "does not acknowledge messages") {
		t.Errorf("exit %d:\n%s", code, said)
	}
	testkit.WantSame(t, got, requests)
	testkit.WantSums(t, said)
}

// TestLinkFilesAreRefusedAtTheStart: a file that cannot be used ends Gor before
// anything is sent.
func TestLinkFilesAreRefusedAtTheStart(t *testing.T) {
	ca := testkit.NewAuthority(t, "test authority")
	missing := filepath.Join(ca.Dir, "missing.pem")
	for _, args := range [][]string{
		{"--input-dummy", "--output-tcp", "127.0.0.1:1", "--output-tcp-secure", "--output-tcp-ca", missing},
		append(ca.Receiver(nil), "--input-tcp", "127.0.0.1:0", "--output-null", "--input-tcp-client-ca", missing),
	} {
		code, said := testkit.RunGor(t, args...)
		if code == 0 || !strings.Contains(said, missing+": "+os.ErrNotExist.Error()) && !strings.Contains(said, missing+": no such file") {
			t.Errorf("exit %d:\n%s", code, said)
		}
	}
}
