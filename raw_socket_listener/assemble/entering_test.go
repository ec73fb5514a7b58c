package assemble

import (
	"fmt"
	"strings"
	"testing"
)

// lostPlaces are where it is not known any more where a request begins, and
// how many messages are lost there.
var lostPlaces = []struct {
	name string
	lost uint64
	lead func(l *life)
}{
	{"behind a malformed head", 1, func(l *life) { l.handshake().client(malformed).server(refused) }},
	{"behind a hole", 1, func(l *life) { l.handshake().client(get1).server(answered).missing(30) }},
	{"behind a hole and a body", 1, func(l *life) {
		l.handshake().client(get1).server(answered).missing(30).client("more of it\n").server(answered)
	}},
	{"joined", 0, func(l *life) {}},
	{"joined in a body", 1, func(l *life) { l.client("zzzzzzz\n").server(answered) }},
}

// enter sends segments from a lost place on and returns the requests that are
// given from there, and how many are counted besides those that were lost before.
func enter(t *testing.T, lead func(l *life), cfg Config, segments ...string) (given []string, counted uint64) {
	t.Helper()
	r := newRig(t, cfg)
	l := &life{r: r}
	lead(l)
	l.client(segments...).server(answered)
	for _, m := range r.messages() {
		if !m.Response && string(m.Data) != get1 {
			given = append(given, string(m.Data))
		}
	}
	a := account(r.a.stats, false)
	return given, a.Lost + a.Skipped
}

// A method that is cut is put together, also where what follows the cut is a
// method too: of an UNLOCK no LOCK is made.
func TestMethodsInPieces(t *testing.T) {
	for _, place := range lostPlaces {
		for _, method := range []string{"GET", "POST", "UNLOCK", "UNLINK", "UNBIND", "REBIND", "UNCHECKOUT", "UNSUBSCRIBE", "PROPPATCH", "ORDERPATCH"} {
			request := method + " /2 HTTP/1.1\r\nHost: a\r\n\r\n"
			for cut := 1; cut < len(method)+3; cut++ {
				for _, parts := range [][]string{
					{request[:cut], request[cut:]},
					{request[:cut], request[cut : cut+1], request[cut+1:]},
				} {
					given, counted := enter(t, place.lead, Config{}, parts...)
					if len(given) != 1 || given[0] != request || counted != place.lost {
						t.Errorf("%s, %.12q: given %q, %d counted, want the request and %d", place.name, parts, given, counted, place.lost)
					}
				}
			}
		}
	}
}

// A method that nothing of a request follows is passed, and the request behind
// it given, however both are cut.
func TestLoneMethods(t *testing.T) {
	for _, place := range lostPlaces {
		for _, word := range []string{"POST ", "GET ", "POST", "GE", "UN", "PROP", "POST /"} {
			for cut := 0; cut < 22; cut++ {
				parts := []string{word, get2}
				if cut > 0 {
					parts = []string{word, get2[:cut], get2[cut:]}
				}
				given, counted := enter(t, place.lead, Config{}, parts...)
				if len(given) != 1 || !strings.HasSuffix(given[0], get2) || counted < place.lost {
					t.Errorf("%s, %q: given %q, %d counted, want %q and %d", place.name, parts, given, counted, get2, place.lost)
				}
			}
		}
	}
}

// What a malformed head is followed by in its own segment is counted, wherever
// the head was cut.
func TestBehindMalformedHead(t *testing.T) {
	for _, place := range lostPlaces {
		for _, head := range []string{malformed, strings.Replace(malformed, " HTTP", "\tHTTP", 1)} {
			for cut := range len(head) {
				parts := []string{head[:cut], head[cut:] + get2}
				if cut == 0 {
					parts = parts[1:]
				}
				given, counted := enter(t, place.lead, Config{}, parts...)
				if want := place.lost + 2; len(given) != 0 || counted != want {
					t.Errorf("%s, %q: given %q, %d counted, want %d", place.name, parts, given, counted, want)
				}
			}
		}
	}
}

// A request that was lost before it was known to be one stays lost when
// another one interrupts it.
func TestInterruptedWhenLost(t *testing.T) {
	for _, place := range lostPlaces {
		parts := []string{"GET /large HTTP/1.1\r\nCookie: "}
		for range 5 {
			parts = append(parts, strings.Repeat("x", 300))
		}
		given, counted := enter(t, place.lead, Config{MaxMessage: 1000}, append(parts, get2)...)
		if want := place.lost + 1; fmt.Sprint(given) != fmt.Sprint([]string{get2}) || counted != want {
			t.Errorf("%s: given %q, %d counted, want %d", place.name, given, counted, want)
		}
	}
}

// In a tunnel a word that CONNECT begins with opens it for no other request.
func TestTunnelKeepsRequests(t *testing.T) {
	const tunnel = "CONNECT a:1 HTTP/1.1\r\n\r\n"
	for _, word := range []string{"CON", "CONNECT ", "CONNECT a"} {
		lead := func(l *life) { l.handshake().client(tunnel) }
		given, counted := enter(t, lead, Config{}, word, get2)
		if len(given) != 1 || given[0] != tunnel || counted != 1 {
			t.Errorf("%q: given %q, %d counted, want the CONNECT and 1", word, given, counted)
		}
	}
}
