package link

import (
	"io"
	"time"
)

const (
	// ackInterval is the longest that a message which is done with waits for
	// the outputs to be settled.
	ackInterval = 20 * time.Millisecond

	// pushInterval is the shortest time between two settlements, however
	// often senders ask.
	pushInterval = time.Millisecond

	// repeatAck is how often a receiver that has nothing new to say repeats
	// its acknowledgment, as a sign of life.
	repeatAck = 5 * time.Second

	// ackStall is how long a sender may not take an acknowledgment.
	ackStall = 30 * time.Second
)

// acknowledge is the goroutine that settles the outputs.
func (r *Receiver) acknowledge() {
	timer := time.NewTimer(0)
	<-timer.C
	for {
		select {
		case <-r.fresh:
		case <-r.stop:
			cancel := make(chan struct{})
			defer time.AfterFunc(closeSettle, func() { close(cancel) }).Stop()
			r.settle(cancel)
			return
		}
		// More will come: one settlement serves all of it.
		timer.Reset(ackInterval)
		select {
		case <-timer.C:
		case <-r.urgent:
			timer.Stop()
		case <-r.stop:
			continue
		}
		r.settle(r.stop)
		timer.Reset(pushInterval)
		select {
		case <-timer.C:
		case <-r.stop:
		}
	}
}

// settle settles what Read's caller has done with, and has it acknowledged.
func (r *Receiver) settle(cancel <-chan struct{}) {
	r.mu.Lock()
	dues := r.dirty
	r.dirty = nil
	for i := range dues {
		dues[i].number = dues[i].session.done
		dues[i].session.dirty = false
	}
	r.mu.Unlock()
	if len(dues) == 0 {
		return
	}
	err := r.cfg.Settle(cancel)
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, d := range dues {
		s := d.session
		if err != nil {
			r.markDirty(s)
			continue
		}
		s.settled = max(s.settled, d.number)
		if s.peer != nil {
			r.signal(s.peer.ack)
		}
	}
	if err != nil {
		r.signal(r.fresh)
	} else if r.dirty == nil {
		r.dirty = dues[:0]
	}
}

// due is a session with messages that are done with and not settled.
type due struct {
	session *session
	number  uint64
}

// markDirty has s looked at by the next settle. Call with the lock held.
func (r *Receiver) markDirty(s *session) {
	if !s.dirty {
		s.dirty = true
		r.dirty = append(r.dirty, due{session: s})
	}
}

// writeAcks is the goroutine of a connection that tells its sender what is
// settled, until the connection or the receiver ends.
func (p *peer) writeAcks() {
	timer := time.NewTimer(repeatAck)
	defer timer.Stop()
	var out [frameHead]byte
	for leaving := false; ; {
		select {
		case <-p.ack:
		case <-timer.C:
		case <-p.ended:
			return
		case <-p.leaving:
			leaving = true
		}
		p.r.mu.Lock()
		s := p.session
		if s == nil {
			p.r.mu.Unlock()
			return
		}
		settled := s.settled
		p.r.mu.Unlock()
		p.conn.SetWriteDeadline(time.Now().Add(ackStall))
		if _, err := p.conn.Write(appendHead(out[:0], kindAck, settled, nil)); err != nil || leaving {
			if err == nil {
				p.linger()
			}
			p.conn.Close() // its reader ends, if it has not already
			return
		}
		timer.Reset(repeatAck)
	}
}

// leaveTime is how long a sender has to take the last acknowledgment and to
// close its end.
const leaveTime = 500 * time.Millisecond

// linger closes our end and reads on until the sender has closed its own: what
// it still sends would otherwise reset the connection, and the last
// acknowledgment could be lost with it.
func (p *peer) linger() {
	half, ok := p.conn.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return
	}
	p.conn.SetReadDeadline(time.Now().Add(leaveTime))
	io.Copy(io.Discard, p.conn)
}
