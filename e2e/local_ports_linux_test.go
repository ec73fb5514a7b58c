package e2e

import (
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/buger/gor/internal/testkit"
)

// TestFewLocalPorts: on a host with 200 local ports, a target that closes each
// connection after its answer gets all of 600 requests, since the ports are those
// that connect(2) may use again, and another program finds ports beside Gor.
func TestFewLocalPorts(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("it makes a network namespace and needs root: sudo go test -run TestFewLocalPorts ./e2e")
	}
	host := testkit.NewWire(t).Near
	testkit.Must(t, host.Do(func() error {
		if err := os.WriteFile("/proc/sys/net/ipv4/ip_local_port_range", []byte("20000 20199"), 0); err != nil {
			return err
		}
		return os.WriteFile("/proc/sys/net/ipv4/tcp_tw_reuse", []byte("1"), 0)
	}))
	const target = "127.0.0.1:8080"
	l, err := host.Listen(target)
	testkit.Must(t, err)
	served := make(chan struct{})
	go func() {
		defer close(served)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				if _, err := testkit.ReadRequest(c); err == nil {
					io.WriteString(c, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")
				}
			}()
		}
	}()
	t.Cleanup(func() { l.Close(); <-served })

	const n = 600
	requests, times := make([][]byte, n), make([]time.Duration, n)
	for i := range n {
		requests[i] = fmt.Appendf(nil, "GET /%d HTTP/1.1\r\nHost: prod\r\n\r\n", i)
		times[i] = time.Duration(i) * 5 * time.Millisecond
	}
	gor := testkit.Spawn(t, "gor", host.Prefix(), nil, "--input-file", testkit.InFile(t, "in.gor", testkit.Recording(requests, times)), "--output-http", target)
	gor.Await("gor: to ")
	for beside := 0; ; beside++ {
		c, err := host.Dial(target)
		if err != nil {
			t.Errorf("another program's connection %d: %v", beside, err)
			break
		}
		_, err = io.WriteString(c, "GET /beside HTTP/1.1\r\nHost: prod\r\n\r\n")
		testkit.Must(t, err)
		if _, err := io.Copy(io.Discard, c); err != nil {
			t.Errorf("another program's answer %d: %v", beside, err)
		}
		testkit.Must(t, c.(*net.TCPConn).Close())
		select {
		case <-gor.Ended:
			if beside < 2 {
				t.Errorf("only %d connections were made beside the replay", beside)
			}
			if said := gor.Stderr(); gor.Err != nil || !strings.Contains(said, fmt.Sprintf("%d delivered", n)) {
				t.Errorf("%v: not all of %d requests were delivered:\n%s", gor.Err, n, said)
			}
			return
		case <-time.After(200 * time.Millisecond): // other programs connect now and then
		}
	}
}
