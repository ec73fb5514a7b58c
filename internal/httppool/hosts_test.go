package httppool

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/buger/gor/internal/certs/certstest"
	"github.com/buger/gor/internal/queue"
	"github.com/buger/gor/internal/testkit"
)

// A counted connection takes itself off the count of those that are open.
type counted struct {
	net.Conn
	open *atomic.Int64
	once sync.Once
}

func (c *counted) Close() error {
	c.once.Do(func() { c.open.Add(-1) })
	return c.Conn.Close()
}

// TestHostsShareThePool: requests of many hosts at once, each over connections
// that asked for its host, and no more connections than workers may be.
func TestHostsShareThePool(t *testing.T) {
	hosts := []string{"a.example", "b.example", "c.example"}
	a := certstest.New(t, "hosts")
	pair, err := tls.LoadX509KeyPair(a.IssueFor("hosts", time.Now().Add(time.Hour), hosts...))
	testkit.Must(t, err)
	for _, test := range []struct {
		name     string
		change   func(c *Config)
		most     int64
		requests int
	}{
		{"one", fixed(1), 1, 60},
		{"four", fixed(4), 4, 120},
		{"dynamic", func(c *Config) { dynamic(c); c.Queue = queue.New(0, 32<<20) }, DefaultMost, 60},
		{"sessions", sessions, DefaultMost, 60},
	} {
		t.Run(test.name, func(t *testing.T) {
			var open, most, wrong, answered atomic.Int64
			target := testkit.StartTarget(t, func(c net.Conn, _ int) {
				secure := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{pair}})
				for {
					raw, err := testkit.ReadRequest(secure)
					if err != nil {
						return
					}
					if !strings.Contains(string(raw), "Host: "+secure.ConnectionState().ServerName+"\r\n") {
						wrong.Add(1)
					}
					answered.Add(1)
					if _, err := secure.Write([]byte(testkit.OK200)); err != nil {
						return
					}
				}
			})
			rig := newRig(t, "https://10.9.8.7", func(c *Config) {
				test.change(c)
				c.Client.Timeout = testkit.Timeout
				config := c.Client.Target.TLS(false)
				config.RootCAs = a.Pool()
				c.Client.TLS = func() *tls.Config { return config }
				c.Client.KeepHost, c.Client.Dial, c.NameByHost = true, func(ctx context.Context, network, _ string) (net.Conn, error) {
					conn, err := new(net.Dialer).DialContext(ctx, network, target.Address())
					if err != nil {
						return nil, err
					}
					for n := open.Add(1); ; {
						if m := most.Load(); n <= m || most.CompareAndSwap(m, n) {
							return &counted{Conn: conn, open: &open}, nil
						}
					}
				}, true
				c.Client.Tell = func(err error) { t.Error(err) }
			})
			for i := range test.requests {
				rig.put(fmt.Sprintf("GET /%d HTTP/1.1\r\nHost: %s\r\n\r\n", i, hosts[i%len(hosts)]))
			}
			rig.settle()
			rig.want(fmt.Sprintf("%d delivered", test.requests))
			if wrong.Load() != 0 || answered.Load() != int64(test.requests) || most.Load() > test.most {
				t.Errorf("%d came over a connection of another host, %d in all, over up to %d connections", wrong.Load(), answered.Load(), most.Load())
			}
			testkit.Must(t, rig.Close())
			if n := rig.client.Standing(); n != 0 {
				t.Errorf("%d connections stand when it is closed", n)
			}
		})
	}
}
