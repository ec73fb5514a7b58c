package rawsocket

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/buger/gor/raw_socket_listener/filter"
	"github.com/buger/gor/raw_socket_listener/packet"
	"github.com/buger/gor/raw_socket_listener/packettest"
	"golang.org/x/sys/unix"
)

func vxlanDatagram(vni uint32, frame []byte) []byte {
	b := []byte{packet.VXLANHasVNI, 0, 0, 0, 0, 0, 0, 0}
	binary.BigEndian.PutUint32(b[4:], vni<<8)
	return append(b, frame...)
}

// freeUDPPort returns a port that was free.
func freeUDPPort(t *testing.T) int {
	t.Helper()
	c, err := net.ListenUDP("udp", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	return c.LocalAddr().(*net.UDPAddr).Port
}

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
			port := freeUDPPort(t)
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
					if _, err := conn.Write(vxlanDatagram(uint32(i+1), packettest.Ethernet(0x0800, p))); err != nil {
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

// What does not fit the socket's buffer is counted.
func TestVXLANCountsDrops(t *testing.T) {
	port := freeUDPPort(t)
	s, err := openSource(sourceConfig{Address: filter.Address{Ports: []uint16{80}, Text: ":80"}, VXLANPort: port, RingBytes: 1 << 12})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("udp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	const sent = 200
	for range sent {
		if _, err := conn.Write(make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
	}
	r := packettest.NewRecorder()
	ended := make(chan error)
	go func() { ended <- s.run(r) }()
	r.Wait(t, func() bool { return s.stats().Received > 0 && r.Ticks > 1 })
	// The kernel tells of drops with the next datagram.
	before := s.stats().Received
	if _, err := conn.Write(make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	r.Wait(t, func() bool { return s.stats().Received > before })
	if err := s.close(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if st := s.stats(); st.Dropped == 0 || st.Received+st.Dropped != sent+1 {
		t.Errorf("%d received and %d dropped of %d", st.Received, st.Dropped, sent+1)
	}
}

func TestVXLANPortInUse(t *testing.T) {
	c, err := net.ListenUDP("udp", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	port := c.LocalAddr().(*net.UDPAddr).Port
	_, err = openSource(sourceConfig{Address: filter.Address{Ports: []uint16{80}, Text: ":80"}, VXLANPort: port})
	if err == nil || !strings.Contains(err.Error(), "--input-raw-vxlan-port") || errors.Is(err, unix.EPERM) {
		t.Errorf("error %v, want the remedy", err)
	}
}

// A frame that is shorter than its IP header says is refused, as it is on an
// interface: no host takes it. Bits of the tunnel that are to be ignored are.
func TestVXLANFrames(t *testing.T) {
	ip := packettest.TCP4("10.0.0.1:1", "10.0.0.2:80", packettest.Seg{Seq: 1, Flags: packet.FlagACK, Payload: bytes.Repeat([]byte("GET / HTTP/1.1\r\n"), 4)})
	whole, policy := vxlanDatagram(7, packettest.Ethernet(0x0800, ip)), vxlanDatagram(7, packettest.Ethernet(0x0800, ip))
	policy[0] |= 0x80
	copy(policy[1:4], "\x48\x00\x05")
	policy[7] = 0xff
	for name, tt := range map[string]struct {
		datagram []byte
		want     packet.IgnoreReason
	}{
		"whole": {whole, packet.Decoded}, "with a group policy": {policy, packet.Decoded}, "cut": {whole[:len(whole)-1], packet.IgnoredShort},
	} {
		var s packet.Segment
		if r := decodeVXLAN(tt.datagram, nil, &filter.VLANs{}, nil, &s); r != tt.want {
			t.Errorf("%s: %v, want %v", name, r, tt.want)
		}
	}
}

func FuzzVXLAN(f *testing.F) {
	frame := packettest.Ethernet(0x0800, packettest.TCP4("10.0.0.1:1", "10.0.0.2:80", packettest.Seg{Seq: 1, Flags: packet.FlagACK, Payload: []byte("GET")}))
	f.Add(vxlanDatagram(7, frame))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		var s, direct packet.Segment
		r := decodeVXLAN(b, nil, &filter.VLANs{}, nil, &s)
		if len(b) < packet.VXLANHeaderLen {
			if r != packet.IgnoredShort {
				t.Fatalf("%d bytes: %v", len(b), r)
			}
			return
		}
		// The header in front changes nothing of what the frame is.
		if r == packet.Decoded {
			if d := packet.DecodeEther(b[packet.VXLANHeaderLen:], len(b)-packet.VXLANHeaderLen, &direct, 1); d != packet.Decoded || string(direct.Payload) != string(s.Payload) || s.Seq != direct.Seq {
				t.Fatalf("decoded as %+v, the frame alone as %+v (%v)", s, direct, d)
			}
		}
	})
}
