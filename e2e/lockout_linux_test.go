package e2e

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/buger/gor/internal/testkit"
)

// idleConns opens connections from one address of loopback, which say nothing,
// for the length of the test. Some may be closed by the other end.
func idleConns(t *testing.T, addr string, n int) {
	t.Helper()
	for range n {
		conn, err := net.DialTimeout("tcp", addr, testkit.Timeout)
		testkit.Must(t, err)
		t.Cleanup(func() { conn.Close() })
	}
}

// clientFrom makes requests from another address of loopback.
func clientFrom(t *testing.T, ip string) *http.Client {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(ip)}}
	transport := &http.Transport{DialContext: d.DialContext, DisableKeepAlives: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: testkit.Timeout}
}

// TestIdleConnectionsLockNobodyOut: as many idle connections from one address
// as a listener takes, and more, do not keep another address from it.
func TestIdleConnectionsLockNobodyOut(t *testing.T) {
	const n = 1100 // listeners take 1024, and the page fewer
	for _, test := range []struct {
		name string
		conn int
		args []string
		use  func(t *testing.T, gor *testkit.Process, addr string)
	}{
		{"metrics", 100, []string{"--input-dummy", "", "--output-null", "--http-pprof", "ADDR"}, func(t *testing.T, gor *testkit.Process, addr string) {
			reach(t, "http://"+addr+"/metrics")
		}},
		{"input-http", n, []string{"--input-http", "ADDR", "--output-stdout"}, func(t *testing.T, gor *testkit.Process, addr string) {
			reach(t, "http://"+addr+"/x")
		}},
		{"input-tcp", n, []string{"--input-tcp", "ADDR", "--output-null"}, func(t *testing.T, gor *testkit.Process, addr string) {
			d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP("127.0.0.2")}}
			conn, err := d.Dial("tcp", addr)
			testkit.Must(t, err)
			defer conn.Close()
			_, err = fmt.Fprintf(conn, "gor %032x-2\nlink\n\U0001f435\U0001f648\U0001f649\n", 1)
			testkit.Must(t, err)
			conn.SetReadDeadline(time.Now().Add(testkit.Timeout))
			answer := make([]byte, 1)
			if _, err := io.ReadFull(conn, answer); err != nil || answer[0] != 'A' {
				t.Errorf("the answer to a hello is %q, %v", answer, err)
			}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			addr := testkit.FreePort(t)
			args := strings.Split(strings.ReplaceAll(strings.Join(test.args, "\x00"), "ADDR", addr), "\x00")
			gor := testkit.StartGor(t, args...)
			testkit.Eventually(t, addr+" takes connections", func() bool {
				conn, err := net.Dial("tcp", addr)
				if err == nil {
					conn.Close()
				}
				return err == nil
			})
			idleConns(t, addr, test.conn)
			test.use(t, gor, addr)
			gor.Stop()
		})
	}
}

func reach(t *testing.T, url string) {
	t.Helper()
	resp, err := clientFrom(t, "127.0.0.2").Get(url)
	if err != nil {
		t.Errorf("another address is kept out: %v", err)
		return
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode/100 != 2 {
		t.Errorf("%s: %s, %v", url, resp.Status, err)
	}
}
