package rawsocket

import "time"

const (
	// noticeGrain is how often the source's counters are looked at.
	noticeGrain = time.Second
	// silence is after what time without a request a live capture says what
	// it has seen instead.
	silence = 10 * time.Second
)

// notices tells people, once each, what they would want to know before the
// summary at the end. The assembler's goroutine calls it.
type notices struct {
	logf   func(string, ...any)
	source func() SourceStats // nil when there is none
	live   bool

	began, next int64 // packet time
	faults      int   // of the source, that were told

	toldTLS, toldHTTP2, toldShed, toldDrops, toldSilence bool
}

func (n *notices) tls(c *conn) {
	if !once(&n.toldTLS) {
		return
	}
	_, server := c.ends()
	n.logf("port %d carries TLS, which cannot be read: capture behind the TLS terminator, on the port it forwards plain HTTP to", server.Port())
}

func (n *notices) http2(c *conn) {
	if !once(&n.toldHTTP2) {
		return
	}
	_, server := c.ends()
	n.logf("port %d carries HTTP/2, which is not captured: capture where it has been translated to HTTP/1, behind the proxy", server.Port())
}

func (n *notices) shed() {
	if once(&n.toldShed) {
		n.logf("messages are being lost: they are captured faster than they are passed on")
	}
}

// look tells what the counters show. now is packet time.
func (n *notices) look(now int64, s *Stats) {
	if now < n.next {
		return
	}
	if n.began == 0 {
		n.began = now
	}
	n.next = now + int64(noticeGrain)
	if n.source == nil {
		return
	}
	src := n.source()
	n.tellFaults(src)
	if src.Dropped > 0 && once(&n.toldDrops) {
		n.logf("the kernel dropped %d packets: raise --input-raw-buffer-size", src.Dropped)
	}
	if s.Requests > 0 {
		n.toldSilence = true
	}
	if n.live && now-n.began >= int64(silence) && once(&n.toldSilence) {
		n.logf("no request in %v: %d packets, %d connections (%d TLS, %d HTTP/2, %d excluded), %d messages begun, %d lost",
			silence, src.Received, s.Connections, s.TLS, s.HTTP2, s.Excluded, s.Starts, s.LostSum())
	}
}

func (n *notices) tellFaults(src SourceStats) {
	for ; n.faults < len(src.Faults); n.faults++ {
		n.logf("%s", src.Faults[n.faults])
	}
}

// once reports whether told was false, and makes it true.
func once(told *bool) bool {
	first := !*told
	*told = true
	return first
}
