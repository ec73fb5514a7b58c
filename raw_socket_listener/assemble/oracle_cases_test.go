package assemble

import (
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/buger/gor/raw_socket_listener/oracle"
)

// fieldCases are the capture files of ../shared/cases, and how many requests
// come out of each.
var fieldCases = []struct {
	name     string
	requests int
	tunnel   bool   // the oracle does not look into it
	server   string // the oracle is given this one's packets alone: others repeat them
}{
	{"l-sll2.pcap", 2, false, ""},
	{"gap-then-two-segment-heads.pcap", 51, false, ""},
	{"rst-inexact.pcap", 3, false, ""},
	{"four-malformed-then-deaf.pcap", 100, false, ""},
	{"expect-401-no-body.pcap", 2, false, ""},
	{"dnat.pcap", 5, false, "198.51.100.1"},
	{"f-caplen-padded.pcap", 2, false, ""},
	{"erspan2.pcap", 2, true, ""},
	{"four-packets-2-31-apart.pcap", 3, false, ""},
	{"resync-in-the-middle-of-a-method.pcap", 2, false, ""},
	{"request-with-fin-retransmitted-after-3.2s.pcap", 1, false, ""},
	{"second-synack-before-request.pcap", 2, false, ""},
	{"vxlan-gbp-reserved-bits.pcap", 1, true, ""},
	{"hole-filled-after-2.2s.pcap", 1, false, ""},
}

// Each request of the cases from the field is given or counted, and no other.
func TestOracleCases(t *testing.T) {
	const dir = "../../../shared/cases"
	if _, err := os.Stat(dir); err != nil {
		t.Skip("the cases are not beside the checkout: ../shared/cases")
	}
	for _, c := range fieldCases {
		for _, visible := range []bool{false, true} {
			var seen func(*oracle.Packet) bool
			if c.server != "" {
				server := netip.MustParseAddr(c.server)
				seen = func(p *oracle.Packet) bool { return p.Src.Addr() == server || p.Dst.Addr() == server }
			}
			r, s := judgeFile(t, filepath.Join(dir, c.name), []uint16{80}, visible, seen)
			if r.Requests != c.requests {
				t.Errorf("%s, responses %v: %d requests, want %d", c.name, visible, r.Requests, c.requests)
			}
			for _, f := range r.Findings {
				if !c.tunnel {
					t.Errorf("%s, responses %v: %v (lost %s)", c.name, visible, f, losses(s.Lost))
				}
			}
		}
	}
}
