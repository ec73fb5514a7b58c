package assemble

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/buger/gor/raw_socket_listener/filter"
	"github.com/buger/gor/raw_socket_listener/oracle"
	"github.com/buger/gor/raw_socket_listener/packettest"
)

// account reads what the ledger says of requests that were not given, by the
// rows that people see.
func account(s Stats, visible bool) oracle.Account {
	a := oracle.Account{Visible: visible}
	for _, row := range s.Rows() {
		switch {
		case strings.HasPrefix(row.Name, "lost: "):
			a.Lost += row.N
		case row.Name == "request lines skipped", row.Name == "segments out of any window":
			a.Skipped += row.N
		}
	}
	return a
}

func oracleMessage(m *Message) oracle.Message {
	return oracle.Message{Response: m.Response, Src: m.Src, Dst: m.Dst, Data: append([]byte(nil), m.Data...)}
}

// judgeFile reads a capture file as the program does, and holds what the
// ledger says against the oracle, which is given the packets that seen keeps.
func judgeFile(t *testing.T, name string, ports []uint16, visible bool, seen func(*oracle.Packet) bool) (oracle.Report, Stats) {
	t.Helper()
	addr, err := filter.ParseFileAddress(name)
	if err != nil {
		t.Fatal(err)
	}
	addr.Ports = ports
	l, err := listen(Config{Address: addr, TrackResponse: visible, MaxMessage: 64 << 20, MaxBuffered: 64 << 20})
	if err != nil {
		t.Fatal(err)
	}
	var given []oracle.Message
	for {
		m, err := l.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			break
		}
		given = append(given, oracleMessage(m))
	}
	a := account(l.Stats(), visible)
	a.Messages, a.Ports = given, ports
	var packets []oracle.Packet
	for _, p := range readOracle(t, name) {
		if seen == nil || seen(&p) {
			packets = append(packets, p)
		}
	}
	return oracle.Follow(packets).Check(a), l.Stats()
}

func readOracle(t testing.TB, name string) []oracle.Packet {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	packets, err := oracle.Read(b)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return packets
}

// oracleTunnels are the traces with packets in packets, into which the oracle
// does not look, and how many requests are in those.
var oracleTunnels = map[string]int{
	"nflog-http.pcap":                      1, // a link type that the oracle does not know
	"tunnels_geneve-many-options.pcap":     1,
	"tunnels_vxlan-encapsulated-http.pcap": 1,
}

// oracleRepeated are the traces with a request that the oracle takes for a
// repeated one, and the capture, for the reason given, for another.
var oracleRepeated = map[string]string{
	"tcp_retransmit-timeout.pcapng": "it comes again after five minutes in which nothing came: the connection was forgotten",
}

// Each request of the recorded traffic is given or counted, and no other.
func TestOracleZeekTraces(t *testing.T) {
	files := packettest.Corpus(t)
	sum := oracle.Report{}
	for _, path := range files {
		name := filepath.Base(path)
		for _, visible := range []bool{false, true} {
			r, s := judgeFile(t, path, nil, visible, nil)
			sum.Strict, sum.Given, sum.Requests = sum.Strict+r.Strict, sum.Given+r.Given, sum.Requests+r.Requests
			allowed := oracleTunnels[name]
			if oracleRepeated[name] != "" {
				allowed++
			}
			for _, f := range r.Findings {
				if allowed--; f.Kind != oracle.Invented || allowed < 0 {
					t.Errorf("%s, responses %v: %v (lost %s)", name, visible, f, losses(s.Lost))
				}
			}
		}
	}
	t.Logf("%d files, read twice: %d strict starts, %d given, %d requests given", len(files), sum.Strict, sum.Given, sum.Requests)
}
