package spill

import (
	"github.com/buger/gor/internal/dispatch"
)

// A Source gives the link what the spiller lets through.
type Source struct {
	*dispatch.Source
	p *Spiller
}

// Take is as dispatch.Source has it.
func (s *Source) Take(dst [][]byte, cancel <-chan struct{}) (n int, more bool) {
	n, more = s.Source.Take(dst, cancel)
	s.p.changed.Ring()
	return n, more
}

// Release is as dispatch.Source has it.
func (s *Source) Release(n int) {
	s.p.release(n)
	s.Source.Release(n)
}
