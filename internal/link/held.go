package link

// held is what was written on a plain connection that has ended, and of which
// the receiver, if it has seen the hello, knows better what arrived: messages
// of the window up to number mark. What they have as fate is what they get when
// nobody says. The zero value holds nothing.
type held struct {
	mark   uint64
	token  token  // of that connection's hello
	before uint64 // records of that connection that have left the window
}

// concludeHeld does what an answer says about what is held: the first of its
// records were delivered, and the rest are sent again.
func (s *Sender) concludeHeld(a answer) {
	if !a.tells {
		s.giveUpHeld() // an earlier version
		return
	}
	s.mu.Lock()
	h := s.held
	s.held = held{}
	read := uint64(0)
	if a.plain.token == h.token {
		read = a.plain.records
	}
	until := s.window.first - 1
	for number := s.window.first; number <= h.mark && h.before < read; number++ {
		sl := s.window.at(number)
		if sl.fate == delivered || sl.fate == broken {
			sl.fate = delivered
			h.before++
		}
		until = number
	}
	s.mu.Unlock()
	s.release(until)
}

// giveUpHeld releases what is held: no receiver will say more about it.
func (s *Sender) giveUpHeld() {
	s.mu.Lock()
	mark := s.held.mark
	s.held = held{}
	s.mu.Unlock()
	s.release(mark)
}
