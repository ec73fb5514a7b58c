package rawsocket

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/buger/gor/raw_socket_listener/filter"
	"github.com/buger/gor/raw_socket_listener/packet"
	"github.com/buger/gor/raw_socket_listener/packettest"
)

// Copies of packets that arrive in a tunnel give the requests of the networks
// that are wanted, over IPv4 and IPv6, with the time of their arrival.
func TestVXLAN(t *testing.T) {
	for _, tt := range []struct {
		name   string
		vnis   []int
		filter string
		want   string
	}{
		{"all networks", nil, "", "/1 /2 /3"},
		{"one network", []int{2}, "", "/2"},
		{"two networks", []int{1, 3}, "", "/1 /3"},
		{"all but one", []int{-2}, "", "/1 /3"},
		{"a filter", nil, "src host 10.1.0.1 or src host 10.1.0.3", "/1 /3"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			port := packettest.FreeUDPPort(t)
			var wanted *filter.Filter
			if tt.filter != "" {
				var err error
				if wanted, err = filter.ParseFilter(tt.filter); err != nil {
					t.Fatal(err)
				}
			}
			l, err := Listen(Config{Address: filter.Address{Ports: []uint16{80}, Text: ":80"}, VXLANPort: port, VNIs: tt.vnis, Filter: wanted, Logf: t.Logf})
			if err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			hosts := []string{"127.0.0.1", "127.0.0.1", "::1"}
			for i, host := range hosts {
				conn, err := net.Dial("udp", net.JoinHostPort(host, fmt.Sprint(port)))
				if err != nil {
					t.Fatal(err)
				}
				get := fmt.Sprintf("GET /%d HTTP/1.1\r\nHost: h\r\n\r\n", i+1)
				client := fmt.Sprintf("10.1.0.%d:4000", i+1)
				for _, p := range [][]byte{
					packettest.TCP4(client, "10.1.0.9:80", packettest.Seg{Seq: 99, Flags: packet.FlagSYN}),
					packettest.TCP4(client, "10.1.0.9:80", packettest.Seg{Seq: 100, Ack: 1, Flags: packet.FlagACK, Payload: []byte(get)}),
					packettest.TCP4(client, "10.1.0.9:81", packettest.Seg{Seq: 100, Ack: 1, Flags: packet.FlagACK, Payload: []byte(get)}),
				} {
					if _, err := conn.Write(packettest.VXLANDatagram(uint32(i+1), packettest.Ethernet(0x0800, p))); err != nil {
						t.Fatal(err)
					}
				}
				if _, err := conn.Write([]byte("short")); err != nil {
					t.Fatal(err)
				}
				_ = conn.Close()
			}
			// What was sent before Close is given.
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			var got []string
			for {
				m, err := l.Next()
				if err != nil {
					break
				}
				got = append(got, strings.Fields(string(m.Data))[1])
				if m.Time < began.UnixNano() || m.Time > time.Now().UnixNano() {
					t.Errorf("time %d, want between the sending and now", m.Time)
				}
				if m.Dst != netip.MustParseAddrPort("10.1.0.9:80") {
					t.Errorf("to %s", m.Dst)
				}
			}
			if s := strings.Join(got, " "); s != tt.want {
				t.Errorf("requests %q, want %q; %+v", s, tt.want, l.Stats())
			}
			s := l.Stats().Source
			if s.Received != 12 || s.Ignored[packet.IgnoredShort] != 3 || s.Ignored[packet.IgnoredOther]+s.Ignored[packet.IgnoredVNI] == 0 {
				t.Errorf("packets: %+v", s)
			}
		})
	}
}
