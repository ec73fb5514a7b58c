package rawsocket

import (
	"os"
	"testing"
)

// The small captures from the field that lie beside the checkout give what
// must come out of them: tunnels, link types and lengths that are not as they
// should be.
func TestFieldCaptures(t *testing.T) {
	const dir = "../../shared/cases/"
	if _, err := os.Stat(dir); err != nil {
		t.Skip("the cases are not beside the checkout: ../shared/cases")
	}
	for file, want := range map[string]uint64{
		"l-sll2.pcap": 2, "dnat.pcap": 5, "f-caplen-padded.pcap": 2, "erspan2.pcap": 2, "vxlan-gbp-reserved-bits.pcap": 1,
	} {
		l, err := Listen(Config{Address: mustParse(t, dir+file+":80"), TrackResponse: true, Logf: t.Logf})
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		for err == nil {
			_, err = l.Next()
		}
		if s := l.Stats(); s.Requests != want || s.LostSum() != 0 {
			t.Errorf("%s: %d requests, want %d; %v", file, s.Requests, want, s.Rows())
		}
	}
}
