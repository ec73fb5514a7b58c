package link

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
)

// An identity can be seen by whoever sees a hello. If it were all that a sender
// shows, another could number messages in its name, and the receiver would take
// the sender's own for ones that it has already. So each hello also has a token
// that only the sender of the hellos before it can know: tokens are links of a
// chain of hashes, shown from its end (Lamport 1981), so that a token proves
// that the next one is of the same sender, and tells nobody what that is.

// chainLength is how many connections a sender opens with one identity; after
// that it takes a new one. To find a token's place costs a receiver as many
// hashes at most: less than a millisecond.
const chainLength = 1 << 13

type token [16]byte

func (t token) before() (b token) {
	sum := sha256.Sum256(t[:])
	copy(b[:], sum[:])
	return b
}

// provenBy reports whether later is of the sender that has shown t.
func (t token) provenBy(later token) bool {
	for range chainLength {
		later = later.before()
		if later == t {
			return true
		}
	}
	return false
}

// A secret makes the tokens of one identity. The zero value has none: of a
// sender that was begun by a version without them.
type secret struct {
	seed token
	used int // tokens that were shown
}

func newSecret() (s secret) {
	rand.Read(s.seed[:]) // never fails
	return s
}

// next returns the next token, or false when there are no more.
func (s *secret) next() (t token, ok bool) {
	if s.used >= chainLength {
		return token{}, false
	}
	s.used++
	t = s.seed
	for range chainLength - s.used {
		t = t.before()
	}
	return t, true
}

func (s secret) String() string {
	if s == (secret{}) {
		return ""
	}
	return hex.EncodeToString(s.seed[:]) + "-" + strconv.Itoa(s.used)
}

var errSecret = errors.New("malformed secret")

// parseSecret reads what String returned.
func parseSecret(text string) (s secret, err error) {
	if text == "" {
		return s, nil
	}
	seed, used, ok := strings.Cut(text, "-")
	if !ok || len(seed) != hex.EncodedLen(len(s.seed)) {
		return secret{}, errSecret
	}
	if _, err := hex.Decode(s.seed[:], []byte(seed)); err != nil {
		return secret{}, errSecret
	}
	if s.used, err = strconv.Atoi(used); err != nil || s.used < 0 {
		return secret{}, errSecret
	}
	return s, nil
}

// parseToken reads the body of a hello. shown is false when it has no token, as
// those of earlier versions.
func parseToken(body []byte) (t token, shown bool) {
	digits, ok := strings.CutPrefix(string(body), helloBody+" ")
	if !ok || len(digits) != hex.EncodedLen(len(t)) {
		return token{}, false
	}
	_, err := hex.Decode(t[:], []byte(digits))
	return t, err == nil
}

// A proof is what a connection shows beside the identity.
type proof struct {
	token   token
	shown   bool   // there is a token
	subject string // of the client certificate, which an authority vouches for; "" none
}

// belongs reports whether a connection that shows p is of the session's
// sender, and remembers p if so. The session's first connection is. A sender
// without tokens is known by its certificate; where it has shown one, the next
// token counts, so that a certificate may be replaced.
func (s *session) belongs(p proof) bool {
	switch {
	case !s.known:
	case s.proof.shown:
		if !p.shown || !s.proof.token.provenBy(p.token) {
			return false
		}
	case p.subject != s.proof.subject:
		return false
	}
	s.known, s.proof = true, p
	return true
}
