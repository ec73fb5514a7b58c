// Package rules has filters, which say whether a request goes on, and
// rewrites, which change it.
//
// A Rule is read from its kind and its text. A Set is rules that act together:
// the filters see a request as it came, then the rewrites change it, in the
// order of the kinds, whatever the order in which they were given. The head is
// parsed once, however many rules there are.
package rules

import (
	"errors"

	"github.com/buger/gor/internal/http1"
	"github.com/buger/gor/internal/payload"
)

// A Verdict is what becomes of a request.
type Verdict int

// The verdicts. The zero value is none.
const (
	_             Verdict = iota
	Passed                // it goes on
	Filtered              // a filter drops it
	TooManyFields         // it has more than http1.MaxFields: the rules cannot be applied, and without them it must not go on
)

// A Set is rules that act together. It serves one goroutine.
type Set struct {
	filters  []filter
	rewrites []rewrite
	req      request
	parsed   bool // http1 could read the request
	out      []byte
}

// Pass says what becomes of a request, which has the header line of a record.
func (s *Set) Pass(msg []byte) Verdict {
	if err := s.req.Parse(payload.Body(msg)); err != nil {
		s.parsed = false
		var why *http1.Error
		if errors.As(err, &why) && why.Reason == http1.ReasonManyFields {
			return TooManyFields
		}
	} else {
		s.parsed = true
	}
	for _, f := range s.filters {
		ok := false
		if s.parsed {
			ok = f.pass(&s.req)
		} else {
			ok = f.passUnreadable()
		}
		if !ok {
			return Filtered
		}
	}
	return Passed
}

// Rewrite returns the message that Pass has just passed with the edits of all
// rewrites, and nil when there are none. What is returned is valid until the
// next call of Pass or Rewrite. What http1 cannot read stays as it is. The error
// tells of the first edit that was not made because it would break the request;
// the others were made.
func (s *Set) Rewrite(msg []byte) (edited []byte, err error) {
	if !s.parsed || len(s.rewrites) == 0 {
		return nil, nil
	}
	s.req.err = nil
	for _, r := range s.rewrites {
		r.apply(&s.req)
	}
	if !s.req.Changed() {
		return nil, s.req.err
	}
	if cap(s.out) > keepOut {
		s.out = nil
	}
	s.out = append(s.out[:0], payload.Header(msg)...)
	s.out = s.req.AppendTo(s.out)
	return s.out, s.req.err
}

// keepOut bounds what a Set keeps of its memory from one message to the next, in
// bytes. Nearly every request is smaller, and a larger one costs more to read
// than its memory to get.
const keepOut = 1 << 20
