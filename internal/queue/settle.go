package queue

// Settling divides the messages into epochs: each Settle ends the current one,
// and returns when no message of it or of an older one is left. Workers may
// finish in any order, and any number of Settles may run at once.
type epochs struct {
	first   uint64 // number of pending[0]
	pending []int  // unfinished messages of each epoch; the last is the current
	waiting []*settler
}

type settler struct {
	epoch uint64
	done  chan struct{}
}

// add counts one more message and returns its epoch.
func (e *epochs) add() uint64 {
	if len(e.pending) == 0 {
		e.pending = append(e.pending, 0)
	}
	last := len(e.pending) - 1
	e.pending[last]++
	return e.first + uint64(last)
}

// done takes off one message of that epoch.
func (e *epochs) done(epoch uint64) {
	i := int(epoch - e.first)
	if i < 0 || i >= len(e.pending) || e.pending[i] == 0 {
		panic("queue: Done called twice for one Item")
	}
	e.pending[i]--
	if i == 0 && e.pending[0] == 0 && len(e.pending) > 1 {
		e.advance()
	}
}

// advance forgets the finished epochs at the front and releases who waited.
func (e *epochs) advance() {
	for len(e.pending) > 1 && e.pending[0] == 0 {
		e.pending = e.pending[1:]
		e.first++
	}
	kept := e.waiting[:0]
	for _, s := range e.waiting {
		if s.epoch < e.first {
			close(s.done)
		} else {
			kept = append(kept, s)
		}
	}
	clear(e.waiting[len(kept):])
	e.waiting = kept
}

// settle ends the current epoch. It returns nil when nothing is unfinished.
func (e *epochs) settle() *settler {
	if len(e.pending) == 0 || len(e.pending) == 1 && e.pending[0] == 0 {
		return nil
	}
	last := len(e.pending) - 1
	s := &settler{epoch: e.first + uint64(last), done: make(chan struct{})}
	if e.pending[last] == 0 {
		// Nothing came since another Settle: wait for the same epoch.
		s.epoch--
	} else {
		e.pending = append(e.pending, 0)
	}
	e.waiting = append(e.waiting, s)
	return s
}

// forget takes a settler off that does not wait any longer.
func (e *epochs) forget(s *settler) {
	for i, w := range e.waiting {
		if w == s {
			last := len(e.waiting) - 1
			e.waiting[i] = e.waiting[last]
			e.waiting[last] = nil
			e.waiting = e.waiting[:last]
			return
		}
	}
}
