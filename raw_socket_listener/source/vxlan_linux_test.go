package source

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/buger/gor/raw_socket_listener/filter"
	"github.com/buger/gor/raw_socket_listener/packet"
	"github.com/buger/gor/raw_socket_listener/packettest"
)

// What does not fit the socket's buffer is counted.
func TestVXLANCountsDrops(t *testing.T) {
	port := packettest.FreeUDPPort(t)
	s, err := openOne(Config{Address: filter.Address{Ports: []uint16{80}, Text: ":80"}, VXLANPort: port, RingBytes: 1 << 12})
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
	go func() { ended <- s.Run(r) }()
	r.Wait(t, func() bool { return s.Stats().Received > 0 && r.Ticks > 1 })
	// The kernel tells of drops with the next datagram.
	before := s.Stats().Received
	if _, err := conn.Write(make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	r.Wait(t, func() bool { return s.Stats().Received > before })
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if st := s.Stats(); st.Dropped == 0 || st.Received+st.Dropped != sent+1 {
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
	_, err = openOne(Config{Address: filter.Address{Ports: []uint16{80}, Text: ":80"}, VXLANPort: port})
	if err == nil || !strings.Contains(err.Error(), "--input-raw-vxlan-port") || errors.Is(err, unix.EPERM) {
		t.Errorf("error %v, want the remedy", err)
	}
}

// A frame that is shorter than its IP header says is refused, as it is on an
// interface: no host takes it. Bits of the tunnel that are to be ignored are.
func TestVXLANFrames(t *testing.T) {
	ip := packettest.TCP4("10.0.0.1:1", "10.0.0.2:80", packettest.Seg{Seq: 1, Flags: packet.FlagACK, Payload: bytes.Repeat([]byte("GET / HTTP/1.1\r\n"), 4)})
	whole, policy := packettest.VXLANDatagram(7, packettest.Ethernet(0x0800, ip)), packettest.VXLANDatagram(7, packettest.Ethernet(0x0800, ip))
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
	f.Add(packettest.VXLANDatagram(7, frame))
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
