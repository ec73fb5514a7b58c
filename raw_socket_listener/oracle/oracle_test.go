package oracle

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
	"testing"
)

var (
	client = netip.MustParseAddrPort("192.0.2.1:40000")
	server = netip.MustParseAddrPort("192.0.2.2:80")
)

// talk makes segments of the client's, one for each string; "-" before one
// leaves it out. The first follows a SYN.
func talk(isn uint32, segments ...string) []Packet {
	p := []Packet{{Src: client, Dst: server, Seq: isn, Flags: SYN}}
	next := isn + 1
	for _, s := range segments {
		text := strings.TrimPrefix(s, "-")
		if text == s {
			p = append(p, Packet{Src: client, Dst: server, Seq: next, Flags: ACK, Payload: []byte(text)})
		}
		next += uint32(len(text))
	}
	return p
}

const (
	get  = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
	post = "POST / HTTP/1.1\r\nContent-Length: 27\r\n\r\n"
)

func TestStarts(t *testing.T) {
	for _, test := range []struct {
		name     string
		segments []string
		strict   string // offsets of strict starts
		lenient  string
	}{
		{"one after the other", []string{get, get + get}, "0 27 54", "0 27 54"},
		{"a body that looks like a request", []string{post, get, get}, "0 66", "0 39 66"},
		{"in the same segment", []string{post + get, get}, "0 66", "0 66"},
		{"cut everywhere", strings.Split(get+get, ""), "0 27", "0 27"},
		{"a hole in a body", []string{post, "-" + get, get}, "0 66", "0 66"},
		{"a hole in a head", []string{get[:20], "-" + get[20:], get}, "0 27", "27"},
		{"a hole in a method", []string{get, "-GE", "T / HTTP/1.1\r\n\r\n", get}, "0 45", "0 45"},
		{"a method of its own", []string{"FORGET / HTTP/1.1\r\n\r\n", get}, "0 21", "0 21"},
		{"chunks", []string{"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1b\r\n" + get + "\r\n0\r\nT: a\r\n\r\n", get}, "0 90", "0 90"},
		{"no HTTP", []string{"one\r\n", "two\r\n", get}, "10", "10"},
		{"no length that can be", []string{"PUT / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", get}, "0 38", "38"},
		{"odd lines", []string{"GET /a b HTTP/1.1\nno colon\n folded\n\n", get}, "0 36", "0 36"},
		{"empty lines before", []string{"\r\n\r\n" + get}, "4", "4"},
		{"PROXY", []string{"PROXY UNKNOWN\r\n" + get}, "15", "15"},
		{"TLS", []string{"\x16\x03\x01\x02\x00", get}, "", "5"},
		{"a tunnel", []string{"CONNECT a:1 HTTP/1.1\r\n\r\n", get}, "0", "0 24"},
		{"a body that was left out", []string{"PUT / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n", get}, "0 59", "0 59"},
	} {
		for _, isn := range []uint32{0, 1<<32 - 30, 1<<31 - 30} {
			s := Follow(talk(isn, test.segments...)).Directions[0].Streams[0]
			c := scanner{s: s, answer: func(int64) int { return 0 }}
			c.run()
			if got := offsets(c.starts); got != test.strict {
				t.Errorf("%s from %d: strict starts at %q, want %q", test.name, isn, got, test.strict)
			}
			if got := offsets(s.lenient(c.starts)); got != test.lenient {
				t.Errorf("%s from %d: lenient starts at %q, want %q", test.name, isn, got, test.lenient)
			}
		}
	}
}

func offsets(starts []Start) string {
	var out []string
	for _, s := range starts {
		out = append(out, fmt.Sprint(s.Offset))
	}
	return strings.Join(out, " ")
}

// Of bytes that came twice the first are kept, in whatever order they came.
func TestFollow(t *testing.T) {
	const text = "0123456789abcdefghij"
	part := func(from, to int, with string) Packet {
		return Packet{Src: client, Dst: server, Seq: 1<<32 - 5 + uint32(from), Flags: ACK, Payload: []byte(strings.ReplaceAll(text[from:to], "5", with))}
	}
	s := Follow([]Packet{
		{Src: client, Dst: server, Seq: 1<<32 - 6, Flags: SYN},
		part(12, 20, ""), part(4, 8, "X"), part(2, 14, "Y"), part(0, 20, "Z"),
		{Src: client, Dst: server, Seq: 9, Flags: RST},
		{Src: client, Dst: server, Seq: 1 << 31, Flags: ACK, Payload: []byte("far")},
	}).Directions[0].Streams[0]
	if got := string(s.tail(0)); got != "01234X6789abcdefghij" || !s.solid() || s.Reset || s.Joined {
		t.Errorf("got %q, %+v", got, s)
	}
}

func TestFindings(t *testing.T) {
	say := func(texts ...string) (m []Message) {
		for _, s := range texts {
			m = append(m, Message{Src: client, Dst: server, Data: []byte(s)})
		}
		return m
	}
	two := "GET /2 HTTP/1.1\r\n\r\n"
	whole, holed := talk(7, get, two), talk(7, get, "-"+get, two, two)
	bad, lock := "PUT / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", "LOCK / HTTP/1.1\r\n\r\n"
	expect := "PUT / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 7\r\n\r\n"
	lone, cut := talk(7, bad, "POST ", two), talk(7, bad, "UN", lock)
	for _, test := range []struct {
		name    string
		packets []Packet
		a       Account
		want    []string
	}{
		{"all given", whole, Account{Messages: say(get, two)}, nil},
		{"one twice", whole, Account{Messages: say(get, get, two)}, []string{Invented}},
		{"a piece", whole, Account{Messages: say(get, two, two[2:])}, []string{Invented}},
		{"two as one", whole, Account{Messages: say(get + two)}, []string{Invented, Missed, Missed, Deaf}},
		{"one not", whole, Account{Messages: say(get)}, []string{Missed, Deaf}},
		{"one not, counted", whole, Account{Messages: say(get), Lost: 1}, []string{Missed, Overdone}},
		{"one too many lost", whole, Account{Messages: say(get, two), Lost: 1}, []string{Overdone}},
		{"behind a hole", holed, Account{Messages: say(get, two, two), Lost: 1}, nil},
		{"behind a hole but one", holed, Account{Messages: say(get, two), Skipped: 1}, nil},
		{"nothing behind a hole", holed, Account{Messages: say(get), Lost: 1}, []string{Deaf}},
		{"behind a lone method", lone, Account{Messages: say(two), Lost: 1}, nil},
		{"with a lone method before it", lone, Account{Messages: say("POST " + two), Lost: 1}, nil},
		{"none behind a lone method", lone, Account{Lost: 1}, []string{Deaf}},
		{"behind a lone method in a whole stream", talk(7, "POST ", get), Account{Messages: say(get)}, []string{Missed, Deaf}},
		{"the end of a method", cut, Account{Messages: say(lock), Lost: 1}, []string{Deaf}},
		{"a method that was cut", cut, Account{Messages: say("UN" + lock), Lost: 1}, nil},
		{"a body with its head", talk(7, expect+two+two), Account{Messages: say(expect + two[:7]), Lost: 1}, nil},
		{"a body with its head, not counted", talk(7, expect+two+two), Account{Messages: say(expect + two[:7])}, []string{Deaf}},
		{"where a body was left out", talk(7, expect, two+two), Account{Messages: say(expect + two[:7]), Lost: 1}, []string{Missed}},
		{"on another connection", whole[:1], Account{Messages: say(get)}, []string{Invented}},
	} {
		test.a.Ports = []uint16{80}
		var got []string
		for _, f := range Follow(test.packets).Check(test.a).Findings {
			got = append(got, f.Kind)
		}
		if fmt.Sprint(got) != fmt.Sprint(test.want) {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

func TestRead(t *testing.T) {
	// Ethernet with a VLAN tag, IPv4, TCP.
	frame := []byte{
		2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x81, 0x00, 0, 7, 0x08, 0x00, // two addresses, tag, EtherType
		0x45, 0, 0, 43, 0, 0, 0x40, 0, 64, 6, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2, // 43 bytes, not to be fragmented
		0x9C, 0x40, 0, 80, 0, 0, 0, 5, 0, 0, 0, 6, 0x50, 0x18, 0, 9, 0, 0, 0, 0, // 40000 to 80, 5, 6, PSH ACK
		'a', 'b', 'c',
	}
	file := func(order binary.AppendByteOrder, kept int) []byte {
		b := order.AppendUint32(nil, 0xA1B23C4D)
		b = append(b, make([]byte, 16)...)
		b = order.AppendUint32(b, linkEthernet)
		for _, n := range []uint32{3, 4, uint32(kept), uint32(len(frame))} {
			b = order.AppendUint32(b, n)
		}
		return append(b, frame[:kept]...)
	}
	for _, b := range [][]byte{file(binary.LittleEndian, len(frame)), file(binary.BigEndian, len(frame)-1)} {
		p, err := Read(b)
		if err != nil || len(p) != 1 {
			t.Fatalf("%d packets, %v", len(p), err)
		}
		if q := p[0]; q.Src != client || q.Dst != server || q.Seq != 5 || q.Ack != 6 || q.Flags != 0x18 || q.Time != 3_000_000_004 || string(q.Payload)+strings.Repeat("c", q.Missing) != "abc" {
			t.Errorf("got %+v", q)
		}
	}
	if _, err := Read([]byte("no capture file, but long enough to be one")); err == nil {
		t.Error("anything is a capture file")
	}
}
