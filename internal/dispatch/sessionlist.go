package dispatch

// A sessionList is the idle sessions, the one that went idle first in front.
type sessionList struct {
	first, last *Session
}

// push appends ss, unless it is listed already.
func (l *sessionList) push(ss *Session) {
	if ss.idle {
		return
	}
	ss.idle, ss.prev, ss.next = true, l.last, nil
	if l.last != nil {
		l.last.next = ss
	} else {
		l.first = ss
	}
	l.last = ss
}

// remove takes ss off the list, and reports whether it was there.
func (l *sessionList) remove(ss *Session) bool {
	if !ss.idle {
		return false
	}
	if ss.prev != nil {
		ss.prev.next = ss.next
	} else {
		l.first = ss.next
	}
	if ss.next != nil {
		ss.next.prev = ss.prev
	} else {
		l.last = ss.prev
	}
	ss.idle, ss.prev, ss.next = false, nil, nil
	return true
}
