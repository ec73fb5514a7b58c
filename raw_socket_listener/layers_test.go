package rawsocket

import (
	"bytes"
	"encoding/binary"
	"testing"
)

func TestDecodeLink(t *testing.T) {
	for _, tt := range linkCases() {
		t.Run(tt.name, func(t *testing.T) {
			var s Segment
			r := decodeLink(tt.link, tt.packet, len(tt.packet), &s)
			if r != tt.want {
				t.Fatalf("got %q, want %q", r, tt.want)
			}
			if r != decoded {
				return
			}
			if len(s.Payload) == 0 && tt.name == "Ethernet, padded" {
				return
			}
			checkSample(t, &s, tt.v6)
			if !bytes.Equal(s.Payload, sampleSeg().payload) || s.Missing != 0 {
				t.Errorf("payload %q, %d missing", s.Payload, s.Missing)
			}
			// Cut anywhere, it is refused or what is left is told right.
			for n := range tt.packet {
				r := decodeLink(tt.link, tt.packet[:n], len(tt.packet), &s)
				if r == decoded && len(s.Payload)+s.Missing != len(sampleSeg().payload) {
					t.Fatalf("cut at %d: %d bytes of payload, %d missing", n, len(s.Payload), s.Missing)
				}
			}
		})
	}
}

// A length of zero in the IP header of a tunnel is the rest of the packet.
func TestDecodeInnerLengthZero(t *testing.T) {
	inner := craftTCP4(client4, server4, sampleSeg())
	binary.BigEndian.PutUint16(inner[2:], 0)
	p := craftEther(etherIP4, craftIP4(mustAddr("203.0.113.1"), mustAddr("203.0.113.2"), protoIP4, inner))
	var s Segment
	if r := decodeLink(linkEthernet, append(p, 0xEE), len(p)+1, &s); r != decoded {
		t.Fatal(r)
	}
	if !bytes.Equal(s.Payload, sampleSeg().payload) {
		t.Errorf("payload %q", s.Payload)
	}
}
