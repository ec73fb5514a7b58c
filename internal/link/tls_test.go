package link

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/buger/gor/internal/payload"
)

// authority issues certificates for a test.
type authority struct {
	t    testing.TB
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t testing.TB, name string) *authority {
	t.Helper()
	a := &authority{t: t, key: newKey(t)}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &a.key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return a
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// issue makes a certificate for 127.0.0.1 that ends at end.
func (a *authority) issue(name string, end time.Time) *tls.Certificate {
	a.t.Helper()
	key := newKey(a.t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: end.Add(-48 * time.Hour), NotAfter: end, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// serving is a receiver's configuration; clients is the authority of its
// senders, or nil.
func (a *authority) serving(clients *authority) func() *tls.Config {
	cert := a.issue("receiver", time.Now().Add(time.Hour))
	return func() *tls.Config {
		config := &tls.Config{Certificates: []tls.Certificate{*cert}}
		if clients != nil {
			config.ClientAuth, config.ClientCAs = tls.RequireAndVerifyClientCert, clients.pool()
		}
		return config
	}
}

// trusting is a sender's, who may have a certificate.
func (a *authority) trusting(cert *tls.Certificate) func() *tls.Config {
	return func() *tls.Config {
		config := &tls.Config{RootCAs: a.pool(), ServerName: "127.0.0.1"}
		if cert != nil {
			config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return cert, nil }
		}
		return config
	}
}

func newTLSSender(t testing.TB, addr string, src Source, config func() *tls.Config, logf func(string, ...any)) *Sender {
	s := NewSender(SenderConfig{
		Dial: func(ctx context.Context) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "tcp", addr)
		},
		TLS:  config,
		Logf: logf,
	}, src)
	t.Cleanup(func() { s.Close() })
	return s
}

func TestTLSLink(t *testing.T) {
	const n = 2000
	ca := newAuthority(t, "test authority")
	l := listen(t)
	got := drainInto(NewReceiver(l, ReceiverConfig{Limit: 4 << 20, TLS: ca.serving(ca), Logf: quiet(t)}))
	src := newTestSource()
	s := newTLSSender(t, l.Addr().String(), src, ca.trusting(ca.issue("sender", time.Now().Add(time.Hour))), quiet(t))
	for i := range n {
		size := 100
		if i%100 == 7 {
			size = 300 << 10
		}
		src.ch <- message(1, uint32(i), size)
	}
	close(src.ch)
	s.awaitDone(t)
	if d := count(s.Counts(), "delivered"); d != n || !s.Acknowledged() {
		t.Errorf("delivered %d of %d, acknowledged %v", d, n, s.Acknowledged())
	}
	got.check(t, 1, n, false)
}

// An old sender never reads. Nothing must come to it after the handshake, or
// its system resets the connection when it closes it, and what is in flight is
// lost: session tickets, in TLS 1.3.
func TestTLSOldSender(t *testing.T) {
	const n = 3000
	ca := newAuthority(t, "test authority")
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		l := listen(t)
		// With client certificates the tickets come last of all.
		r := NewReceiver(l, ReceiverConfig{Limit: 4 << 20, TLS: ca.serving(ca), Logf: quiet(t)})
		config := ca.trusting(ca.issue("sender", time.Now().Add(time.Hour)))()
		config.MaxVersion = version
		config.ClientSessionCache = tls.NewLRUClientSessionCache(1) // it would take tickets
		raw, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		conn := tls.Client(raw, config)
		var stream []byte
		for i := range n {
			stream = payload.AppendOldRecord(stream, message(1, uint32(i), 500))
		}
		// More than the receiver takes while nobody reads from it, so that a
		// part is still in the sender's system when it closes.
		if _, err := conn.Write(stream); err != nil {
			t.Fatal(err)
		}
		raw.Close() // with what it has not read
		got := drainInto(r)
		got.await(t, n)
		got.check(t, 1, n, false)
	}
}

func TestTLSOldReceiver(t *testing.T) {
	const n = 3000
	ca := newAuthority(t, "test authority")
	o := &oldReceiver{l: tls.NewListener(listen(t), ca.serving(nil)())}
	o.start(t)
	src := newTestSource()
	s := NewSender(SenderConfig{
		Dial: func(ctx context.Context) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "tcp", o.l.Addr().String())
		},
		TLS:         ca.trusting(nil),
		AnswerWait:  200 * time.Millisecond,
		SilenceWait: 200 * time.Millisecond,
		Trial:       200 * time.Millisecond,
		Logf:        quiet(t),
	}, src)
	for i := range n {
		src.ch <- message(1, uint32(i), 500)
	}
	close(src.ch)
	s.awaitDone(t)
	got := o.stop()
	if len(got) != n {
		t.Fatalf("%d messages came, want %d", len(got), n)
	}
	for i, msg := range got {
		if _, k, err := key(msg); err != nil || k != uint32(i) {
			t.Fatalf("message %d came as %d, %v", i, k, err)
		}
	}
}

// A sender that the receiver does not admit, and one that does not trust it,
// are told so in words, and so is the receiver, once. A good sender beside
// them loses nothing.
func TestTLSRefusals(t *testing.T) {
	soon := time.Now().Add(time.Hour)
	ca, other := newAuthority(t, "test authority"), newAuthority(t, "another authority")
	good := ca.issue("sender", soon)
	named := ca.trusting(good)
	tests := []struct {
		name           string
		config         func() *tls.Config
		sender, logged string
	}{
		{"no certificate", ca.trusting(nil), "give one with --output-tcp-client-cert", "no client certificate"},
		{"no certificate, TLS 1.2", func() *tls.Config {
			c := ca.trusting(nil)()
			c.MaxVersion = tls.VersionTLS12
			return c
		}, "it may require --output-tcp-client-cert", "no client certificate"},
		{"of an unknown authority", ca.trusting(other.issue("stranger", soon)), "--input-tcp-client-ca does not name", `"CN=stranger" is of an unknown authority`},
		{"expired", ca.trusting(ca.issue("late", time.Now().Add(-time.Hour))), "it has expired", `"CN=late" has expired on`},
		{"receiver is not trusted", other.trusting(good), `"CN=receiver" is of an unknown authority; --output-tcp-ca FILE`, "may need --output-tcp-ca"},
		{"receiver has another name", func() *tls.Config {
			c := named()
			c.ServerName = "replay.local"
			return c
		}, `it is for ["127.0.0.1"], not for "replay.local"`, "does not accept the certificate"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := listen(t)
			log, said := &lines{}, &lines{}
			r := NewReceiver(l, ReceiverConfig{Limit: 1 << 20, TLS: ca.serving(ca), Logf: log.logf})
			got := drainInto(r)
			src := newTestSource()
			s := newTLSSender(t, l.Addr().String(), src, named, quiet(t))
			src.ch <- message(9, 0, 100)
			got.await(t, 1)

			bad := newTestSource()
			bad.ch <- message(1, 0, 100)
			refused := newTLSSender(t, l.Addr().String(), bad, tt.config, said.logf)
			late := time.After(time.Minute)
			for r.counts.Get(countTLS) < 2 || said.String() == "" { // it tries again
				select {
				case <-late:
					t.Fatalf("refused %d times, the sender says %q", r.counts.Get(countTLS), said)
				case <-time.After(time.Millisecond):
				}
			}
			if n := refused.Close(); n > 1 {
				t.Errorf("%d unsent", n)
			}
			if !strings.Contains(said.String(), tt.sender) || strings.Count(said.String(), "\n") > 0 {
				t.Errorf("the sender says %q, want one line with %q", said, tt.sender)
			}
			if first, _, _ := strings.Cut(log.String(), "\n"); !strings.Contains(first, tt.logged) {
				t.Errorf("the receiver says %q, want %q", first, tt.logged)
			}
			src.ch <- message(9, 1, 100)
			close(src.ch)
			s.awaitDone(t)
			r.Close()
			<-got.done
			if got.seen["9/0"] != 1 || got.seen["9/1"] != 1 || len(got.seen) != 2 {
				t.Errorf("the good sender lost messages, or others came: %v", got.seen)
			}
		})
	}
}

// A peer that does no handshake costs itself its connection, with one line in
// the log or none when it only looked whether the port is open.
func TestTLSStrangers(t *testing.T) {
	ca := newAuthority(t, "test authority")
	tests := []struct {
		name, sends, says string
		count             int
		ends              bool
	}{
		{"silent", "", "no whole TLS handshake", countLate, false},
		{"a probe", "", "", -1, true},
		{"a plain sender of our kind", string(appendHello(nil, Identity{1}, 2)), "needs --output-tcp-secure", countTLS, false},
		{"a plain old sender", "1 a 1700000000000000000 1\nGET", "needs --output-tcp-secure", countTLS, false},
		{"garbage", strings.Repeat("\x00", 2000), "no TLS", countTLS, false},
		{"HTTP", "GET / HTTP/1.1\r\n\r\n", "no TLS", countTLS, false},
		{"half a hello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc", "no whole TLS handshake", countLate, false},
		{"half a hello and an end", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc", "inside the TLS handshake", countTLS, true},
		{"a hello without end", strings.Repeat("\x16\x03\x01\x40\x00\x01\x00\xff\xff"+strings.Repeat("x", 0x4000-4), 1) + strings.Repeat("\x16\x03\x01\x40\x00"+strings.Repeat("x", 0x4000), 5), "", countTLS, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := listen(t)
			var log lines
			wait := time.Minute
			if tt.count == countLate {
				wait = 300 * time.Millisecond
			}
			r := NewReceiver(l, ReceiverConfig{Limit: 1 << 20, TLS: ca.serving(nil), HandshakeWait: wait, Logf: log.logf})
			got := drainInto(r)
			conn, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			go func() {
				io.WriteString(conn, tt.sends)
				if tt.ends {
					conn.(*net.TCPConn).CloseWrite()
				}
			}()
			// Meanwhile others are served.
			src := newTestSource()
			s := newTLSSender(t, l.Addr().String(), src, ca.trusting(nil), quiet(t))
			for i := range 10 {
				src.ch <- message(1, uint32(i), 100)
			}
			close(src.ch)
			s.awaitDone(t)
			conn.SetReadDeadline(time.Now().Add(time.Minute))
			if _, err := io.Copy(io.Discard, conn); isTimeout(err) {
				t.Error("the connection was not closed")
			}
			conn.Close()
			got.check(t, 1, 10, false)
			said, n := log.String(), uint64(0)
			if tt.count >= 0 {
				n = r.counts.Get(tt.count)
			}
			if tt.count == countLate && n > 1 { // where the machine halts the others may be late too, and come again
				said, n = strings.Split(said, "\n")[0], 1
			}
			if !strings.Contains(said, tt.says) || strings.Count(said, "\n") > 0 || (tt.count < 0) != (said == "") {
				t.Errorf("log %q, want one line with %q", log.String(), tt.says)
			}
			if tt.count >= 0 && n != 1 {
				t.Errorf("%s: %d, want 1", r.counts.Name(tt.count), r.counts.Get(tt.count))
			}
		})
	}
}

// What the sender says when the other end is not a receiver with TLS.
func TestTLSSenderToStrangers(t *testing.T) {
	ca := newAuthority(t, "test authority")
	tests := []struct {
		name, says string
		answer     func(conn net.Conn)
	}{
		{"our receiver without TLS", "does it have --input-tcp-secure?", nil},
		{"something that answers", "speaks no TLS; it needs --input-tcp-secure", func(conn net.Conn) {
			conn.Read(make([]byte, 2000))
			io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\n\r\n")
			io.Copy(io.Discard, conn)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := listen(t)
			defer l.Close()
			var log lines
			if tt.answer == nil {
				defer drainInto(NewReceiver(l, ReceiverConfig{Limit: 1 << 20, Logf: log.logf})).check(t, 0, 0, false)
			} else {
				go func() {
					for {
						conn, err := l.Accept()
						if err != nil {
							return
						}
						go func() { tt.answer(conn); conn.Close() }()
					}
				}()
			}
			var said lines
			src := newTestSource()
			src.ch <- message(1, 0, 10)
			s := newTLSSender(t, l.Addr().String(), src, ca.trusting(nil), said.logf)
			late := time.After(time.Minute)
			for said.String() == "" {
				select {
				case <-late:
					t.Fatal("the sender says nothing")
				case <-time.After(time.Millisecond):
				}
			}
			s.Close()
			if !strings.Contains(said.String(), tt.says) {
				t.Errorf("the sender says %q, want %q", said.String(), tt.says)
			}
			if tt.answer == nil && !strings.Contains(log.String(), "TLS; this input needs --input-tcp-secure") {
				t.Errorf("the receiver says %q", log.String())
			}
		})
	}
}

// The bound on connections holds for those in their handshake, and Close does
// not wait for them.
func TestTLSHandshakesAreBounded(t *testing.T) {
	ca := newAuthority(t, "test authority")
	l := listen(t)
	r := NewReceiver(l, ReceiverConfig{Limit: 1 << 20, MaxConns: 2, TLS: ca.serving(nil), HandshakeWait: time.Hour, Logf: quiet(t)})
	open := wantThirdClosed(t, l)
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		r.Close()
		r.Read(nil)
	}()
	select {
	case <-closed:
	case <-time.After(time.Minute):
		t.Fatal("Close waits for a handshake")
	}
	for _, c := range open {
		c.SetReadDeadline(time.Now().Add(time.Minute))
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("after Close: %v, want EOF", err)
		}
	}
}
