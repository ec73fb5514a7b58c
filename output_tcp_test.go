package main

import (
	"bytes"
	"io"
	"net"
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
	late := time.After(10 * time.Second)
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
