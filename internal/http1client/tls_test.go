package http1client

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/buger/gor/internal/testkit"
)

// selfSigned makes a TLS listener's configuration for 127.0.0.1.
func selfSigned(t *testing.T) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	testkit.Must(t, err)
	cert := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"localhost"}}
	der, err := x509.CreateCertificate(rand.Reader, cert, cert, &key.PublicKey, key)
	testkit.Must(t, err)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}

// trusting makes the configuration of each connection to a target whose
// certificate may be anybody's.
func trusting(target *Target) func() *tls.Config {
	config := target.TLS(true) // it keeps the session's tickets
	return func() *tls.Config { return config }
}

func TestTLS(t *testing.T) {
	var names sync.Map
	config := selfSigned(t)
	config.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		names.Store(hello.ServerName, nil)
		return nil, nil
	}
	target := testkit.StartTarget(t, func(c net.Conn, _ int) {
		s := tls.Server(c, config)
		testkit.Answering(testkit.OK200, testkit.OK200, testkit.OK200, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"+strings.Repeat("x", 100_000))(s, 0)
	})
	_, port, _ := net.SplitHostPort(target.Address())
	addr := "https://localhost:" + port
	rig := newRig(t, nil, addr, func(c *Config) { c.TLS, c.Dial = trusting(c.Target), testkit.DialTo(target.Address()) })
	size := 1 << 20
	large := fmt.Sprintf("POST / HTTP/1.1\r\nHost: prod\r\nContent-Length: %d\r\n\r\n%s", size, strings.Repeat("x", size))
	rig.each(httpGet, httpPost, httpHead, httpGet, large, httpPost)
	rig.want("6 delivered")
	if n := target.Conns.Load(); n != 2 { // the answer to HEAD has a body, which ends a connection
		t.Errorf("%d connections", n)
	}
	if _, ok := names.Load("localhost"); !ok {
		t.Error("no server name was sent")
	}

	var told []error
	strict := newRig(t, nil, addr, func(c *Config) {
		c.Dial, c.CertificateHint = testkit.DialTo(target.Address()), "here is what to type"
		c.Tell = func(err error) { told = append(told, err) }
	})
	strict.each(httpGet)
	strict.want("1 TLS")
	if len(told) != 1 || !strings.Contains(told[0].Error(), "here is what to type") {
		t.Errorf("of the certificate's refusal %q is told", told)
	}
}

// TestTLSClosedWhileIdle: session tickets that nobody read yet are not the
// end of a connection, and a close_notify is.
func TestTLSClosedWhileIdle(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		closed := make(chan struct{}, 10)
		config := selfSigned(t)
		config.MaxVersion = version
		target := testkit.StartTarget(t, func(c net.Conn, n int) {
			s := tls.Server(c, config)
			for i := 0; ; i++ {
				if _, err := testkit.ReadRequest(s); err != nil {
					return
				}
				io.WriteString(s, testkit.OK200)
				if i == 2 {
					s.CloseWrite() // the alert alone: the socket stays open
					closed <- struct{}{}
					io.Copy(io.Discard, c)
					return
				}
			}
		})
		rig := newRig(t, nil, "https://"+target.Address(), func(c *Config) { c.TLS = trusting(c.Target) })
		rig.each(httpPost, httpPost, httpPost)
		<-closed
		rig.each(httpPost, httpPost, httpPost)
		rig.want("6 delivered")
		if n := target.Conns.Load(); n != 2 {
			t.Errorf("%x: %d connections, want 2", version, n)
		}
	}
}

func TestTLSToPlainServer(t *testing.T) {
	target := testkit.StartTarget(t, func(c net.Conn, _ int) {
		io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n")
		io.Copy(io.Discard, c)
	})
	rig := newRig(t, nil, "https://"+target.Address(), nil)
	rig.each(httpGet)
	rig.want("1 TLS")
}
