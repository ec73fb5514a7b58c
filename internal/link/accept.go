package link

import "time"

const (
	// yielding is how many connections may be ending beside those that have a
	// place, and yieldWait how long a new one waits when there are more.
	yielding  = 64
	yieldWait = time.Second
)

// accept is the goroutine that takes connections.
func (r *Receiver) accept() {
	pause := 5 * time.Millisecond
	for {
		conn, err := r.listener.Accept()
		select {
		case <-r.closing:
			if err == nil {
				conn.Close()
			}
			return
		default:
		}
		if err != nil {
			// Out of file descriptors, most likely: others may end soon.
			r.log.say("accept connection: %v; trying again", err)
			select {
			case <-time.After(pause):
			case <-r.closing:
				return
			}
			pause = min(2*pause, time.Second)
			continue
		}
		pause = 5 * time.Millisecond
		p := newPeer(r, conn)
		if !r.admit(p) {
			r.counts.Add(countCrowded)
			if r.log.fresh(conn.RemoteAddr(), "refused", time.Now()) {
				r.log.say("%s: refused, there are %d connections already", conn.RemoteAddr(), r.cfg.MaxConns)
			}
			conn.Close()
			continue
		}
		r.readers.Go(p.run)
	}
}

// admit gives a peer a place, which another may lose for it. The sender of that
// one, when it has something to send, connects again.
func (r *Receiver) admit(p *peer) bool {
	now := time.Now()
	place, evicted := r.table.Admit(p.conn.RemoteAddr(), func() { p.raw.Close() }, now)
	if place == nil {
		return false
	}
	p.place = place
	if evicted != nil {
		if r.log.fresh(p.conn.RemoteAddr(), "no other place", now) {
			r.log.say("a connection was closed after %s of silence: there are %d, and %s has no other place", evicted.Idle(now).Round(time.Second), r.cfg.MaxConns, p.conn.RemoteAddr())
		}
		r.counts.Add(countGaveWay)
		evicted.End()
		if !r.awaitRoom() {
			place.Leave()
			return false
		}
	}
	r.mu.Lock()
	r.peers[p] = struct{}{}
	r.mu.Unlock()
	return true
}

// awaitRoom waits until a connection that was closed has let go of its buffers:
// Read's channel has room for those of MaxConns and yielding.
func (r *Receiver) awaitRoom() bool {
	late := time.NewTimer(yieldWait)
	defer late.Stop()
	for {
		r.mu.Lock()
		n := len(r.peers)
		r.mu.Unlock()
		if n < r.cfg.MaxConns+yielding {
			return true
		}
		select {
		case <-r.left:
		case <-late.C:
			return false
		case <-r.closing:
			return false
		}
	}
}
