package assemble

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/buger/gor/raw_socket_listener/packet"
)

// A life is a connection that a test leads from one state to the next.
type life struct {
	r    *rig
	c, s int // the next byte of the client, and of the server
	isn  uint32
	at   time.Duration
}

func (l *life) send(s seg) {
	l.at += time.Millisecond
	s.at, s.isn = l.at, l.isn
	l.r.send(s)
}

func (l *life) handshake() *life {
	for _, s := range handshake {
		l.send(s)
	}
	return l
}

// client sends each part as a segment.
func (l *life) client(parts ...string) *life {
	for _, p := range parts {
		l.send(seg{from: 'c', off: l.c, data: p, ack: l.s})
		l.c += len(p)
	}
	return l
}

func (l *life) server(parts ...string) *life {
	for _, p := range parts {
		l.send(seg{from: 's', off: l.s, data: p, ack: l.c})
		l.s += len(p)
	}
	return l
}

// bare sends a segment without data, off its place.
func (l *life) bare(from byte, flags packet.TCPFlags, off int) *life {
	at, ack := l.c, l.s
	if from == 's' {
		at, ack = ack, at
	}
	l.send(seg{from: from, off: at + off, flags: flags, ack: ack})
	return l
}

// missing is data of the client's that the capture does not see.
func (l *life) missing(n int) *life { l.c += n; return l }

func (l *life) wait(d time.Duration) *life { l.at += d; return l }

const (
	answered  = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
	malformed = "GET /bad HTTP/1.1\r\nContent-Length: 1e3\r\n\r\n"
	refused   = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"
	expecting = "POST /e HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
	h2c       = "GET /u HTTP/1.1\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\n\r\n"
)

// connectionStates are the states that a connection can be in, each with what
// leads to it, so that a request begins with the next byte of the client. Where
// only the server's answer tells that, responses are needed.
var connectionStates = []struct {
	name    string
	visible bool // only when responses are seen
	lead    func(l *life)
}{
	{"nothing seen", false, func(l *life) {}},
	{"a handshake", false, func(l *life) { l.handshake() }},
	{"the second packet of a handshake", false, func(l *life) { l.send(handshake[1]) }},
	{"between messages", false, func(l *life) { l.handshake().client(get1).server(answered) }},
	{"joined in a head", false, func(l *life) { l.client("st: a\r\n\r\n").server(answered) }},
	{"joined in a body", false, func(l *life) { l.client("zzzzzzz").server(answered) }},
	{"joined with a byte", false, func(l *life) { l.client("z").server(answered) }},
	{"joined by a response", false, func(l *life) { l.server(answered) }},
	{"joined between the two of a pair", false, func(l *life) { l.client("GET /").missing(5) }},
	{"a head in pieces", false, func(l *life) { l.handshake().client("GET / HT", "TP/1.1\r\nA", ": b\r\n\r", "\n").server(answered) }},
	{"a body in pieces", false, func(l *life) { l.handshake().client(post10[:len(post10)-5], post10[len(post10)-5:]).server(answered) }},
	{"a hole in a head", false, func(l *life) { l.handshake().client("GET / HT").missing(10) }},
	{"a hole before everything", false, func(l *life) { l.handshake().missing(30) }},
	{"a hole between messages", false, func(l *life) { l.handshake().client(get1).missing(30) }},
	{"a hole in a body", false, func(l *life) { l.handshake().client(post10[:len(post10)-5]).missing(5) }},
	{"a hole beyond a body", false, func(l *life) { l.handshake().client(post10[:len(post10)-5]).missing(15) }},
	{"a hole in a chunk", false, func(l *life) {
		l.handshake().client("PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n14\r\n").missing(20).client("\r\n0\r\n\r\n")
	}},
	{"a hole in a chunk's size", false, func(l *life) {
		l.handshake().client("PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n").missing(4).client("abcd\r\n0\r\n\r\n")
	}},
	{"a hole in a trailer", false, func(l *life) {
		l.handshake().client("PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nT: ").missing(10)
	}},
	{"a hole that was given up", false, func(l *life) { l.handshake().client(get1).missing(30).client("more of it").wait(30 * time.Second) }},
	{"a hole in search of a head", false, func(l *life) {
		l.handshake().client(get1).missing(30).client("more of it").wait(30 * time.Second).client("and more").missing(7)
	}},
	{"a hole that closed late", false, func(l *life) {
		l.handshake().missing(len(get1)).client(get1).wait(30 * time.Second)
		l.c -= 2 * len(get1)
		l.client(get1, get1)
	}},
	{"one malformed", false, func(l *life) { l.handshake().client(malformed).server(refused) }},
	{"many malformed", false, func(l *life) {
		l.handshake()
		for range 20 {
			l.client(malformed).server(refused)
		}
	}},
	{"many malformed and many good", false, func(l *life) {
		l.handshake()
		for range 20 {
			l.client(malformed).server(refused).client(get1).server(answered)
		}
	}},
	{"garbage", false, func(l *life) { l.handshake().client("\x00\x01\x02", "garbage\r\n", strings.Repeat("x", 3000)) }},
	{"PROXY protocol", false, func(l *life) { l.handshake().client("PROXY TCP4 192.0.2.1 192.0.2.2 40000 80\r\n") }},
	{"a RST behind the next byte", false, func(l *life) { l.handshake().client(get1).server(answered).bare('c', packet.FlagRST, 1) }},
	{"a RST before the next byte", false, func(l *life) { l.handshake().client(get1).server(answered).bare('c', packet.FlagRST, -1) }},
	{"a RST of the server's, not exact", false, func(l *life) { l.handshake().client(get1).server(answered).bare('s', packet.FlagRST, 7) }},
	{"RSTs all the time", false, func(l *life) {
		l.handshake().client(get1).server(answered)
		for range 20 {
			l.bare('c', packet.FlagRST, 100).bare('s', packet.FlagRST, -100).wait(time.Second)
		}
	}},
	{"an exact RST that had no effect", false, func(l *life) { l.handshake().client(get1).server(answered).bare('c', packet.FlagRST, 0) }},
	{"a RST in a hole", false, func(l *life) { l.handshake().client(get1).missing(10).bare('c', packet.FlagRST, 0) }},
	{"a SYN on the living connection", false, func(l *life) { l.handshake().client(get1).server(answered).bare('c', packet.FlagSYN, 5000) }},
	{"a far SYN on the living connection", false, func(l *life) { l.handshake().client(get1).server(answered).bare('c', packet.FlagSYN, 1<<30) }},
	{"a second answer to the SYN", false, func(l *life) {
		l.handshake()
		l.isn += 77777
		l.send(handshake[1])
		l.isn -= 77777
	}},
	{"an answer to the SYN in the middle", false, func(l *life) { l.handshake().client(get1).server(answered).bare('s', packet.FlagSYN, 1<<20) }},
	{"a segment 2^31 away", false, func(l *life) {
		l.handshake().client(get1)
		l.send(seg{from: 'c', off: l.c + 1<<31, data: get1, ack: l.s})
	}},
	{"a segment 2^30 ahead", false, func(l *life) {
		l.handshake().client(get1)
		l.send(seg{from: 'c', off: l.c + 1<<30, data: get1, ack: l.s})
	}},
	{"Expect, then the body", false, func(l *life) {
		l.handshake().client(expecting).server("HTTP/1.1 100 Continue\r\n\r\n").client("abcde").server(answered)
	}},
	{"Expect, refused", false, func(l *life) { l.handshake().client(expecting).server(refused) }},
	{"Expect, refused, many times", false, func(l *life) {
		l.handshake()
		for range 10 {
			l.client(expecting).server(refused)
		}
	}},
	{"Upgrade, refused", false, func(l *life) { l.handshake().client(h2c).server(answered) }},
	{"CONNECT, refused", true, func(l *life) { l.handshake().client("CONNECT a:1 HTTP/1.1\r\n\r\n").server(refused) }},
	{"closed, and used again", false, func(l *life) {
		l.handshake().client(get1).server(answered).bare('c', packet.FlagFIN, 0).bare('s', packet.FlagFIN, 0).wait(time.Second)
		l.c, l.s, l.isn = 0, 0, l.isn+500_000_000
		l.handshake()
	}},
	{"closed, and used again near its end", false, func(l *life) {
		l.handshake().client(get1).server(answered).bare('c', packet.FlagFIN, 0).bare('s', packet.FlagFIN, 0).wait(time.Second)
		l.c, l.s, l.isn = 0, 0, l.isn+5000
		l.handshake()
	}},
	{"closed, and used again without a SYN", false, func(l *life) {
		l.handshake().client(get1).server(answered).bare('c', packet.FlagFIN, 0).bare('s', packet.FlagFIN, 0).wait(time.Second)
		l.c, l.s, l.isn = 0, 0, l.isn+500_000_000
	}},
	{"open, and used again without a SYN", false, func(l *life) {
		l.handshake().client(get1).server(answered).wait(time.Minute)
		l.c, l.s, l.isn = 0, 0, l.isn+500_000_000
	}},
	{"reset, and used again", false, func(l *life) {
		l.handshake().client("GET / HT").bare('c', packet.FlagRST, 0)
		l.c, l.s, l.isn = 0, 0, l.isn+500_000_000
		l.handshake()
	}},
	{"idle for long", false, func(l *life) { l.handshake().client(get1).server(answered).wait(time.Hour) }},
	{"idle for long in a hole", false, func(l *life) { l.handshake().client("GET / HT").missing(20).wait(time.Hour) }},
	{"too large a message", false, func(l *life) {
		l.handshake().client("POST / HTTP/1.1\r\nContent-Length: 9000\r\n\r\n")
		for range 9 {
			l.client(strings.Repeat("x", 1000))
		}
	}},
	{"a response before its request", false, func(l *life) {
		l.handshake()
		l.c += len(get1)
		l.server(answered)
		l.c -= len(get1)
		l.client(get1)
	}},
	{"a keep-alive probe", false, func(l *life) {
		l.handshake().client(get1).server(answered).wait(time.Minute)
		l.send(seg{from: 'c', off: l.c - 1, data: "\n", ack: l.s})
	}},
}

// goodRequests are ways in which a good request may come; %d is its number.
var goodRequests = map[string]func(n int) []string{
	"in a segment": func(n int) []string { return []string{fmt.Sprintf("GET /good/%d HTTP/1.1\r\nHost: a\r\n\r\n", n)} },
	"in two": func(n int) []string {
		return []string{fmt.Sprintf("POST /good/%d HTTP/1.1\r\nHost: a\r\nContent-", n), "Length: 3\r\n\r\nabc"}
	},
	"with 3 kB of head": func(n int) []string {
		return []string{fmt.Sprintf("GET /good/%d HTTP/1.1\r\nCookie: %s", n, strings.Repeat("a", 1400)), strings.Repeat("b", 1448), "\r\nHost: a\r\n\r\n"}
	},
	"with odd lines": func(n int) []string {
		return []string{fmt.Sprintf("GET /good/%d a HTTP/1.1\nno colon\n", n), " folded\nHost: a\n\n"}
	},
}

// From every state of a connection, a request that follows in sequence is
// given: all but at most one, which is counted.
func TestEveryStateHears(t *testing.T) {
	for _, state := range connectionStates {
		t.Run(state.name, func(t *testing.T) {
			for way, good := range goodRequests {
				for _, visible := range []bool{false, true} {
					if state.visible && !visible {
						continue
					}
					r := newRig(t, Config{TrackResponse: visible, MaxMessage: 8000})
					l := &life{r: r}
					state.lead(l)
					if wrong := l.hears(good); wrong != "" {
						t.Errorf("requests %s, responses %v: %s", way, visible, wrong)
					}
				}
			}
		})
	}
}

// hears sends good requests and says what is wrong with what is given.
func (l *life) hears(good func(n int) []string) string {
	const requests = 5
	for n := range requests {
		l.client(good(n)...).server(answered)
	}
	given := map[string]int{}
	for _, m := range l.r.messages() {
		if !m.Response {
			given[string(m.Data)]++
		}
	}
	var missing []int
	for n := range requests {
		switch given[strings.Join(good(n), "")] {
		case 0:
			missing = append(missing, n)
		case 1:
		default:
			return fmt.Sprintf("number %d was given more than once", n)
		}
	}
	a := account(l.r.a.stats, false)
	if len(missing) > 1 || len(missing) == 1 && (missing[0] > 0 || a.Lost+a.Skipped == 0) {
		return fmt.Sprintf("%v of %d are missing; %s", missing, requests, losses(l.r.a.stats.Lost))
	}
	return ""
}
