package http1client

import (
	"crypto/tls"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/buger/gor/internal/certs/certstest"
	"github.com/buger/gor/internal/testkit"
)

// A sites is a server with several sites: each has a certificate of its own, and
// answers only what came over a connection that asked for it.
type sites struct {
	*testkit.RawTarget
	a *certstest.Authority

	mu       sync.Mutex
	asked    map[string]int // handshakes by server name
	requests []string       // name that was asked for, and Host
}

func startSites(t *testing.T, names ...string) *sites {
	s := &sites{a: certstest.New(t, "sites"), asked: map[string]int{}}
	pairs := map[string]*tls.Certificate{}
	for i, name := range names {
		pair, err := tls.LoadX509KeyPair(s.a.IssueFor(fmt.Sprint("site", i), time.Now().Add(time.Hour), name))
		testkit.Must(t, err)
		pairs[name] = &pair
	}
	config := &tls.Config{GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.asked[hello.ServerName]++
		if pair := pairs[hello.ServerName]; pair != nil {
			return pair, nil
		}
		return pairs[names[0]], nil
	}}
	s.RawTarget = testkit.StartTarget(t, func(c net.Conn, _ int) {
		secure := tls.Server(c, config)
		for {
			raw, err := testkit.ReadRequest(secure)
			if err != nil {
				return
			}
			_, after, _ := strings.Cut(string(raw), "Host: ")
			host, _, _ := strings.Cut(after, "\r\n")
			s.mu.Lock()
			s.requests = append(s.requests, secure.ConnectionState().ServerName+" "+host)
			s.mu.Unlock()
			if _, err := secure.Write([]byte(testkit.OK200)); err != nil {
				return
			}
		}
	})
	return s
}

// byHost makes a rig whose connections ask for the hosts of its requests; most is
// how many there may be, and 0 has none left to others.
func (s *sites) byHost(t *testing.T, url string, most int) *rig {
	return newRig(t, nil, url, func(c *Config) {
		config := c.Target.TLS(false)
		config.RootCAs = s.a.Pool()
		c.TLS = func() *tls.Config { return config }
		c.KeepHost, c.Dial, c.CertificateHint = true, testkit.DialTo(s.Address()), "a hint"
		c.ByHost = &ByHost{IdleFor: time.Hour}
		if most > 0 {
			c.ByHost.Most = func() int { return most }
		}
	})
}

func get(host string) string { return "GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n" }

// TestNamesOfHosts: each connection carries the requests of the host that it
// asked for, and is used again for them; there are never more than may be.
func TestNamesOfHosts(t *testing.T) {
	for _, test := range []struct{ most, connections, ended int }{
		{most: 8, connections: 3},
		{most: 2, connections: 9, ended: 7},
		{most: 1, connections: 9, ended: 8},
		{most: 0, connections: 9}, // each is its owner's own
	} {
		t.Run(fmt.Sprint(test.most), func(t *testing.T) {
			s := startSites(t, "a.example", "b.example", "c.example")
			r := s.byHost(t, "https://a.example", test.most)
			for range 3 {
				for _, host := range []string{"a.example", "B.example", "b.EXAMPLE.:443", "c.example:8443", "c.example"} {
					r.send(get(host))
				}
				if standing, most := r.client.Standing(), max(test.most, 1); standing > most {
					t.Errorf("%d connections stand, there may be %d", standing, most)
				}
			}
			r.want("15 delivered")
			if n := int(r.client.Counts().Connections.Load()); n != test.connections {
				t.Errorf("%d connections, want %d", n, test.connections)
			}
			if n := int(r.client.Counts().MadeRoom.Load()); n != test.ended {
				t.Errorf("%d ended for others, want %d", n, test.ended)
			}
			s.mu.Lock()
			for _, request := range s.requests {
				name, host, _ := strings.Cut(request, " ")
				if host, _, _ = strings.Cut(strings.ToLower(host), ":"); strings.TrimSuffix(host, ".") != name {
					t.Errorf("a connection for %s carried a request for %s", name, host)
				}
			}
			s.mu.Unlock()
			r.Close()
			r.client.Close()
			if n := r.client.Standing(); n != 0 {
				t.Errorf("%d connections stand at the end", n)
			}
		})
	}
}

// TestNamesNobodyHas: a certificate for the target's own name will do for any
// host, and one for neither fails that host's requests alone, with one handshake
// for many.
func TestNamesNobodyHas(t *testing.T) {
	s := startSites(t, "a.example", "b.example")
	r := s.byHost(t, "https://a.example", 8)
	r.each(get("unknown.example"), get("b.example"), get("a.example"))
	r.want("3 delivered")

	other := s.byHost(t, "https://10.9.8.7", 8)
	told := 0
	other.client.shared.cfg.Tell = func(err error) {
		told++
		if !strings.Contains(err.Error(), "not unknown.example") || !strings.Contains(err.Error(), "a hint") {
			t.Errorf("told: %v", err)
		}
	}
	for range 20 {
		other.each(get("unknown.example"), get("b.example"))
	}
	other.want("20 delivered, 20 TLS")
	s.mu.Lock()
	defer s.mu.Unlock()
	if told != 1 || s.asked["unknown.example"] > 3 || s.asked["b.example"] > 2 {
		t.Errorf("told %d times; asked for %v", told, s.asked)
	}
}

// TestNamesThatFloodIn: of the names that the target has no certificate for a
// few are remembered, and other hosts' requests go on.
func TestNamesThatFloodIn(t *testing.T) {
	s := startSites(t, "b.example")
	r := s.byHost(t, "https://10.9.8.7", 8)
	told := 0
	r.client.shared.cfg.Tell = func(error) { told++ }
	for i := range 3 * rememberedRefusals {
		r.each(get(fmt.Sprintf("x%d.example", i)), get("b.example"))
	}
	r.want(fmt.Sprintf("%d delivered, %[1]d TLS", 3*rememberedRefusals))
	if n := len(r.client.shared.hosts.refused); n > rememberedRefusals || told > rememberedRefusals {
		t.Errorf("%d names are remembered, told %d times", n, told)
	}
}

// TestPasswordsAreForTheTarget: what the target's address has for it is not sent
// to whom a recorded Host names.
func TestPasswordsAreForTheTarget(t *testing.T) {
	s := startSites(t, "evil.example", "b.example")
	r := s.byHost(t, "https://user:secret@b.example", 8)
	r.each(get("evil.example"), get("b.example"))
	r.want("1 delivered, 1 TLS")
}

// TestOpenedByHost: a connection that is opened before its request asks for the
// host of the last one, and is good for it; before the first there is none.
func TestOpenedByHost(t *testing.T) {
	s := startSites(t, "a.example", "b.example")
	r := s.byHost(t, "https://10.9.8.7", 8)
	deadline := time.Now().Add(testkit.Timeout)
	if err := r.Open(t.Context(), deadline); err != nil || r.Connected() {
		t.Errorf("before the first request: %v, connected %v", err, r.Connected())
	}
	if err := r.client.Await(t.Context(), testkit.Timeout, func(err error) { t.Error(err) }); err != nil {
		t.Error(err)
	}
	r.each(get("b.example"))
	second := newWaiting(r.client, func(Result) {})
	defer second.Close()
	if err := second.Open(t.Context(), deadline); err != nil || !second.Connected() {
		t.Errorf("%v, connected %v", err, second.Connected())
	}
	if second.Idle(); !second.Connected() {
		t.Error("a connection that carried nothing yet was taken for one that ended")
	}
	second.send(get("b.example"))
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := s.Conns.Load(); n != 3 || len(s.requests) != 2 { // one to wait for it
		t.Errorf("%d connections, requests %q", n, s.requests)
	}
}

func TestServerNames(t *testing.T) {
	target, err := ParseTarget("https://staging.example")
	testkit.Must(t, err)
	for _, test := range []struct{ raw, name string }{
		{get("www.example.com"), "www.example.com"},
		{get("WWW.example.com.:8443"), "www.example.com"},
		{get("my_host.example"), "my_host.example"},
		{get("staging.example"), ""},
		{get("10.0.0.7:80"), ""},
		{get("[::1]:80"), ""},
		{get("[::1]"), ""},
		{get("a b"), ""},
		{get("a\x01b"), ""},
		{get(""), ""},
		{get(":80"), ""},
		{get("."), ""},
		{get(strings.Repeat("a", 300)), ""},
		{"GET / HTTP/1.0\r\n\r\n", ""},
		{"GET http://other.example:81/x HTTP/1.1\r\nHost: www.example.com\r\n\r\n", "other.example"},
		{"GET http://user:pw@other.example/x HTTP/1.1\r\nHost: www.example.com\r\n\r\n", "other.example"},
	} {
		r := sentRequest{target: target, keepHost: true}
		testkit.Must(t, r.Parse([]byte(test.raw)))
		for _, last := range []string{"", "www.example.com", "x"} {
			if got := r.serverName(last); got != test.name {
				t.Errorf("%.60q after %q: %q, want %q", test.raw, last, got, test.name)
			}
		}
	}
}
