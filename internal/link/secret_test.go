package link

import (
	"context"
	"net"
	"testing"
	"time"
)

// A forged hello with an identity that was seen, its token too or none, is
// refused: the messages of its sender arrive, over all its connections.
func TestForgedIdentity(t *testing.T) {
	l := listen(t)
	r := newTestReceiver(t, l)
	got := drainInto(r)
	src := newTestSource()
	s := newTestSender(t, l.Addr().String(), src)
	src.ch <- message(1, 0, 100)
	got.await(t, 1)
	s.mu.Lock()
	id, seen := s.id, s.secret
	s.mu.Unlock()
	seen.used--
	shown, _ := seen.next()
	for _, hello := range [][]byte{
		appendHello(nil, id, version),
		appendProvenHello(nil, id, version, shown),
		appendProvenHello(nil, id, version, token{1}),
	} {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		c.Write(append(hello, appendFrame(nil, kindMessage, 1000, message(2, 0, 10))...))
		c.SetReadDeadline(time.Now().Add(time.Minute))
		if n, err := c.Read(make([]byte, 100)); n > 0 || isTimeout(err) {
			t.Errorf("the forged hello %q was answered", hello)
		}
		c.Close()
	}
	if n := r.counts.Get(countForged); n != 3 {
		t.Errorf("%d refused, want 3", n)
	}
	// Its own sender goes on, also over another connection.
	r.mu.Lock()
	for p := range r.peers {
		p.raw.Close()
	}
	r.mu.Unlock()
	for i := range 80 {
		src.ch <- message(1, uint32(1+i), 100)
	}
	close(src.ch)
	s.awaitDone(t)
	got.check(t, 1, 81, false)
}

// What a sender leaves to its successor keeps its tokens, and one that has
// shown all takes a new identity.
func TestSecretOutlivesItsSender(t *testing.T) {
	first := newSecret()
	shown, _ := first.next()
	again, err := parseSecret(first.String())
	if err != nil || again != first {
		t.Fatalf("%v, %v, want %v", again, err, first)
	}
	for range 5 {
		later, ok := again.next()
		if !ok || !shown.provenBy(later) || later.provenBy(shown) {
			t.Fatal("a token does not prove the one before it, or an earlier one a later one")
		}
	}
	if _, err := parseSecret("x-1"); err == nil {
		t.Error("a malformed secret was taken")
	}
	s := NewSender(SenderConfig{Dial: func(context.Context) (net.Conn, error) { return nil, net.ErrClosed }}, newTestSource())
	defer s.Close()
	s.mu.Lock()
	id := s.id
	s.secret.used = chainLength
	s.mu.Unlock()
	s.greeting()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.id == id {
		t.Error("the identity outlived its tokens")
	}
}

// Of a sender without tokens the certificate says who it is.
func TestIdentityOfACertificate(t *testing.T) {
	s := &session{}
	if !s.belongs(proof{subject: "a"}) || s.belongs(proof{subject: "b"}) || s.belongs(proof{}) || !s.belongs(proof{subject: "a"}) {
		t.Error("an identity went over to another certificate")
	}
}
