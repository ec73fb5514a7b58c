package packet_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/buger/gor/raw_socket_listener/packet"
	"github.com/buger/gor/raw_socket_listener/packettest"
)

func TestDecodeLink(t *testing.T) {
	for _, tt := range packettest.LinkCases() {
		t.Run(tt.Name, func(t *testing.T) {
			var s packet.Segment
			r := packet.DecodeLink(tt.Link, tt.Packet, len(tt.Packet), &s)
			if r != tt.Want {
				t.Fatalf("got %q, want %q", r, tt.Want)
			}
			if r != packet.Decoded {
				return
			}
			if len(s.Payload) == 0 && tt.Name == "Ethernet, padded" {
				return
			}
			checkSample(t, &s, tt.V6)
			if !bytes.Equal(s.Payload, packettest.Sample().Payload) || s.Missing != 0 {
				t.Errorf("payload %q, %d missing", s.Payload, s.Missing)
			}
			// Cut anywhere, it is refused or what is left is told right.
			for n := range tt.Packet {
				r := packet.DecodeLink(tt.Link, tt.Packet[:n], len(tt.Packet), &s)
				if r == packet.Decoded && len(s.Payload)+s.Missing != len(packettest.Sample().Payload) {
					t.Fatalf("cut at %d: %d bytes of payload, %d missing", n, len(s.Payload), s.Missing)
				}
			}
		})
	}
}

// A length of zero in the IP header of a tunnel is the rest of the packet.
func TestDecodeInnerLengthZero(t *testing.T) {
	inner := packettest.TCP4(packettest.Client4, packettest.Server4, packettest.Sample())
	binary.BigEndian.PutUint16(inner[2:], 0)
	p := packettest.Ethernet(packet.EtherIP4, packettest.IP4(packettest.MustAddr("203.0.113.1"), packettest.MustAddr("203.0.113.2"), packet.ProtoIP4, inner))
	var s packet.Segment
	if r := packet.DecodeLink(packet.LinkEthernet, append(p, 0xEE), len(p)+1, &s); r != packet.Decoded {
		t.Fatal(r)
	}
	if !bytes.Equal(s.Payload, packettest.Sample().Payload) {
		t.Errorf("payload %q", s.Payload)
	}
}
