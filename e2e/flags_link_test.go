package e2e

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/buger/gor/internal/testkit"
)

func linkFlagRows() []flagRow {
	soon := func() time.Time { return time.Now().Add(time.Hour) }
	arrive := func(f *flagTest, receiver, sender []string) {
		f.Helper()
		_, received := f.link(receiver, sender)
		received.passed("/0", "/1", "/2", "/3")
	}
	stay := func(f *flagTest, receiver, sender []string, why string) {
		f.Helper()
		far := f.receive(receiver...)
		near := testkit.StartGor(f.T, append(sender, "--input-file", f.recording(0, gets(4)...)+"|max", "--output-tcp", far.addr)...)
		near.Await(why)
		near.Cmd.Process.Signal(os.Interrupt)
		near.Await("again to stop at once")
		near.StopAtOnce()
		far.stopped(f).passed()
	}
	return []flagRow{
		{"input-tcp-secure", notBool, func(f *flagTest) {
			ca := testkit.NewAuthority(f.T, "authority")
			arrive(f, ca.Receiver(nil), ca.Sender(nil, soon()))
			stay(f, nil, ca.Sender(nil, soon()), "does it have --input-tcp-secure?")
		}},
		{"input-tcp-certificate", []string{""}, func(f *flagTest) {
			ca := testkit.NewAuthority(f.T, "authority")
			first, _ := ca.Issue("first", soon())
			receiver := ca.Receiver(nil)
			if got := f.certificateOf(ca, receiver); got != "receiver" {
				f.Errorf("the receiver shows the certificate of %q", got)
			}
			receiver[2] = first // the key is another's
			f.startFails(first, append(receiver, "--input-tcp", testkit.FreePort(f.T), "--output-null")...)
		}},
		{"input-tcp-certificate-key", []string{""}, func(f *flagTest) {
			ca := testkit.NewAuthority(f.T, "authority")
			_, other := ca.Issue("other", soon())
			receiver := ca.Receiver(nil)
			f.certificateOf(ca, receiver) // its handshake proves that it has the key
			receiver[4] = other
			f.startFails(other, append(receiver, "--input-tcp", testkit.FreePort(f.T), "--output-null")...)
		}},
		{"input-tcp-client-ca", []string{""}, func(f *flagTest) {
			ca := testkit.NewAuthority(f.T, "authority")
			arrive(f, ca.Receiver(ca), ca.Sender(ca, soon()))
			stay(f, ca.Receiver(ca), ca.Sender(nil, soon()), "give one with --output-tcp-client-cert")
		}},
		{"output-tcp-secure", notBool, func(f *flagTest) {
			ca := testkit.NewAuthority(f.T, "authority")
			arrive(f, ca.Receiver(nil), ca.Sender(nil, soon()))
			stay(f, ca.Receiver(nil), nil, "the receiver")
		}},
		{"output-tcp-ca", []string{""}, func(f *flagTest) {
			ca := testkit.NewAuthority(f.T, "authority")
			arrive(f, ca.Receiver(nil), []string{"--output-tcp-secure", "--output-tcp-ca", ca.File})
			stay(f, ca.Receiver(nil), []string{"--output-tcp-secure"}, "unknown authority")
		}},
		{"output-tcp-client-cert", []string{""}, func(f *flagTest) {
			ca := testkit.NewAuthority(f.T, "authority")
			arrive(f, ca.Receiver(ca), ca.Sender(ca, soon()))
			stay(f, ca.Receiver(ca), ca.Sender(testkit.NewAuthority(f.T, "another"), soon()), "--input-tcp-client-ca does not name")
		}},
		{"output-tcp-client-key", []string{""}, func(f *flagTest) {
			ca := testkit.NewAuthority(f.T, "authority")
			_, other := ca.Issue("other", soon())
			sender := ca.Sender(ca, soon())
			arrive(f, ca.Receiver(ca), sender)
			sender[len(sender)-1] = other
			f.startFails(other, append(sender, "--input-dummy", "--output-tcp", testkit.FreePort(f.T))...)
		}},
		{"output-tcp-skip-verify", notBool, func(f *flagTest) {
			ca := testkit.NewAuthority(f.T, "authority")
			arrive(f, ca.Receiver(nil), []string{"--output-tcp-secure", "--output-tcp-skip-verify"})
			stay(f, ca.Receiver(nil), []string{"--output-tcp-secure"}, "unknown authority")
		}},
		{"output-tcp-plain", []string{"", "yes", "1"}, func(f *flagTest) {
			// What the sender begins with, to a receiver that says nothing.
			begins := func(want, never string, args ...string) {
				l, err := net.Listen("tcp", "127.0.0.1:0")
				testkit.Must(f.T, err)
				defer l.Close()
				near := testkit.StartGor(f.T, append(args, "--input-file", f.recording(0, gets(4)...)+"|max", "--output-tcp", l.Addr().String())...)
				conn, err := l.Accept()
				testkit.Must(f.T, err)
				wait := testkit.Timeout
				if never == "GET /" {
					wait = 1500 * time.Millisecond // more than auto waits
				}
				conn.SetReadDeadline(time.Now().Add(wait))
				var got []byte
				for buf := make([]byte, 4<<10); never == "GET /" || !strings.Contains(string(got), want); {
					n, err := conn.Read(buf)
					got = append(got, buf[:n]...)
					if err != nil {
						break
					}
				}
				if !strings.Contains(string(got), want) || never != "" && strings.Contains(string(got), never) {
					f.Errorf("%q: the receiver got %q, want %q and not %q", args, got, want, never)
				}
				conn.Close()
				l.Close()
				near.Cmd.Process.Kill()
				near.Wait()
			}
			begins("GET /3 ", "gor ", "--output-tcp-plain", "always")
			begins("GET /3 ", "", "--output-tcp-plain", "auto")
			begins("gor ", "GET /", "--output-tcp-plain", "never")
		}},
		{"output-tcp-workers", []string{"0", "65", "many"}, func(f *flagTest) {
			for n, want := range map[string]int64{"1": 1, "3": 3} {
				if wire := f.wire(gets(60), "--output-tcp-workers", n); wire.conns.Load() != want {
					f.Errorf("%s: %d connections", n, wire.conns.Load())
				}
			}
		}},
		{"output-tcp-compress", notBool, func(f *flagTest) {
			requests := gets(500)
			plain, packed := f.wire(requests), f.wire(requests, "--output-tcp-compress")
			if a, b := plain.sent.Load(), packed.sent.Load(); b > a/4 {
				f.Errorf("%d bytes were sent, and %d compressed", a, b)
			}
		}},
		{"output-tcp-spill", []string{""}, func(f *flagTest) {
			dir := filepath.Join(f.TempDir(), "spill")
			f.replay("--output-tcp", testkit.FreePort(f.T), "--output-tcp-spill", dir).says("4 kept on disk")
			kept := must1(filepath.Glob(filepath.Join(dir, "*", "*.gor")))
			var all []byte
			for _, name := range kept {
				all = append(all, must1(os.ReadFile(name))...)
			}
			for _, raw := range gets(4) {
				if !bytes.Contains(all, raw) {
					f.Errorf("%v have no %q", kept, raw)
				}
			}
		}},
		{"output-tcp-spill-size", []string{"", "15mb", "-1", "much"}, func(f *flagTest) {
			large := []byte("POST / HTTP/1.1\r\nHost: prod\r\nContent-Length: 1048576\r\n\r\n" + strings.Repeat("x", 1<<20))
			file := f.recording(0, slices.Repeat([][]byte{large}, 24)...)
			spill := func(size string, more ...string) (kept int64, r flagRun) {
				dir := f.TempDir()
				r = f.gor(append(more, "--input-file", file, "--output-tcp", testkit.FreePort(f.T), "--output-tcp-spill", dir, "--output-tcp-spill-size", size, "--min-free", "0")...)
				for _, name := range must1(filepath.Glob(filepath.Join(dir, "*", "*.gor"))) {
					info, err := os.Stat(name)
					testkit.Must(f.T, err)
					kept += info.Size()
				}
				return kept, r
			}
			kept, r := spill("16mb", "--output-null", "--drain-timeout", "200ms") // beside another output the input does not wait for ever
			if r.says("holds what --output-tcp-spill-size allows"); kept < 12<<20 || kept > 16<<20 {
				f.Errorf("16mb: %d bytes are on disk", kept)
			}
			if kept, r := spill("1gb"); r.code != exitOK || kept < 24<<20 {
				f.Errorf("1gb: exit %d, %d bytes are on disk:\n%s", r.code, kept, r.stderr)
			}
		}},
		{"output-tcp-stats", notBool, func(f *flagTest) {
			sent, _ := f.link(nil, []string{"--output-tcp-stats"})
			sent.says(" output_tcp:latest,mean,max,count,count/second\n", " output_tcp:0,0,0,0,0\n")
			sent, _ = f.link(nil, nil)
			sent.saysNot("output_tcp:")
		}},
	}
}

// link sends four requests from one Gor to another, which prints them.
func (f *flagTest) link(receiver, sender []string) (sent, received flagRun) {
	f.Helper()
	far := f.receive(receiver...)
	sent = f.gor(append(sender, "--input-file", f.recording(0, gets(4)...)+"|max", "--output-tcp", far.addr)...)
	return sent, far.stopped(f)
}

// A farGor is a receiver that prints what it gets.
type farGor struct {
	*testkit.Process
	addr   string
	stdout *bytes.Buffer
}

// receive starts a receiver at a port that the system chooses.
func (f *flagTest) receive(args ...string) *farGor {
	f.Helper()
	far := &farGor{stdout: &bytes.Buffer{}}
	far.Process = testkit.SpawnTo(f.T, far.stdout, append(args, "--input-tcp", "127.0.0.1:0", "--output-stdout")...)
	far.Await("gor: to ")
	_, rest, _ := strings.Cut(far.Stderr(), "gor: from input-tcp ")
	far.addr, _, _ = strings.Cut(rest, "\n")
	return far
}

// stopped ends the receiver.
func (far *farGor) stopped(f *flagTest) flagRun {
	f.Helper()
	far.Stop()
	return flagRun{f, far.Cmd.Args[1:], 0, far.stdout.String(), far.Stderr()}
}

// certificateOf returns the name in the certificate that a receiver shows.
func (f *flagTest) certificateOf(ca *testkit.Authority, receiver []string) string {
	f.Helper()
	far := f.receive(receiver...)
	conn, err := tls.Dial("tcp", far.addr, &tls.Config{RootCAs: ca.Pool()})
	testkit.Must(f.T, err)
	name := conn.ConnectionState().PeerCertificates[0].Subject.CommonName
	testkit.Must(f.T, conn.NetConn().Close())
	far.Stop()
	return name
}

// startFails wants Gor to end at its start, and to name what.
func (f *flagTest) startFails(what string, args ...string) {
	f.Helper()
	if r := f.gor(args...); r.code != exitFailed {
		f.Errorf("gor %q: exit %d:\n%s", args, r.code, r.stderr)
	} else {
		r.says(what)
	}
}

// A linkWire is what passed between two Gors.
type linkWire struct {
	conns, sent atomic.Int64 // connections, and bytes from the sender
}

// wire sends requests over a link and returns what passed. On a machine so busy
// that the receiver was taken for an old one, which says so, it does it again.
func (f *flagTest) wire(requests [][]byte, args ...string) *linkWire {
	f.Helper()
	for range 5 {
		if w, sent := f.wireOnce(requests, args...); !strings.Contains(sent.stderr, "does not acknowledge messages") {
			return w
		}
	}
	f.Fatal("the receiver has not answered in time, five times")
	return nil
}

func (f *flagTest) wireOnce(requests [][]byte, args ...string) (*linkWire, flagRun) {
	f.Helper()
	far := f.receive()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	testkit.Must(f.T, err)
	w := &linkWire{}
	var passing sync.WaitGroup
	passing.Go(func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			w.conns.Add(1)
			passing.Go(func() { w.pass(near, far.addr) })
		}
	})
	r := f.ok(append(args, "--input-file", f.recording(0, requests...)+"|max", "--output-tcp", l.Addr().String())...)
	r.says(fmt.Sprintf("%d delivered", len(requests)))
	l.Close()
	passing.Wait()
	far.Stop()
	return w, r
}

// pass joins a connection to addr.
func (w *linkWire) pass(near net.Conn, addr string) {
	defer near.Close()
	far, err := net.Dial("tcp", addr)
	if err != nil {
		return // the sender's messages stay with it, which the test sees
	}
	defer far.Close()
	var back sync.WaitGroup
	back.Go(func() {
		io.Copy(near, far)
		near.Close()
	})
	n, _ := io.Copy(far, near)
	w.sent.Add(n)
	far.(*net.TCPConn).CloseWrite()
	back.Wait()
}

// silent is a log that nobody reads.
func silent() *log.Logger { return log.New(io.Discard, "", 0) }
