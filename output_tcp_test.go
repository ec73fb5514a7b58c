package main

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/buger/gor/internal/address"
	"github.com/buger/gor/internal/testkit"
)

func TestLinkAddresses(t *testing.T) {
	tests := []struct {
		addr    string
		in, out string // a part of the error; "" none
	}{
		{"127.0.0.1:0", "", ""},
		{"[::1]:28020", "", ""},
		{"replay.local:28020", "", ""},
		{":28020", "", "replay.local:28020"},
		{"28020", ":28020", ":28020"},
		{"nonsense", "host:28020", "host:28020"},
		{"http://host:28020", "host:28020", "host:28020"},
		{"::1", "[::1]:28020", "[::1]:28020"},
		{"host:", "port between", "port between"},
		{"host:http", "port between", "port between"},
		{"host:70000", "port between", "port between"},
	}
	for _, tt := range tests {
		t.Run(tt.addr, func(t *testing.T) {
			wantError(t, address.CheckListen(tt.addr), tt.in)
			if tt.out == "" {
				return
			}
			_, err := openOutput(pluginArg{"output-tcp", tt.addr}, defaultSettings(), testEnv(t, io.Discard))
			wantError(t, err, tt.out)
		})
	}
}

func wantError(t *testing.T, err error, part string) {
	t.Helper()
	switch {
	case part == "" && err != nil:
		t.Errorf("refused: %v", err)
	case part != "" && err == nil:
		t.Errorf("accepted, want an error with %q", part)
	case part != "" && !strings.Contains(err.Error(), part):
		t.Errorf("error %q, want one with %q", err, part)
	}
}

func TestListenErrorsNameTheRemedy(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	testkit.Must(t, err)
	defer busy.Close()
	_, err = openInput(pluginArg{"input-tcp", busy.Addr().String()}, defaultSettings(), testEnv(t, io.Discard))
	wantError(t, err, "in use; see by whom")
	_, err = openInput(pluginArg{"input-tcp", "192.0.2.1:28020"}, defaultSettings(), testEnv(t, io.Discard))
	wantError(t, err, "no such address")
}

func TestOpenInputWarns(t *testing.T) {
	ca := testkit.NewAuthority(t, "test authority")
	plain, secure, closed := tcpInputSettings{}, tcpInputSettings{Secure: true}, tcpInputSettings{Secure: true, ClientCA: ca.File}
	secure.Certificate, secure.Key = ca.Issue("receiver", time.Now().Add(time.Hour))
	closed.Certificate, closed.Key = secure.Certificate, secure.Key
	const unencrypted, encrypted = "the traffic is not encrypted", "the traffic is encrypted, but everyone who can reach"
	for _, test := range []struct {
		addr string
		tcp  tcpInputSettings
		says string
	}{
		{":0", plain, unencrypted}, {"0.0.0.0:0", plain, unencrypted}, {"127.0.0.1:0", plain, ""},
		{":0", secure, encrypted}, {"127.0.0.1:0", secure, ""},
		{":0", closed, ""}, {"127.0.0.1:0", closed, ""},
	} {
		env := testEnv(t, io.Discard)
		var said []string
		env.Logf = func(format string, _ ...any) { said = append(said, format) }
		s := defaultSettings()
		s.tcpInput = test.tcp
		in, err := openInput(pluginArg{"input-tcp", test.addr}, s, env)
		testkit.Must(t, err)
		in.Close()
		if test.says == "" && len(said) > 0 || test.says != "" && (len(said) != 1 || !strings.Contains(said[0], test.says) || !strings.Contains(said[0], "everyone who can reach")) {
			t.Errorf("%s %+v: said %q, want %q", test.addr, test.tcp, said, test.says)
		}
	}
}

func TestTCPStatsLine(t *testing.T) {
	s := defaultSettings()
	s.tcpOutput.Stats = true
	var stderr testkit.LockedBuffer
	done := make(chan struct{})
	var background sync.WaitGroup
	env := testEnv(t, io.Discard)
	env.Stderr, env.Done, env.Background = &stderr, done, &background
	out, err := openOutput(pluginArg{"output-tcp", "127.0.0.1:1"}, s, env)
	testkit.Must(t, err)
	defer out.Close()
	late := time.After(time.Minute)
	for !bytes.Contains(stderr.Bytes(), []byte(" output_tcp:0,0,0,0,0\n")) {
		select {
		case <-late:
			t.Fatalf("printed %q", stderr.Bytes())
		case <-time.After(time.Millisecond):
		}
	}
	close(done)
	background.Wait()
	if !bytes.Contains(stderr.Bytes(), []byte(" output_tcp:latest,mean,max,count,count/second\n")) {
		t.Errorf("printed %q", stderr.Bytes())
	}
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
	ca := testkit.NewAuthority(t, "test authority")
	end := time.Now().Add(time.Hour)
	cert, key := ca.Issue("one", end)
	_, otherKey := ca.Issue("two", end)
	rubbish := testkit.WriteFile(t, filepath.Join(ca.Dir, "rubbish"), []byte("\x30\x82\x01\x02"))
	broken := ca.Write("broken.pem", "CERTIFICATE", []byte("no certificate"))
	encrypted := ca.Write("encrypted.key", "ENCRYPTED PRIVATE KEY", []byte("x"))
	missing := filepath.Join(ca.Dir, "missing")
	for _, test := range []struct{ name, cert, key, ca, want string }{
		{"good", cert, key, ca.File, ""},
		{"missing certificate", missing, key, ca.File, "CERT " + missing + ": no such file"},
		{"missing key", cert, missing, ca.File, "KEY " + missing + ": no such file"},
		{"missing authority", cert, key, missing, "CA " + missing + ": no such file"},
		{"certificate in DER form", rubbish, key, ca.File, "convert it: openssl x509 -inform der -in " + rubbish},
		{"key in DER form", cert, rubbish, ca.File, "convert it: openssl pkey -inform der -in " + rubbish},
		{"authority in DER form", cert, key, rubbish, "CA " + rubbish + ": it is no certificate in PEM form"},
		{"the two exchanged", key, cert, ca.File, "CERT " + key + ": it holds no certificate, but a PRIVATE KEY"},
		{"another's key", cert, otherKey, ca.File, "it is not the key of the certificate in " + cert},
		{"a key with a passphrase", cert, encrypted, ca.File, "openssl pkey -in " + encrypted},
		{"broken certificate", broken, key, ca.File, "CERT " + broken},
		{"broken authority", cert, key, broken, "CA " + broken},
		{"a directory", ca.Dir, key, ca.File, "is a directory"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := defaultSettings()
			s.tcpInput.Secure, s.tcpInput.Certificate, s.tcpInput.Key, s.tcpInput.ClientCA = true, test.cert, test.key, test.ca
			in, err := openInput(pluginArg{"input-tcp", "127.0.0.1:0"}, s, testEnv(t, io.Discard))
			names := strings.NewReplacer("CERT ", "--input-tcp-certificate ", "KEY ", "--input-tcp-certificate-key ", "CA ", "--input-tcp-client-ca ")
			wantError(t, err, names.Replace(test.want))
			if err == nil {
				in.Close()
			}
			s = defaultSettings()
			s.tcpOutput.Secure, s.tcpOutput.TLS.Certificate, s.tcpOutput.TLS.Key, s.tcpOutput.TLS.CA = true, test.cert, test.key, test.ca
			out, err := openOutput(pluginArg{"output-tcp", "127.0.0.1:1"}, s, testEnv(t, io.Discard))
			names = strings.NewReplacer("CERT ", "--output-tcp-client-cert ", "KEY ", "--output-tcp-client-key ", "CA ", "--output-tcp-ca ")
			wantError(t, err, names.Replace(test.want))
			if err == nil {
				out.Close()
			}
		})
	}
}

// TestTCPLinkRefusesOldTLS: nothing below TLS 1.2 is spoken.
func TestTCPLinkRefusesOldTLS(t *testing.T) {
	ca := testkit.NewAuthority(t, "test authority")
	s, err := parseArgs(append([]string{"--input-tcp", "127.0.0.1:0", "--output-null"}, ca.Receiver(nil)...)...)
	testkit.Must(t, err)
	in, err := openInput(pluginArg{"input-tcp", "127.0.0.1:0"}, s, testEnv(t, io.Discard))
	testkit.Must(t, err)
	defer in.Close()
	for version, ok := range map[uint16]bool{tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		conn, err := tls.Dial("tcp", linkAddr(t, in), &tls.Config{RootCAs: ca.Pool(), MinVersion: tls.VersionTLS10, MaxVersion: version})
		if (err == nil) != ok {
			t.Errorf("version %x: %v", version, err)
		}
		if err == nil {
			conn.Close()
		}
	}
}
