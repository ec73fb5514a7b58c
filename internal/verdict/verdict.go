// Package verdict says whether a new version answers as the old one did. Pairs of
// answers go in; what differs comes out, with how bad it is, how often it happens,
// and whether it is noise.
//
// The package is pure: it reads no recording, opens no file, and knows no flag. Of
// its rooms, finding has what a difference is, jsondiff, body and header find
// differences, route groups requests, rules reads what people want ignored, noise
// weighs evidence, join makes pairs of records, and report shows a Result.
package verdict

import (
	"time"

	"github.com/buger/gor/internal/verdict/finding"
)

// What a difference is stands in package finding, since every room needs it.
type (
	Severity = finding.Severity
	Finding  = finding.Finding
)

// A Pair is one request with the answers that are compared. At least one answer
// of the old and one of the new version should be there; what is missing was not
// recorded, which says nothing about the new version.
type Pair struct {
	// ID is what the request and its answers share.
	ID string

	// Request is the raw request, empty when it was not recorded.
	Request []byte

	// Old is the answer that is taken for right: the original server's, or that of
	// the old version during the same replay. Nil: not recorded.
	Old *Answer

	// Again is what the old version answered when it was asked a second time
	// during the same replay. It shows what differs without any change. Nil: it
	// was not asked.
	Again *Answer

	// Before is what the old version was recorded to answer to the same request
	// earlier. It shows noise too, but only with Again nil. Nil: not known.
	Before *Answer

	// New is what the new version answered. Nil: not recorded.
	New *Answer
}

// An Answer is what a server answered, or why it did not.
type Answer struct {
	// Bytes is the raw response as it came, with its codings; empty when there was
	// none.
	Bytes []byte

	// Error says why there was no answer ("timeout", "refused", "reset"); empty
	// when there was one.
	Error string

	// Label names the target that answered; empty when there is but one.
	Label string

	// Time is when the request was sent (replayed) or the first packet of the
	// answer was seen (captured), in ns since 1970; 0 unknown.
	Time int64

	// Took is the round-trip time (replayed) or how long the answer lasted
	// (captured); negative when it is unknown.
	Took time.Duration

	// Replayed tells an answer to Gor's request from one that was captured. Only
	// the times of replayed answers can be compared with each other.
	Replayed bool
}

// A Standing is what is made of a difference after all evidence. A larger one is
// worse. The zero value is none.
type Standing uint8

// The standings, from the best on.
const (
	_ Standing = iota

	// Expected is a change that a rule wants.
	Expected
	// Noise happens without any change of version, or is a value that is new in
	// every answer.
	Noise
	// Suspect is unexplained, but too rare to be told from chance: it is shown, and
	// fails only those who fail for anything.
	Suspect
	// Regression is a difference that the new version makes.
	Regression
)

// String is the standing's name for people: "regression".
func (s Standing) String() string {
	switch s {
	case Expected:
		return "expected"
	case Noise:
		return "noise"
	case Suspect:
		return "suspect"
	case Regression:
		return "regression"
	}
	return "equal"
}
