package assemble

// A Loss is why a message that was seen to begin was not given.
type Loss uint8

// The reasons, each with what brings it about.
const (
	NotLost        Loss = iota
	LostGap             // bytes of it never arrived
	LostJoined          // the capture came upon its connection in the middle of it
	LostTooLarge        // longer than Config.MaxMessage, or with more than http1.MaxFields fields
	LostMemory          // Config.MaxBuffered or Config.MaxConns was reached, and it was the oldest idle
	LostMalformed       // it is not HTTP/1
	LostClosed          // its connection ended in it
	LostExpired         // nothing came on its connection for IdleTimeout
	LostIncomplete      // the capture ended in it
	LostUnpaired        // a response whose request was lost, or was not seen
	LostShed            // Next was called too slowly
	LostWithheld        // the server refused it before the client sent its body (Expect: 100-continue)
	LossKinds
)

// missing reports that a message is lost because it did not come whole.
func (l Loss) missing() bool {
	switch l {
	case LostGap, LostClosed, LostExpired, LostIncomplete, LostWithheld:
		return true
	}
	return false
}

// String names the reason as the ledger does.
func (l Loss) String() string {
	return [LossKinds]string{
		"not lost", "gap", "joined mid-message", "too large", "memory", "malformed",
		"connection closed", "connection idle", "capture ended", "response without request", "reader too slow",
		"body refused",
	}[l]
}

// Stats is the ledger of an assembler. Starts equals the sum of Requests,
// Responses, Interim, all of Lost, and Open.
type Stats struct {
	Segments   uint64 // TCP segments looked at
	Unmatched  uint64 // segments to and from other addresses
	Undirected uint64 // segments of connections whose client is not known

	Connections uint64 // seen to begin, or joined
	Joined      uint64 // of these: established before the capture
	Rewritten   uint64 // of these: seen before with other addresses, and ignored
	Shared      uint64 // of these: seen before by another capture, and ignored
	Excluded    uint64 // of these: refused by Config.Exclude
	TLS         uint64 // of these: encrypted
	HTTP2       uint64 // of these: HTTP/2
	Tunnels     uint64 // of these: given over to another protocol (CONNECT, Upgrade)
	Evicted     uint64 // forgotten because Config.MaxConns was reached
	Reused      uint64 // ended by the next one between the same ports
	Multipath   uint64 // of these: with several subflows (MPTCP), whose messages are spread over them; not understood

	Retransmitted uint64 // segments that held bytes seen before
	Conflicting   uint64 // of these: with other bytes than before, as far as those were still there
	OutOfOrder    uint64 // segments that came before their predecessors
	Far           uint64 // segments outside of any window of their connection, which is left as it was
	Refused       uint64 // SYN, FIN and RST that the other end would not take
	Gaps          uint64 // holes that did not close
	MissingBytes  uint64 // in these holes
	SkippedBytes  uint64 // passed over in search of a head
	SkippedStarts uint64 // request lines that went by unread: in these bytes, and of connections that are over or not understood
	UnseenBytes   uint64 // acknowledged by the receiver at the end of a connection and not seen; only with responses

	Starts    uint64 // messages that began, or must have
	Requests  uint64 // given
	Responses uint64 // given
	Interim   uint64 // 1xx responses, which are not given
	Lost      [LossKinds]uint64
	Ambiguous uint64 // given, although their framing can be read in two ways

	Incomplete uint64 // of those given: with bytes missing (Config.AllowIncomplete)
	Divided    uint64 // of those given: so long that what follows is given as another one (Config.Binary)

	Open     uint64 // now: messages that have begun and not ended
	Live     uint64 // now: connections in the table
	Buffered uint64 // now: bytes of memory that torn messages and early segments take
}

// Add adds the ledger of another assembler.
func (s *Stats) Add(o *Stats) {
	for _, n := range [...]struct {
		to   *uint64
		from uint64
	}{
		{&s.Segments, o.Segments}, {&s.Unmatched, o.Unmatched}, {&s.Undirected, o.Undirected},
		{&s.Connections, o.Connections}, {&s.Joined, o.Joined}, {&s.Rewritten, o.Rewritten}, {&s.Shared, o.Shared}, {&s.Excluded, o.Excluded}, {&s.TLS, o.TLS},
		{&s.HTTP2, o.HTTP2}, {&s.Tunnels, o.Tunnels}, {&s.Evicted, o.Evicted}, {&s.Reused, o.Reused}, {&s.Multipath, o.Multipath}, {&s.Far, o.Far}, {&s.Refused, o.Refused}, {&s.SkippedStarts, o.SkippedStarts},
		{&s.Retransmitted, o.Retransmitted}, {&s.Conflicting, o.Conflicting}, {&s.OutOfOrder, o.OutOfOrder},
		{&s.Gaps, o.Gaps}, {&s.MissingBytes, o.MissingBytes}, {&s.SkippedBytes, o.SkippedBytes}, {&s.UnseenBytes, o.UnseenBytes},
		{&s.Starts, o.Starts}, {&s.Requests, o.Requests}, {&s.Responses, o.Responses}, {&s.Interim, o.Interim},
		{&s.Ambiguous, o.Ambiguous}, {&s.Incomplete, o.Incomplete}, {&s.Divided, o.Divided}, {&s.Open, o.Open}, {&s.Live, o.Live}, {&s.Buffered, o.Buffered},
	} {
		*n.to += n.from
	}
	for i, n := range o.Lost {
		s.Lost[i] += n
	}
}

// A Count is one row of the ledger.
type Count struct {
	Name string
	N    uint64
	Lost bool // messages that were lost
}

// Emitted is how many messages were given.
func (s *Stats) Emitted() uint64 { return s.Requests + s.Responses }

// LostSum is how many messages were lost, for whatever reason.
func (s *Stats) LostSum() uint64 {
	var sum uint64
	for _, n := range s.Lost {
		sum += n
	}
	return sum
}

// Rows lists the ledger in the order in which a reader asks: what was given,
// what was lost and why, then what explains it.
func (s Stats) Rows() []Count {
	rows := []Count{
		{Name: "messages begun", N: s.Starts},
		{Name: "requests", N: s.Requests},
		{Name: "responses", N: s.Responses},
		{Name: "interim responses", N: s.Interim},
		{Name: "messages open", N: s.Open},
	}
	for l := NotLost + 1; l < LossKinds; l++ {
		rows = append(rows, Count{Name: "lost: " + l.String(), N: s.Lost[l], Lost: true})
	}
	return append(rows,
		Count{Name: "ambiguous framing", N: s.Ambiguous},
		Count{Name: "messages given incomplete", N: s.Incomplete},
		Count{Name: "messages divided", N: s.Divided},
		Count{Name: "connections", N: s.Connections},
		Count{Name: "connections joined", N: s.Joined},
		Count{Name: "connections seen again with rewritten addresses", N: s.Rewritten},
		Count{Name: "connections left to another capture", N: s.Shared},
		Count{Name: "connections excluded", N: s.Excluded},
		Count{Name: "connections with TLS", N: s.TLS},
		Count{Name: "connections with HTTP/2", N: s.HTTP2},
		Count{Name: "connections tunnelled", N: s.Tunnels},
		Count{Name: "connections evicted", N: s.Evicted},
		Count{Name: "connections reused", N: s.Reused},
		Count{Name: "connections with MPTCP subflows", N: s.Multipath},
		Count{Name: "segments", N: s.Segments},
		Count{Name: "segments of other addresses", N: s.Unmatched},
		Count{Name: "segments without direction", N: s.Undirected},
		Count{Name: "segments retransmitted", N: s.Retransmitted},
		Count{Name: "segments conflicting", N: s.Conflicting},
		Count{Name: "segments out of order", N: s.OutOfOrder},
		Count{Name: "segments out of any window", N: s.Far},
		Count{Name: "SYN/FIN/RST refused", N: s.Refused},
		Count{Name: "gaps", N: s.Gaps},
		Count{Name: "bytes missing", N: s.MissingBytes},
		Count{Name: "bytes skipped", N: s.SkippedBytes},
		Count{Name: "request lines skipped", N: s.SkippedStarts},
		Count{Name: "bytes acknowledged but unseen", N: s.UnseenBytes},
		Count{Name: "connections live", N: s.Live},
		Count{Name: "bytes buffered", N: s.Buffered},
	)
}
