package filter

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/buger/gor/raw_socket_listener/packettest"
)

// testNames is a host with three interfaces that knows two other hosts.
func testNames() names {
	return names{
		interfaces: func() ([]string, error) { return []string{"lo", "eth0", "eth1"}, nil },
		lookup: func(host string) ([]netip.Addr, error) {
			switch host {
			case "localhost":
				return []netip.Addr{packettest.MustAddr("::1"), packettest.MustAddr("127.0.0.1"), packettest.MustAddr("::ffff:127.0.0.1")}, nil
			case "both":
				return []netip.Addr{packettest.MustAddr("10.0.0.5"), packettest.MustAddr("2001:db8::5")}, nil
			}
			return nil, errors.New("no such host")
		},
		isFile: func(p string) bool { return p == "dump" },
	}
}

func TestParseAddress(t *testing.T) {
	for _, tt := range []struct {
		in      string
		path    string
		ifs     string
		pattern string
		hosts   string
		ports   []uint16
	}{
		{in: ":80", ports: []uint16{80}},
		{in: "80", ports: []uint16{80}},
		{in: ":8080,80,80", ports: []uint16{80, 8080}},
		{in: "*:"},
		{in: "*:80", ports: []uint16{80}},
		{in: "0.0.0.0:80", ports: []uint16{80}},
		{in: "[::]:80", ports: []uint16{80}},
		{in: "10.0.0.5:80", hosts: "10.0.0.5", ports: []uint16{80}},
		{in: "[::1]:80", hosts: "::1", ports: []uint16{80}},
		{in: "[fe80::1%eth0]:80", hosts: "fe80::1", ports: []uint16{80}},
		{in: "[::ffff:10.0.0.5]:80", hosts: "10.0.0.5", ports: []uint16{80}},
		{in: "10.0.0.5:", hosts: "10.0.0.5"},
		{in: "localhost:80", hosts: "127.0.0.1 ::1", ports: []uint16{80}},
		{in: "eth0:80", ifs: "eth0", ports: []uint16{80}},
		{in: "eth0:", ifs: "eth0"},
		{in: "eth0:*", ifs: "eth0"},
		{in: "eth*:80", ifs: "eth0 eth1", pattern: "eth*", ports: []uint16{80}},
		{in: "wlan*:80", pattern: "wlan*", ports: []uint16{80}},
		{in: "x.pcap*:80", path: "x.pcap*", ports: []uint16{80}},
		{in: "x.pcap", path: "x.pcap"},
		{in: "x.pcap:80", path: "x.pcap", ports: []uint16{80}},
		{in: "x.pcap:", path: "x.pcap"},
		{in: "x.PCAP.gz:80,81", path: "x.PCAP.gz", ports: []uint16{80, 81}},
		{in: "a/10:30:00.pcapng", path: "a/10:30:00.pcapng"},
		{in: "a/b:80", path: "a/b", ports: []uint16{80}},
		{in: "dump", path: "dump"},
		{in: "dump:80", path: "dump", ports: []uint16{80}},
		{in: "-", path: "-"},
		{in: "-:80", path: "-", ports: []uint16{80}},
	} {
		t.Run(tt.in, func(t *testing.T) {
			a, err := testNames().parse(tt.in)
			if err != nil {
				t.Fatal(err)
			}
			var hosts []string
			for _, h := range a.Hosts {
				hosts = append(hosts, h.String())
			}
			if a.Path != tt.path || strings.Join(a.Interfaces, " ") != tt.ifs || a.Pattern != tt.pattern ||
				strings.Join(hosts, " ") != tt.hosts || !slices.Equal(a.Ports, tt.ports) {
				t.Errorf("got %#v", a)
			}
			if a.String() != tt.in || a.Live() != (tt.path == "") {
				t.Errorf("String %q, Live %t", a, a.Live())
			}
		})
	}
}

func TestParseAddressErrors(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"", "type :80"},
		{":", "type :80"},
		{":99999", `"99999" is not a port`},
		{":0", `"0" is not a port`},
		{":80,", `"" is not a port`},
		{":http", `"http" is not a port`},
		{":-80", `"-80" is not a port`},
		{"eth9:80", "the interfaces are lo, eth0, eth1"},

		{"eth0", `type "eth0:80"`},
		{"10.0.0.5", `type "10.0.0.5:80"`},
		{"::1", `type "[::1]:80"`},
		{"[::1]", `type "[::1]:80"`},
		{"2001:db8:0:0:0:0:0:1:80", `type "[2001:db8:0:0:0:0:0:1]:80"`},
		{"[10.0.0]:80", "is not an IP address"},
		{"http://host:80/", `type "host:80"`},
	} {
		t.Run(tt.in, func(t *testing.T) {
			_, err := testNames().parse(tt.in)
			if err == nil {
				t.Fatal("no error")
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v does not say %q", err, tt.want)
			}
		})
	}
}

func TestMatch(t *testing.T) {
	client, server := netip.MustParseAddrPort("192.0.2.1:5000"), netip.MustParseAddrPort("10.0.0.5:80")
	for _, tt := range []struct {
		addr                       string
		to, from, wants, wantsBack bool
	}{
		{":80", true, false, true, false},
		{":5000", false, true, false, true},
		{":80,5000", true, true, true, true},
		{"10.0.0.5:80", true, false, true, false},
		{"10.0.0.6:80", false, false, false, false},
		{"10.0.0.5:", false, false, true, true},
		{"10.0.0.6:", false, false, false, false},
		{"eth0:", false, false, true, true},
	} {
		t.Run(tt.addr, func(t *testing.T) {
			a := mustParse(t, tt.addr)
			if to, from := a.Match(client, server); to != tt.to || from != tt.from {
				t.Errorf("Match = %t, %t; want %t, %t", to, from, tt.to, tt.from)
			}
			if got := a.Wants(client, server, false); got != tt.wants {
				t.Errorf("Wants = %t", got)
			}
			if got := a.Wants(server, client, false); got != tt.wantsBack {
				t.Errorf("Wants, back = %t", got)
			}
			if got := a.Wants(server, client, true); got != (tt.wants || tt.wantsBack) {
				t.Errorf("Wants, with responses = %t", got)
			}
		})
	}
}

// FuzzParseAddress checks that an address is either refused with a word on
// what was wrong, or means the same when it is written from its parts.
func FuzzParseAddress(f *testing.F) {
	for _, s := range []string{":80", "eth*:80", "[::1]:80", "x.pcap.gz:80", "-", "10.0.0.5:", "[:80", "2001:db8::1:80"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := testNames().parse(s)
		if err != nil {
			if a.String() != "" || !strings.HasPrefix(err.Error(), "read the capture address ") {
				t.Errorf("%q: %v", s, err)
			}
			return
		}
		if a.String() != s {
			t.Errorf("%q became %q", s, a)
		}
		if !slices.IsSorted(a.Ports) || len(a.Ports) > maxPorts || slices.Contains(a.Ports, 0) {
			t.Errorf("%q has ports %v", s, a.Ports)
		}
		if a.Path != "" && (len(a.Hosts) > 0 || len(a.Interfaces) > 0) {
			t.Errorf("%q is a file and live: %#v", s, a)
		}
		if _, err := KernelProgram(Wanted{Address: a, TrackResponse: true, Tunnels: true}); err != nil {
			t.Errorf("%q has no filter: %v", s, err)
		}
	})
}
