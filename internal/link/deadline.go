package link

import "time"

const (
	// idleShrink is when a connection that has gone quiet returns its large
	// buffer.
	idleShrink = time.Second

	// recordTime and recordRate are how long a record may take from its first
	// byte to its last: a peer that trickles must not sit on a large buffer.
	recordTime = time.Minute
	recordRate = 64 << 10 // bytes a second

	// contendedTime and contendedRate are the same while others wait for the
	// memory that the record has; contendedLooks is how often in that time it
	// is looked whether they do.
	contendedTime  = 2 * time.Second
	contendedRate  = 256 << 10 // bytes a second
	contendedLooks = 4

	// strangeWait is how long a peer that begins unlike a sender may go on,
	// so that the log can say better what it speaks.
	strangeWait = 2 * time.Second
)

// deadline is when the read that begins now is to be broken off; zero never.
func (p *peer) deadline() time.Time {
	have := p.fill.n - p.parsed
	switch {
	case p.strange:
		return p.since.Add(strangeWait)
	case p.isFirst():
		return p.started.Add(p.r.cfg.FirstWait)
	case have > 0 && p.fill.cost > 0:
		return earlier(time.Now().Add(p.r.cfg.ContendedTime/contendedLooks), p.recordEnd(have))
	case have > 0:
		return p.recordEnd(have)
	case p.fill.cost > 0:
		return time.Now().Add(idleShrink)
	}
	return time.Time{}
}

// recordEnd is when a record with have bytes read so far is too slow.
func (p *peer) recordEnd(have int) time.Time {
	if p.fill.cost > 0 && p.contended() {
		return p.since.Add(p.r.cfg.ContendedTime + time.Duration(have)*time.Second/contendedRate)
	}
	return p.since.Add(recordTime + time.Duration(have/recordRate)*time.Second)
}

// contended reports whether others wait for memory of the kind that the
// connection has.
func (p *peer) contended() bool {
	if p.fill.cost == largeCost {
		return p.r.large.contended()
	}
	return p.r.big.contended()
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// expired deals with a deadline that has passed.
func (p *peer) expired(now time.Time) error {
	switch {
	case p.fill.n == p.parsed && p.fill.cost > 0 && !p.isFirst():
		p.release(p.fill)
		p.fill = nil
		p.fill, p.parsed, p.full = p.small(), 0, false
		return nil
	case !p.strange && !p.isFirst() && p.fill.n > p.parsed && now.Before(p.recordEnd(p.fill.n-p.parsed)):
		return nil
	case (p.strange || p.isFirst()) && now.Before(p.deadline()):
		return nil
	case p.strange:
		return p.unfinished()
	case p.isFirst():
		return refuse(countLate, "no record in %s", p.r.cfg.FirstWait)
	}
	return refuse(countTorn, "it stalls inside a record")
}
