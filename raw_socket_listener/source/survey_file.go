package source

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/buger/gor/raw_socket_listener/filter"
	"github.com/buger/gor/raw_socket_listener/packet"
)

// surveyWanted is how many of a file's segments that are captured are looked at
// too: when nothing comes of them, they say why. Of all others there is no bound,
// as the only request of a large file may be the last.
const surveyWanted = 1000

// NewFileSurvey returns a survey of a capture file, for when nothing in it is
// what is captured. binary says that any data would have been, HTTP or not.
func NewFileSurvey(a filter.Address, binary bool) *Survey {
	return &Survey{addr: a, anything: binary, sights: make(map[sight]int), plain: make(map[uint16]bool)}
}

// segment looks at a segment, which is captured when wanted.
func (s *Survey) segment(seg *packet.Segment, wanted bool) {
	if wanted {
		if s.packets >= surveyWanted {
			return
		}
		s.packets++
	}
	if len(seg.Payload) == 0 {
		return
	}
	g := sight{what: sightData, port: seg.Dst.Port()}
	if !s.anything {
		g.what = recognise(seg.Payload)
	}
	switch {
	case g.what == sightData && !s.anything && bytes.HasPrefix(seg.Payload, []byte("HTTP/1.")):
		g.what, g.port = sightResponse, seg.Src.Port()
	case g.what == sightData && goesToClient(seg.Src.Port(), g.port):
		return
	case g.what == sightHTTP1:
		s.plain[g.port] = true
	}
	s.see(g)
}

// noSegment looks at a packet that gave no segment.
func (s *Survey) noSegment(link uint32, b []byte) {
	for range packet.MaxWraps {
		inner, etherType, n, r := packet.LinkHeader(link, b)
		if r != packet.Decoded {
			return
		}
		b = b[n:]
		if inner != packet.LinkEtherType {
			link = inner
			continue
		}
		const macs = 12
		if link == packet.LinkEthernet && len(b) > macs+2 && isIP(binary.BigEndian.Uint16(b[macs:])) {
			b, etherType = b[macs+2:], packet.EtherAny
		}
		if etherType == packet.EtherAny || isIP(etherType) {
			if port, is := quicPort(b); is {
				s.see(sight{what: sightQUIC, port: port})
			}
		}
		return
	}
}

// FileLines says what was seen in a capture file of that address of which
// nothing came, the most useful first and with what to type.
func (s *Survey) FileLines() (text []string) {
	requests, _ := s.places(sightHTTP1)
	requests = slices.DeleteFunc(requests, s.captured)
	responses, _ := s.places(sightResponse)
	responses = slices.DeleteFunc(responses, func(d destination) bool { return s.plain[d.port] })
	if len(requests) > 0 {
		text = append(text, fmt.Sprintf("HTTP requests go to %s: read %s", s.where(requests), choice(requests, shellWord(s.addr.Path)+":", "")))
	}
	if len(responses) > 0 {
		text = append(text, fmt.Sprintf("HTTP responses come from %s, and no request goes there: record both directions, with tcpdump's filter \"port %d\" and not \"src port\"", s.where(responses), responses[0].port))
	}
	text = append(text, s.unreadable()...)
	if len(text) > 0 {
		return text
	}
	data, _ := s.places(sightData)
	data = slices.DeleteFunc(data, s.captured)
	if len(data) > 0 {
		text = append(text, fmt.Sprintf("other data over TCP goes to %s", s.where(data)))
	}
	return text
}

// captured reports whether what goes to that port is captured.
func (s *Survey) captured(d destination) bool { return slices.Contains(s.addr.Ports, d.port) }

// shellWord is a path as it can be typed.
func shellWord(path string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./+,@%"
	if strings.Trim(path, plain) == "" {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}
