package assemble

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/buger/gor/raw_socket_listener/filter"
)

// sharedCases are captures of traffic from the field; they are not part of this
// project, and what is in them is in its other tests too.
const sharedCases = "../../../shared/cases"

// Each case gives what its list says, with the responses and without.
func TestFieldCases(t *testing.T) {
	for _, tt := range []struct {
		file                string
		requests, responses uint64
		lost                map[Loss]uint64 // of requests
		far, refused        uint64
	}{
		{file: "gap-then-two-segment-heads.pcap", requests: 51, responses: 51, lost: map[Loss]uint64{LostGap: 1}},
		{file: "rst-inexact.pcap", requests: 3, responses: 3, refused: 1},
		{file: "four-malformed-then-deaf.pcap", requests: 100, responses: 100, lost: map[Loss]uint64{LostMalformed: 6}},
		{file: "expect-401-no-body.pcap", requests: 2, responses: 2, lost: map[Loss]uint64{LostWithheld: 1}},
		{file: "four-packets-2-31-apart.pcap", requests: 3, responses: 2, far: 2},
		{file: "resync-in-the-middle-of-a-method.pcap", requests: 2, responses: 2, lost: map[Loss]uint64{LostGap: 1}},
		{file: "request-with-fin-retransmitted-after-3.2s.pcap", requests: 1, responses: 1},
		{file: "second-synack-before-request.pcap", requests: 2, responses: 2},
		{file: "hole-filled-after-2.2s.pcap", requests: 1, responses: 1},
	} {
		for _, track := range []bool{false, true} {
			t.Run(tt.file, func(t *testing.T) {
				name := filepath.Join(sharedCases, tt.file)
				if _, err := os.Stat(name); err != nil {
					t.Skip("the cases are not beside the checkout")
				}
				addr, err := filter.ParseFileAddress(name)
				if err != nil {
					t.Fatal(err)
				}
				addr.Ports = []uint16{80}
				l, err := listen(Config{Address: addr, TrackResponse: track})
				if err != nil {
					t.Fatal(err)
				}
				requests := map[uint32]bool{}
				for {
					m, err := l.Next()
					if errors.Is(err, io.EOF) {
						break
					}
					if err != nil {
						t.Fatal(err)
					}
					if !m.Response {
						requests[m.Ordinal] = true
					} else if !requests[m.Ordinal] {
						t.Errorf("a response to request %d, which was not given: %.60q", m.Ordinal, m.Data)
					}
				}
				s := l.Stats()
				if s.Requests != tt.requests || track && s.Responses != tt.responses || s.Far != tt.far {
					t.Errorf("%d requests, %d responses, %d far segments; want %d, %d, %d; lost %s", s.Requests, s.Responses, s.Far, tt.requests, tt.responses, tt.far, losses(s.Lost))
				}
				if s.Refused < tt.refused {
					t.Errorf("%d segments refused, want %d", s.Refused, tt.refused)
				}
				s.Lost[LostUnpaired] = 0
				var want [LossKinds]uint64
				for k, n := range tt.lost {
					want[k] = n
				}
				if s.Lost != want {
					t.Errorf("lost %s, want %s", losses(s.Lost), losses(want))
				}
			})
		}
	}
}
