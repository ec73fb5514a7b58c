package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/buger/gor/internal/pace"
)

// testCA issues certificates into files of a test's directory.
type testCA struct {
	t    *testing.T
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	file string
	n    int // senders' certificates so far
}

func newTestCA(t *testing.T, name string) *testCA {
	t.Helper()
	a := &testCA{t: t, dir: t.TempDir()}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	var err error
	a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	der, err := x509.CreateCertificate(rand.Reader, template, template, &a.key.PublicKey, a.key)
	must(t, err)
	a.cert, err = x509.ParseCertificate(der)
	must(t, err)
	a.file = a.write("ca.pem", "CERTIFICATE", der)
	return a
}

func (a *testCA) write(name, kind string, der []byte) string {
	a.t.Helper()
	return writeFile(a.t, filepath.Join(a.dir, name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// issue writes name.pem and name.key for 127.0.0.1.
func (a *testCA) issue(name string, end time.Time) (certFile, keyFile string) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(a.t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: end.Add(-48 * time.Hour), NotAfter: end, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	must(a.t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	must(a.t, err)
	return a.write(name+".pem", "CERTIFICATE", der), a.write(name+".key", "PRIVATE KEY", private)
}

// receiver and sender are the flags of the two ends.
func (a *testCA) receiver(clients *testCA) []string {
	cert, key := a.issue("receiver", time.Now().Add(time.Hour))
	args := []string{"--input-tcp-secure", "--input-tcp-certificate", cert, "--input-tcp-certificate-key", key}
	if clients != nil {
		args = append(args, "--input-tcp-client-ca", clients.file)
	}
	return args
}

// sender trusts a; its own certificate, of signer unless that is nil, ends at
// end.
func (a *testCA) sender(signer *testCA, end time.Time) []string {
	args := []string{"--output-tcp-secure", "--output-tcp-ca", a.file}
	if signer != nil {
		signer.n++
		cert, key := signer.issue(fmt.Sprintf("sender%d", signer.n), end)
		args = append(args, "--output-tcp-client-cert", cert, "--output-tcp-client-key", key)
	}
	return args
}

func (a *testCA) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

func TestTCPLinkSettings(t *testing.T) {
	in, out := []string{"--input-tcp", ":0", "--output-null"}, []string{"--input-dummy", "--output-tcp", "host:1"}
	for _, test := range []struct {
		base []string
		args string
		want string // a part of the error; "" none
	}{
		{in, "--input-tcp-secure", "add --input-tcp-certificate cert.pem --input-tcp-certificate-key key.pem"},
		{in, "--input-tcp-secure --input-tcp-certificate c", "add --input-tcp-certificate-key key.pem"},
		{in, "--input-tcp-secure --input-tcp-certificate-key k", "add --input-tcp-certificate cert.pem"},
		{in, "--input-tcp-certificate c --input-tcp-certificate-key k", "add --input-tcp-secure"},
		{in, "--input-tcp-client-ca a", "--input-tcp-client-ca is for TLS; add --input-tcp-secure"},
		{in, "--output-tcp-secure", "for --input-tcp it is --input-tcp-secure"},
		{in, "--input-tcp-secure --input-tcp-certificate c --input-tcp-certificate-key k --input-tcp-client-ca a", ""},
		{in, "--input-tcp-secure true --input-tcp-certificate c --input-tcp-certificate-key k", ""},
		{out, "--input-tcp-secure --input-tcp-certificate c --input-tcp-certificate-key k", "for --output-tcp it is --output-tcp-secure"},
		{out, "--output-tcp-secure", ""},
		{out, "--output-tcp-secure true --output-tcp-skip-verify true", ""},
		{out, "--output-tcp-skip-verify", "add --output-tcp-secure"},
		{out, "--output-tcp-ca a", "add --output-tcp-secure"},
		{out, "--output-tcp-client-cert c --output-tcp-client-key k", "add --output-tcp-secure"},
		{out, "--output-tcp-secure --output-tcp-client-cert c", "add --output-tcp-client-key key.pem"},
		{out, "--output-tcp-secure --output-tcp-client-key k", "add --output-tcp-client-cert cert.pem"},
		{out, "--output-tcp-secure --output-tcp-ca a --output-tcp-skip-verify", "leave one out"},
		{out, "--output-tcp-secure --output-tcp-ca a --output-tcp-client-cert c --output-tcp-client-key k", ""},
		{out, "--output-tcp-workers 10 --output-tcp-sticky true --output-tcp-compress", ""},
		{out, "--output-tcp-workers 0", "from 1 to 64"},
	} {
		_, err := parseArgs(append(append([]string{}, test.base...), strings.Fields(test.args)...)...)
		t.Run(test.args, func(t *testing.T) { wantError(t, err, test.want) })
	}
}

// TestTCPLinkFiles: what is wrong with a file is said before anything is
// opened, with the flag that named it.
func TestTCPLinkFiles(t *testing.T) {
	ca := newTestCA(t, "test authority")
	end := time.Now().Add(time.Hour)
	cert, key := ca.issue("one", end)
	_, otherKey := ca.issue("two", end)
	rubbish := writeFile(t, filepath.Join(ca.dir, "rubbish"), []byte("\x30\x82\x01\x02"))
	broken := ca.write("broken.pem", "CERTIFICATE", []byte("no certificate"))
	encrypted := ca.write("encrypted.key", "ENCRYPTED PRIVATE KEY", []byte("x"))
	missing := filepath.Join(ca.dir, "missing")
	for _, test := range []struct{ name, cert, key, ca, want string }{
		{"good", cert, key, ca.file, ""},
		{"missing certificate", missing, key, ca.file, "CERT " + missing + ": no such file"},
		{"missing key", cert, missing, ca.file, "KEY " + missing + ": no such file"},
		{"missing authority", cert, key, missing, "CA " + missing + ": no such file"},
		{"certificate in DER form", rubbish, key, ca.file, "convert it: openssl x509 -inform der -in " + rubbish},
		{"key in DER form", cert, rubbish, ca.file, "convert it: openssl pkey -inform der -in " + rubbish},
		{"authority in DER form", cert, key, rubbish, "CA " + rubbish + ": it is no certificate in PEM form"},
		{"the two exchanged", key, cert, ca.file, "CERT " + key + ": it holds no certificate, but a PRIVATE KEY"},
		{"another's key", cert, otherKey, ca.file, "it is not the key of the certificate in " + cert},
		{"a key with a passphrase", cert, encrypted, ca.file, "openssl pkey -in " + encrypted},
		{"broken certificate", broken, key, ca.file, "CERT " + broken},
		{"broken authority", cert, key, broken, "CA " + broken},
		{"a directory", ca.dir, key, ca.file, "is a directory"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := defaultSettings()
			s.TCP.InSecure, s.TCP.InCertificate, s.TCP.InKey, s.TCP.InClientCA = true, test.cert, test.key, test.ca
			in, err := newTCPInput("127.0.0.1:0", pace.Limit{}, s, testEnv(t, io.Discard))
			names := strings.NewReplacer("CERT ", "--input-tcp-certificate ", "KEY ", "--input-tcp-certificate-key ", "CA ", "--input-tcp-client-ca ")
			wantError(t, err, names.Replace(test.want))
			if err == nil {
				in.Close()
			}
			s = defaultSettings()
			s.TCP.OutSecure, s.TCP.OutCertificate, s.TCP.OutKey, s.TCP.OutCA = true, test.cert, test.key, test.ca
			out, err := newTCPOutput("127.0.0.1:1", s, testEnv(t, io.Discard))
			names = strings.NewReplacer("CERT ", "--output-tcp-client-cert ", "KEY ", "--output-tcp-client-key ", "CA ", "--output-tcp-ca ")
			wantError(t, err, names.Replace(test.want))
			if err == nil {
				out.Close()
			}
		})
	}
}

// TestTCPLinkCertificateRenewal: files are read again when they have changed,
// at most once a second, and half a renewal changes nothing.
func TestTCPLinkCertificateRenewal(t *testing.T) {
	ca := newTestCA(t, "test authority")
	end := time.Now().Add(time.Hour)
	cert, key := ca.issue("receiver", end)
	var said bytes.Buffer
	logf := func(format string, args ...any) { fmt.Fprintf(&said, format+"\n", args...) }
	pair, err := openKeyPair(logf, [2]string{"cert", "key"}, cert, key)
	must(t, err)
	now := pair.looked
	pair.now = func() time.Time { return now }
	serial := func() string { return pair.get().Leaf.SerialNumber.String() }
	first := serial()
	oldKey, err := os.ReadFile(key)
	must(t, err)

	ca.issue("receiver", end)
	newKey, err := os.ReadFile(key)
	must(t, err)
	if serial() != first {
		t.Error("read again within the second")
	}
	// The certificate is there and its key not yet.
	writeFile(t, key, oldKey)
	for range 3 {
		now = now.Add(certLook)
		if serial() != first {
			t.Error("a certificate is in use without its key")
		}
	}
	if n := strings.Count(said.String(), "it is not the key of the certificate in"); n != 1 || !strings.Contains(said.String(), "stays in use") {
		t.Errorf("said %q", said.String())
	}
	writeFile(t, key, newKey)
	now = now.Add(certLook)
	second := serial()
	if second == first || !strings.Contains(said.String(), "was read again") {
		t.Errorf("the new certificate is not in use; said %q", said.String())
	}
	must(t, os.Remove(cert))
	now = now.Add(certLook)
	if serial() != second {
		t.Error("a certificate whose file is gone is not in use any more")
	}
}

func TestTCPLinkExpiredAtTheStart(t *testing.T) {
	ca := newTestCA(t, "test authority")
	cert, key := ca.issue("late", time.Now().Add(-time.Hour))
	var said bytes.Buffer
	_, err := openKeyPair(func(format string, args ...any) { fmt.Fprintf(&said, format, args...) }, [2]string{"cert", "key"}, cert, key)
	must(t, err)
	if !strings.Contains(said.String(), "has expired on") {
		t.Errorf("said %q", said.String())
	}
}

// TestTCPLinkRefusesOldTLS: nothing below TLS 1.2 is spoken.
func TestTCPLinkRefusesOldTLS(t *testing.T) {
	ca := newTestCA(t, "test authority")
	s, err := parseArgs(append([]string{"--input-tcp", "127.0.0.1:0", "--output-null"}, ca.receiver(nil)...)...)
	must(t, err)
	in, err := newTCPInput("127.0.0.1:0", pace.Limit{}, s, testEnv(t, io.Discard))
	must(t, err)
	defer in.Close()
	for version, ok := range map[uint16]bool{tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		conn, err := tls.Dial("tcp", linkAddr(t, in), &tls.Config{RootCAs: ca.pool(), MinVersion: tls.VersionTLS10, MaxVersion: version})
		if (err == nil) != ok {
			t.Errorf("version %x: %v", version, err)
		}
		if err == nil {
			conn.Close()
		}
	}
}
