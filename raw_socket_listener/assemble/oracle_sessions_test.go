package assemble

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"

	"github.com/buger/gor/raw_socket_listener/oracle"
)

// A session is a connection to port 80 that mutations start from.
type session struct {
	name    string
	packets []oracle.Packet
}

// oddRequests are read well in order, each of them a message of its own.
var oddRequests = []string{
	"GET /plain HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET /no-colon HTTP/1.1\r\nHost: a\r\nthis line has none\r\n\r\n",
	"GET /bare-lf HTTP/1.1\nHost: a\n\n",
	"GET /a space HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET /folded HTTP/1.1\r\nHost: a\r\nX: 1\r\n 2\r\n\t3\r\n\r\n",
	"\r\nGET /empty-line-before HTTP/1.1\r\nHost: a\r\n\r\n",
	"POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nabcde",
	"POST /chunked HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5;e=1\r\nabcde\r\n0\r\nT: x\r\n\r\n",
	"POST /looks-like HTTP/1.1\r\nContent-Length: 29\r\n\r\nGET /evil HTTP/1.1\r\nHost: e\r\n",
	"get-like /own-method HTTP/1.1\r\nHost: a\r\n\r\n",
	"PROPFIND /dav HTTP/1.1\r\nDepth: 1\r\nContent-Length: 4\r\n\r\n<x/>",
	"GET /" + "long/" + strings.Repeat("x", 3000) + " HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET /cookies HTTP/1.1\r\nHost: a\r\nCookie: " + strings.Repeat("k=v; ", 500) + "\r\n\r\n",
	"GET /bad HTTP/1.1\r\nContent-Length: 1e3\r\n\r\n",
	"GET /1.0 HTTP/1.0\r\n\r\n",
	"POST /expect HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n",
	"GET /upgrade HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n",
	"NOT HTTP AT ALL\r\n\r\n",
}

// oddSession is n requests, each answered before the next, so that every one
// begins a segment; with pipelined, several in one.
func oddSession(rnd *rand.Rand, port uint16, n int, lead string, pipelined bool) *dialogue {
	d := &dialogue{port: port, isn: rnd.Uint32()}
	for i := range n {
		from, ack := len(d.stream[0]), len(d.stream[1])
		for more := true; more; more = pipelined && rnd.IntN(2) == 0 {
			q := oddRequests[rnd.IntN(len(oddRequests))]
			if i == 0 {
				q = lead + q
			}
			at := len(d.stream[0])
			d.stream[0] = append(d.stream[0], strings.Replace(q, "/", fmt.Sprintf("/%d/%d/", port, at), 1)...)
			d.msgs[0] = append(d.msgs[0], bound{at, len(d.stream[0])})
			answer := "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
			switch {
			case strings.Contains(q, "Expect") && rnd.IntN(2) == 0:
				answer = "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n"
			case strings.Contains(q, "Expect"):
				answer = "HTTP/1.1 100 Continue\r\n\r\n"
			case strings.Contains(q, "NOT HTTP"), strings.Contains(q, "1e3"):
				answer = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"
			}
			d.stream[1] = append(d.stream[1], answer...)
			if strings.Contains(answer, " 100 ") {
				d.turns = append(d.turns, turn{0, from, len(d.stream[0]), ack}, turn{1, ack, len(d.stream[1]), len(d.stream[0])})
				from, ack = len(d.stream[0]), len(d.stream[1])
				d.stream[0] = append(d.stream[0], "body"...)
				d.stream[1] = append(d.stream[1], "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"...)
			}
		}
		d.turns = append(d.turns, turn{0, from, len(d.stream[0]), ack}, turn{1, ack, len(d.stream[1]), len(d.stream[0])})
	}
	return d
}

// ownSessions are conversations of our own making.
func ownSessions() (sessions []session) {
	rnd := rand.New(rand.NewPCG(7, 7))
	for i := range 12 {
		d := newDialogue(rnd, uint16(1000+i), 2+rnd.IntN(8), 1+i%3, 400, i%2 == 0)
		sessions = append(sessions, session{fmt.Sprint("messages ", i), d.packets(rnd, []int{1448, 100}[i%2])})
	}
	leads := []string{
		"", "", "PROXY TCP4 192.0.2.1 192.0.2.2 40000 80\r\n",
		"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\xc0\x00\x02\x01\xc0\x00\x02\x02\x9c\x40\x00\x50",
	}
	for i := range 24 {
		d := oddSession(rnd, uint16(1100+i), 3+rnd.IntN(12), leads[i%len(leads)], i%5 == 0)
		sessions = append(sessions, session{fmt.Sprint("odd heads ", i), d.packets(rnd, []int{1448, 1448, 700}[i%3])})
	}
	return sessions
}

// foreignSessions are those of the corpora, as far as they are there and small.
func foreignSessions(t testing.TB) (sessions []session) {
	rnd := rand.New(rand.NewPCG(8, 8))
	names, _ := filepath.Glob(filepath.Join(corpora, "libhtp", "*.t"))
	for _, name := range names {
		sessions = append(sessions, session{filepath.Base(name), readDialogue(t, name).packets(rnd, 1448)})
	}
	if z, err := zip.OpenReader(filepath.Join(corpora, "zeek-fuzz", "http-corpus.zip")); err == nil {
		defer func() { _ = z.Close() }()
		for _, f := range z.File {
			sessions = append(sessions, session{f.Name, readPackets(t, f).packets(rnd, 1448)})
		}
	}
	names, _ = filepath.Glob(filepath.Join(corpora, "zeek", "traces", "*"))
	cases, _ := filepath.Glob("../../../shared/cases/*.pcap")
	for _, name := range append(names, cases...) {
		sessions = append(sessions, sessionsOf(t, name)...)
	}
	return sessions
}

// readPackets reads a seed of Zeek's fuzzers: each packet begins with a mark
// and a byte that says which side it is of.
func readPackets(t testing.TB, f *zip.File) *dialogue {
	r, err := f.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	d := &dialogue{port: 1000}
	for _, part := range bytes.Split(b, []byte("\x01PKT"))[1:] {
		if len(part) < 2 {
			continue
		}
		side := 1 - int(part[0]&1)
		from := len(d.stream[side])
		d.stream[side] = append(d.stream[side], part[1:]...)
		d.turns = append(d.turns, turn{side, from, len(d.stream[side]), len(d.stream[1-side])})
	}
	return d
}

// Bounds of the connections that are taken from capture files.
const (
	sessionPackets = 200
	sessionBytes   = 64 << 10
)

// sessionsOf takes the small connections with a handshake out of a capture
// file, and gives them addresses that the rig captures.
func sessionsOf(t testing.TB, name string) (sessions []session) {
	by := map[netip.AddrPort][]oracle.Packet{} // by client
	var order []netip.AddrPort
	server := map[netip.AddrPort]netip.AddrPort{}
	for _, p := range readOracle(t, name) {
		if p.Flags&(oracle.SYN|oracle.ACK) == oracle.SYN && server[p.Src] == (netip.AddrPort{}) {
			server[p.Src] = p.Dst
			order = append(order, p.Src)
		}
		client := p.Src
		toClient := server[p.Dst] == p.Src
		if toClient {
			client = p.Dst
		} else if server[p.Src] != p.Dst {
			continue
		}
		p.Src, p.Dst = netip.AddrPortFrom(rigClient.Addr(), 1000), rigServer
		if toClient {
			p.Src, p.Dst = p.Dst, p.Src
		}
		by[client] = append(by[client], p)
	}
	for _, client := range order {
		size := 0
		for _, p := range by[client] {
			size += len(p.Payload)
		}
		if size > 0 && size < sessionBytes && len(by[client]) < sessionPackets && len(sessions) < 8 {
			sessions = append(sessions, session{fmt.Sprint(filepath.Base(name), " ", client), by[client]})
		}
	}
	return sessions
}
