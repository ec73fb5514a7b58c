package link

// A Mark is where a sender stood: who it was to the receiver, and the number of
// the first message that was not delivered.
type Mark struct {
	Identity Identity
	Number   uint64
	Secret   string // proves that a sender is of that identity
}

// Stop ends the connection and returns where the sender stood. What was taken
// from the source and is not delivered stays in use until Close.
func (s *Sender) Stop() Mark {
	s.cancel()
	<-s.ended
	s.mu.Lock()
	defer s.mu.Unlock()
	return Mark{s.id, s.window.first, s.secret.String()}
}

// Close gives up what is not delivered and returns how many messages that
// are, of those that were taken from the source. It waits until the sender has
// stopped using them and releases them. A second Close returns zero.
func (s *Sender) Close() (unsent int) {
	s.cancel()
	<-s.ended
	s.giveUpHeld()
	s.mu.Lock()
	unsent = s.window.count
	for range unsent {
		s.window.pop()
	}
	s.mu.Unlock()
	if unsent > 0 {
		s.src.Release(unsent)
	}
	return unsent
}
