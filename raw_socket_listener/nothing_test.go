package rawsocket

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/buger/gor/raw_socket_listener/filter"
	"github.com/buger/gor/raw_socket_listener/packet"
	"github.com/buger/gor/raw_socket_listener/packettest"
)

// A capture file in which nothing is captured says what is in it instead, and is
// an error.
func TestCaptureFileOfNothing(t *testing.T) {
	const cl, sv, tls = "10.0.0.1:40000", "10.0.0.2:8080", "10.0.0.2:443"
	const hello = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
	data := func(src, dst, text string) []byte {
		return packettest.Ethernet(packet.EtherIP4, packettest.TCP4(src, dst, packettest.Seg{Seq: 100, Ack: 500, Flags: packet.FlagACK | packet.FlagPSH, Payload: []byte(text)}))
	}
	quic := packettest.Ethernet(packet.EtherIP4, packettest.IP4(packettest.MustAddr("10.0.0.1"), packettest.MustAddr("10.0.0.2"), packet.ProtoUDP,
		packettest.UDP(50000, 443, []byte("\xc3\x00\x00\x00\x01\x08\x01\x02\x03\x04\x05\x06\x07\x08"))))
	request := data(cl, sv, firstGet)
	for _, tt := range []struct {
		name    string
		ports   string
		cfg     Config
		packets [][]byte
		want    string // FILE is the file's name
		notes   string // what was told before; "": nothing
		wire    int    // how long the first packet was on the wire, when it is cut
	}{
		{"no packet", ":80", Config{}, nil, "there is no packet in it", "", 0},
		{"another port", ":80", Config{}, [][]byte{request},
			"none of its 1 packet goes to port 80; HTTP requests go to port 8080: read them with --input-raw FILE:8080", "", 0},
		{"other ports", ":80,81", Config{}, [][]byte{request, request, data(cl, "10.0.0.3:90", secondGet)},
			"none of its 3 packets goes to the ports 80 and 81; HTTP requests go to port 8080 and port 90: read one of these, such as with --input-raw FILE:8080 " +
				"(a proxy and the server behind it have the same requests; ports of different servers are given as FILE:8080,90)", "", 0},
		{"TLS on the port", ":443", Config{}, [][]byte{data(cl, tls, hello), request},
			"no request in its 1 packet of TCP, 1 connection with TLS; HTTP requests go to port 8080: read them with --input-raw FILE:8080; " +
				"TLS goes to port 443, which cannot be read: capture behind the TLS terminator, on the port it forwards plain HTTP to",
			"port 443 carries TLS, which cannot be read: capture behind the TLS terminator, on the port it forwards plain HTTP to", 0},
		{"TLS, and no port is named", "", Config{}, [][]byte{packettest.Ethernet(packet.EtherIP4, packettest.TCP4(cl, tls, packettest.Seg{Seq: 99, Flags: packet.FlagSYN})), data(cl, tls, hello)},
			"no request in its 2 packets of TCP, 1 connection with TLS; TLS goes to port 443, which cannot be read: capture behind the TLS terminator, on the port it forwards plain HTTP to",
			"port 443 carries TLS, which cannot be read: capture behind the TLS terminator, on the port it forwards plain HTTP to", 0},
		{"responses alone", ":8080", Config{}, [][]byte{data(sv, cl, okAnswer)},
			"none of its 1 packet goes to port 8080; HTTP responses come from port 8080, and no request goes there: record both directions, with tcpdump's filter \"port 8080\" and not \"src port\"", "", 0},
		{"responses alone, and no port is named", "", Config{}, [][]byte{data(sv, cl, okAnswer)},
			"no request in its 1 packet of TCP; HTTP responses come from port 8080, and no request goes there: record both directions, with tcpdump's filter \"port 8080\" and not \"src port\"", "", 0},
		{"handshakes alone", ":8080", Config{}, [][]byte{packettest.Ethernet(packet.EtherIP4, packettest.TCP4(cl, sv, packettest.Seg{Seq: 1, Flags: packet.FlagSYN}))},
			"no request in its 1 packet of TCP", "", 0},
		{"another protocol", ":8080", Config{}, [][]byte{data(cl, sv, "\x00\x01\x02")},
			"1 message begun, of which none is whole, 1 lost: joined mid-message", "", 0},
		{"TLS without its handshake, and no port is named", "", Config{}, [][]byte{data(cl, tls, hello)},
			"no request in its 1 packet of TCP; TLS goes to port 443, which cannot be read: capture behind the TLS terminator, on the port it forwards plain HTTP to", "", 0},
		{"HTTP/3", ":443", Config{}, [][]byte{quic},
			"none of its 1 packet is TCP that can be read; HTTP/3 (QUIC) goes to UDP port 443, which cannot be read: capture behind the proxy that ends it", "", 0},
		{"a short snap length", ":8080", Config{}, [][]byte{request[:60]},
			"1 message begun, of which none is whole, 1 lost: gap",
			"losing messages: 1 with a hole that no retransmission closed: the capture file has not kept whole packets: record it with tcpdump -s 0", len(request)},
		{"a filter", ":8080", Config{Filter: mustFilter(t, "src host 10.9.9.9")}, [][]byte{request},
			"--input-raw-bpf-filter leaves out all of its 1 packet", "", 0},
		{"a VLAN", ":8080", Config{VLANTagged: true}, [][]byte{request},
			"all of its 1 packet are of a VLAN, or of none, that --input-raw-vlan or --input-raw-vlan-vid leaves out", "", 0},
		{"a binary protocol elsewhere", ":9000", Config{Binary: true}, [][]byte{data(cl, sv, "\x00\x01\x02"), request},
			"none of its 2 packets goes to port 9000; other data over TCP goes to port 8080", "", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			name := filepath.Join(t.TempDir(), "x.pcap")
			file := packettest.Pcap(packet.LinkEthernet, tt.packets...)
			if tt.wire > 0 {
				binary.LittleEndian.PutUint32(file[24+12:], uint32(tt.wire))
			}
			if err := os.WriteFile(name, file, 0o600); err != nil {
				t.Fatal(err)
			}
			l, notes := listenTo(t, name+tt.ports, tt.cfg)
			_, err := l.Next()
			var nothing *NothingError
			if !errors.As(err, &nothing) {
				t.Fatalf("%v, want a NothingError", err)
			}
			if got := strings.ReplaceAll(err.Error(), name, "FILE"); got != "nothing was captured: "+tt.want {
				t.Errorf("got  %s\nwant nothing was captured: %s", got, tt.want)
			}
			if got := strings.Join(notes(), "\n"); got != tt.notes {
				t.Errorf("told %q, want %q", got, tt.notes)
			}
		})
	}
}

// listenTo reads a capture file. notes gives what people were told.
func listenTo(t *testing.T, address string, cfg Config) (l *Listener, notes func() []string) {
	t.Helper()
	addr, err := filter.ParseAddress(address)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var told []string
	cfg.Address = addr
	cfg.Logf = func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, fmt.Sprintf(format, args...))
	}
	if l, err = Listen(cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l, func() []string {
		mu.Lock()
		defer mu.Unlock()
		return told
	}
}

func mustFilter(t *testing.T, text string) *Filter {
	t.Helper()
	f, err := ParseFilter(text)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// A recording of one direction where both were wanted says so.
func TestCaptureFileOfRequestsAlone(t *testing.T) {
	name := filepath.Join(t.TempDir(), "x.pcap")
	request := packettest.Ethernet(packet.EtherIP4, packettest.TCP4("10.0.0.1:40000", "10.0.0.2:80",
		packettest.Seg{Seq: 100, Ack: 500, Flags: packet.FlagACK, Payload: []byte(firstGet)}))
	if err := os.WriteFile(name, packettest.Pcap(1, request), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, responses := range []bool{false, true} {
		l, notes := listenTo(t, name+":80", Config{TrackResponse: responses})
		if got := strings.Join(readAll(t, l), ""); got != firstGet {
			t.Errorf("got %q", got)
		}
		if !responses {
			wantNothing(t, notes())
			continue
		}
		wantLine(t, notes(), "1 request and no response: the capture sees only what goes to the servers")
	}
}
