package e2e

import (
	"crypto/tls"
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/buger/gor/internal/certs/certstest"
	"github.com/buger/gor/internal/testkit"
)

// A tlsTarget is a web server with a certificate of an authority that no system
// trusts.
type tlsTarget struct {
	*httptest.Server
	addr string       // 127.0.0.1:port
	ca   string       // the authority's file
	name atomic.Value // the server name that was asked for last
	host atomic.Value // the last Host
}

// startTLS starts a target whose certificate is for hosts. change may change
// how it speaks TLS.
func startTLS(t *testing.T, a *certstest.Authority, change func(*tls.Config), hosts ...string) *tlsTarget {
	t.Helper()
	server := &tlsTarget{ca: a.File}
	server.name.Store("")
	server.host.Store("")
	server.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { server.host.Store(r.Host) }))
	// Tests that run side by side share an authority, and not its files.
	certFile, keyFile := a.IssueFor(strings.ReplaceAll(t.Name(), "/", "-"), time.Now().Add(time.Hour), hosts...)
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	testkit.Must(t, err)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		server.name.Store(hello.ServerName)
		return nil, nil
	}}
	if change != nil {
		change(server.TLS)
	}
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // of handshakes that are meant to fail
	server.StartTLS()
	t.Cleanup(server.Close)
	server.addr = server.Listener.Addr().String()
	return server
}

// tlsReplay sends four requests, and does not wait for long.
func (f *flagTest) tlsReplay(args ...string) flagRun {
	f.Helper()
	return f.gor(append([]string{"--input-file", f.recording(0, gets(4)...) + "|max", "--drain-timeout", "30s"}, args...)...)
}

// TestTLSTargets: what each trouble with a target's TLS is called, and what
// helps against it.
func TestTLSTargets(t *testing.T) {
	t.Parallel()
	a := certstest.New(t, "gor test authority")
	for _, test := range []struct {
		name   string
		hosts  []string
		change func(*tls.Config)
		args   []string
		says   []string
	}{
		{name: "unknown authority", hosts: []string{"127.0.0.1"}, says: []string{"0 delivered", "signed by unknown authority", "--output-http-ca FILE"}},
		{name: "another name", hosts: []string{"other.example"}, args: []string{"--output-http-ca", a.File}, says: []string{"0 delivered", "127.0.0.1"}},
		{name: "no name at all", args: []string{"--output-http-ca", a.File}, says: []string{"0 delivered", "has no subjectAltName", "subjectAltName=IP:127.0.0.1"}},
		{name: "no such site", hosts: []string{"127.0.0.1"}, change: func(c *tls.Config) {
			certificates := c.Certificates
			c.Certificates = nil // or it would be shown to whoever asks for what there is not
			c.GetConfigForClient = nil
			c.GetCertificate = func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
				if hello.ServerName == "prod" {
					return nil, nil // answered with unrecognized_name
				}
				return &certificates[0], nil
			}
		}, args: []string{"--output-http-ca", a.File, "--http-original-host"}, says: []string{"0 delivered", "TLS for prod: ", "asks for the host of each request"}},
		{name: "old TLS", hosts: []string{"127.0.0.1"}, change: func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 },
			args: []string{"--output-http-ca", a.File}, says: []string{"0 delivered", "speaks only TLS 1.0 or 1.1", "RFC 8996"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := newFlagTest(t)
			server := startTLS(t, a, test.change, test.hosts...)
			f.tlsReplay(append(test.args, "--output-http", server.URL)...).says(test.says...)
		})
	}
	t.Run("plain", func(t *testing.T) {
		t.Parallel()
		plain := serve(t, func(http.ResponseWriter, *http.Request) {})
		newFlagTest(t).tlsReplay("--output-http", strings.Replace(plain, "http://", "https://", 1)).says("0 delivered", "speaks no TLS on this port")
		newFlagTest(t).tlsReplay("--output-http", "https://"+testkit.StartSink(t).Addr()).says("0 delivered", "is it a plain one")
	})
	t.Run("the environment", func(t *testing.T) {
		server := startTLS(t, a, nil, "127.0.0.1")
		file := newFlagTest(t).recording(0, gets(4)...)
		p := testkit.SpawnProgram(t, nil, testkit.Program(t), []string{"SSL_CERT_FILE=" + a.File}, nil, nil, "--input-file", file+"|max", "--output-http", server.URL)
		if code := p.Wait(); code != exitOK || !strings.Contains(p.Stderr(), "4 delivered") {
			t.Errorf("exit %d:\n%s", code, p.Stderr())
		}
	})
}

func tlsFlagRows() []flagRow {
	return []flagRow{
		{"output-http-ca", []string{""}, func(f *flagTest) {
			server := startTLS(f.T, certstest.New(f.T, "a"), nil, "127.0.0.1")
			f.tlsReplay("--output-http", server.URL, "--output-http-ca", server.ca).says("4 delivered")
			f.tlsReplay("--output-http", server.URL, "--output-http-ca", certstest.New(f.T, "b").File).says("0 delivered", "unknown authority")
			for _, args := range [][]string{{"--output-http", "http://localhost"}, {"--output-http", server.URL, "--output-http-skip-verify"}} {
				if r := f.tlsReplay(append(args, "--output-http-ca", server.ca)...).says("--output-http-ca"); r.code != exitUsage {
					f.Errorf("%q: exit %d", args, r.code)
				}
			}
		}},
		{"output-http-client-cert", []string{""}, func(f *flagTest) {
			a := certstest.New(f.T, "a")
			server := startTLS(f.T, a, func(c *tls.Config) { c.ClientAuth, c.ClientCAs = tls.RequireAndVerifyClientCert, a.Pool() }, "127.0.0.1")
			certFile, keyFile := a.Issue("client", time.Now().Add(time.Hour))
			args := []string{"--output-http", server.URL, "--output-http-ca", server.ca}
			f.tlsReplay(args...).says("0 delivered")
			f.tlsReplay(append(args, "--output-http-client-cert", certFile, "--output-http-client-key", keyFile)...).says("4 delivered")
			if r := f.tlsReplay(append(args, "--output-http-client-cert", certFile)...).says("add --output-http-client-key key.pem"); r.code != exitUsage {
				f.Errorf("exit %d", r.code)
			}
		}},
		{"output-http-client-key", []string{""}, func(f *flagTest) {
			a := certstest.New(f.T, "a")
			certFile, keyFile := a.Issue("client", time.Now().Add(time.Hour))
			_, other := a.Issue("other", time.Now().Add(time.Hour))
			args := []string{"--output-http", "https://localhost", "--output-http-client-key"}
			f.tlsReplay(append(args, keyFile)...).says("add --output-http-client-cert cert.pem")
			f.tlsReplay(append(args, other, "--output-http-client-cert", certFile)...).says("it is not the key of the certificate in")
		}},
		{"output-http-connect-to", []string{"", "localhost", ":80", "localhost:0", "http://localhost:80"}, func(f *flagTest) {
			server := startTLS(f.T, certstest.New(f.T, "a"), nil, "www.gor.example")
			f.tlsReplay("--output-http", "https://www.gor.example", "--output-http-ca", server.ca, "--output-http-connect-to", server.addr).says("4 delivered", "connects to "+server.addr)
			if server.name.Load() != "www.gor.example" || server.host.Load() != "www.gor.example" {
				f.Errorf("it was asked for %q, for the host %q", server.name.Load(), server.host.Load())
			}
		}},
		{"output-http-sni", []string{"", "127.0.0.1", "www.gor.example:443", "https://www.gor.example", "a b"}, func(f *flagTest) {
			server := startTLS(f.T, certstest.New(f.T, "a"), nil, "www.gor.example")
			args := []string{"--output-http", server.URL, "--output-http-ca", server.ca, "--http-original-host"}
			f.tlsReplay(args...).says("0 delivered")
			f.tlsReplay(append(args, "--output-http-sni", "www.gor.example")...).says("4 delivered")
			if server.name.Load() != "www.gor.example" || server.host.Load() != "prod" {
				f.Errorf("it was asked for %q, for the host %q", server.name.Load(), server.host.Load())
			}
			site := startTLS(f.T, certstest.New(f.T, "b"), nil, "prod") // the recorded Host
			f.tlsReplay("--output-http", site.URL, "--output-http-ca", site.ca).says("0 delivered")
			f.tlsReplay("--output-http", site.URL, "--output-http-ca", site.ca, "--http-original-host").says("4 delivered")
			if site.name.Load() != "prod" || site.host.Load() != "prod" {
				f.Errorf("with the recorded Host it was asked for %q, for the host %q", site.name.Load(), site.host.Load())
			}
			f.tlsReplay("--output-http", "http://localhost", "--output-http-sni", "www.gor.example").says("--output-http-sni www.gor.example is for TLS")
		}},
		{"output-http-elasticsearch-ca", []string{""}, func(f *flagTest) {
			server := startTLS(f.T, certstest.New(f.T, "a"), nil, "127.0.0.1")
			args := []string{"--output-http", testkit.StartSink(f.T).Addr(), "--output-http-elasticsearch", server.URL + "/gor"}
			f.tlsReplay(append(args, "--output-http-elasticsearch-ca", server.ca)...).says("its answer is no JSON", "4 delivered")
			f.tlsReplay(args...).says("unknown authority", "--output-http-elasticsearch-ca FILE", "4 delivered")
			f.tlsReplay("--output-http", "localhost:1", "--output-http-elasticsearch", "localhost:1/gor", "--output-http-elasticsearch-ca", server.ca).
				says("--output-http-elasticsearch-ca is for TLS, and no --output-http-elasticsearch begins with https://")
		}},
		{"output-http-elasticsearch-skip-verify", notBool, func(f *flagTest) {
			server := startTLS(f.T, certstest.New(f.T, "a"), nil, "127.0.0.1")
			f.tlsReplay("--output-http", testkit.StartSink(f.T).Addr(), "--output-http-elasticsearch", server.URL+"/gor", "--output-http-elasticsearch-skip-verify").says("its answer is no JSON", "4 delivered")
		}},
		{"output-http-elasticsearch-client-cert", []string{""}, func(f *flagTest) {
			a := certstest.New(f.T, "a")
			server := startTLS(f.T, a, func(c *tls.Config) { c.ClientAuth, c.ClientCAs = tls.RequireAndVerifyClientCert, a.Pool() }, "127.0.0.1")
			certFile, keyFile := a.Issue("client", time.Now().Add(time.Hour))
			args := []string{"--output-http", testkit.StartSink(f.T).Addr(), "--output-http-elasticsearch", server.URL + "/gor", "--output-http-elasticsearch-ca", server.ca}
			f.untilSays("certificate required", func() flagRun { return f.tlsReplay(args...) }).says("certificate required")
			f.tlsReplay(append(args, "--output-http-elasticsearch-client-cert", certFile, "--output-http-elasticsearch-client-key", keyFile)...).says("its answer is no JSON", "4 delivered")
		}},
		{"output-http-elasticsearch-client-key", []string{""}, func(f *flagTest) {
			f.tlsReplay("--output-http", "localhost:1", "--output-http-elasticsearch", "https://localhost:1/gor", "--output-http-elasticsearch-client-key", "k.pem").
				says("--output-http-elasticsearch-client-key k.pem needs its certificate; add --output-http-elasticsearch-client-cert cert.pem")
		}},
		{"output-ws-ca", []string{""}, func(f *flagTest) {
			server := newPlainWS(f.T, true)
			own := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
			file := testkit.WriteFile(f.T, filepath.Join(f.TempDir(), "ca.pem"), own)
			args := []string{"--output-ws", strings.Replace(server.URL, "https://", "wss://", 1)}
			f.tlsReplay(append(args, "--output-ws-ca", file)...).says("4 delivered")
			other := certstest.New(f.T, "b").File
			f.untilSays("--output-ws-ca FILE", func() flagRun {
				return f.tlsReplay(append(args, "--output-ws-ca", other, "--drain-timeout", "1s")...)
			}).says("0 delivered", "--output-ws-ca FILE")
			f.tlsReplay("--output-ws", "ws://localhost:1", "--output-ws-ca", file).says("--output-ws-ca is for TLS, and no --output-ws begins with wss://")
		}},
		{"output-ws-client-cert", []string{""}, func(f *flagTest) {
			a := certstest.New(f.T, "a")
			certFile, keyFile := a.Issue("client", time.Now().Add(time.Hour))
			server := newPlainWS(f.T, true)
			server.TLS.ClientAuth, server.TLS.ClientCAs = tls.RequireAndVerifyClientCert, a.Pool()
			args := []string{"--output-ws", strings.Replace(server.URL, "https://", "wss://", 1), "--output-ws-skip-verify", "--drain-timeout", "1s"}
			f.tlsReplay(args...).says("0 delivered")
			f.tlsReplay(append(args, "--output-ws-client-cert", certFile, "--output-ws-client-key", keyFile)...).says("4 delivered")
		}},
		{"output-ws-client-key", []string{""}, func(f *flagTest) {
			_, keyFile := certstest.New(f.T, "a").Issue("client", time.Now().Add(time.Hour))
			f.tlsReplay("--output-ws", "wss://localhost", "--output-ws-client-key", keyFile).says("add --output-ws-client-cert cert.pem")
		}},
	}
}
