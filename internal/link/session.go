package link

import "container/list"

// maxSessions is how many senders that are not connected are remembered for
// the removal of duplicates; each costs some 200 bytes.
const maxSessions = 8192

// session is what a receiver knows of one sender, over all its connections.
// Receiver.mu guards it.
type session struct {
	id       Identity
	peer     *peer  // the newest connection; nil when there is none, or it speaks the plain stream
	last     *peer  // the newest connection, until all of it is lent to Read
	received uint64 // highest number that was lent to Read
	done     uint64 // highest number that the caller of Read has done with
	settled  uint64 // highest number that every output has done with
	dirty    bool   // is in Receiver.dirty
	known    bool   // it had a connection, which has shown proof
	proof    proof
	plain    plainTaken // of the newest connection that spoke the plain stream
	place    *list.Element
}

// sessions are the known senders. Those without a connection and with nothing
// on its way are forgotten in the order in which they were last seen.
type sessions struct {
	byID map[Identity]*session
	seen *list.List // of *session, the longest unseen first
}

func newSessions() sessions {
	return sessions{byID: make(map[Identity]*session), seen: list.New()}
}

// get returns the session of id, a new one if need be.
func (m *sessions) get(id Identity) *session {
	s := m.byID[id]
	if s == nil {
		s = &session{id: id}
		s.place = m.seen.PushBack(s)
		m.byID[id] = s
	}
	m.seen.MoveToBack(s.place)
	for e := m.seen.Front(); len(m.byID) > maxSessions && e != nil; {
		next := e.Next()
		if old := e.Value.(*session); old != s && old.peer == nil && old.last == nil && old.settled == old.received {
			m.seen.Remove(e)
			delete(m.byID, old.id)
		}
		e = next
	}
	return s
}
