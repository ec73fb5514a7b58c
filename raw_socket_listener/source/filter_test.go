package source

import (
	"bytes"
	"testing"

	"github.com/buger/gor/raw_socket_listener/filter"
	"github.com/buger/gor/raw_socket_listener/packet"
	"github.com/buger/gor/raw_socket_listener/packettest"
)

// The packets of a file that do not match are counted for themselves.
func TestExpressionOnFile(t *testing.T) {
	file := packettest.Pcap(packet.LinkEthernet,
		packettest.Ethernet(packet.EtherIP4, packettest.TCP4("10.0.0.1:5000", "10.0.0.9:80", packettest.Sample())),
		packettest.Ethernet(packet.EtherIP4, packettest.TCP4("10.0.0.2:5000", "10.0.0.9:80", packettest.Sample())),
		packettest.Ethernet(packet.EtherIP4, packettest.TCP4("10.0.0.1:5000", "10.0.0.9:81", packettest.Sample())),
		packettest.Ethernet(packet.EtherVLAN, packettest.VLAN(5, packet.EtherIP4, packettest.TCP4("10.0.0.1:5000", "10.0.0.9:80", packettest.Sample()))),
		packettest.Ethernet(0x0806, make([]byte, 28)),
		packettest.Ethernet(packet.EtherIP4, nil)[:10],
	)
	addr, err := filter.ParseFileAddress("-:80")
	if err != nil {
		t.Fatal(err)
	}
	f, err := filter.ParseFilter("src host 10.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	e, err := f.Resolve()
	if err != nil {
		t.Fatal(err)
	}
	src, err := openFile(Config{Address: addr, Filter: e, Stdin: bytes.NewReader(file)})
	if err != nil {
		t.Fatal(err)
	}
	r := packettest.NewRecorder()
	if err := src.Run(r); err != nil {
		t.Fatal(err)
	}
	s := src.Stats()
	want := Stats{Received: 6, Segments: 2}
	want.Ignored[packet.IgnoredFilter], want.Ignored[packet.IgnoredOther], want.Ignored[packet.IgnoredShort] = 2, 1, 1
	if s.Received != want.Received || s.Segments != want.Segments || s.Ignored != want.Ignored {
		t.Errorf("got %+v, want %+v", s, want)
	}
	if packet.IgnoredFilter.String() != "not matched by the filter" {
		t.Error(packet.IgnoredFilter)
	}
}
