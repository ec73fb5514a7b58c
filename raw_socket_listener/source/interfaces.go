package source

import (
	"time"

	"github.com/buger/gor/raw_socket_listener/filter"
)

// verdictTime is how long it is remembered whether an interface is ignored:
// one may be given another name, and its index to another one. It is a
// second, and one system call for each interface in this time.
const verdictTime = int64(time.Second)

// maxVerdicts bounds what is remembered, on hosts that make interfaces all the
// time.
const maxVerdicts = 4096

// An ifaceFilter says on which interfaces frames are ignored. The kernel gives
// the index, whose name has to be found out; interfaces may come and go.
type ifaceFilter struct {
	patterns []string
	name     func(index int) (name string, ok bool)
	verdicts map[int]verdict
}

// A verdict is what is known of an interface.
type verdict struct {
	ignored bool
	until   int64 // packet time
}

// newIfaceFilter returns nil for no patterns.
func newIfaceFilter(patterns []string, name func(int) (string, bool)) *ifaceFilter {
	if len(patterns) == 0 {
		return nil
	}
	return &ifaceFilter{patterns: patterns, name: name, verdicts: make(map[int]verdict)}
}

// ignores reports whether frames of the interface are ignored at that time, ns
// since 1970. Of an interface that is gone before its name is known nothing is
// ignored, and what was known stays.
func (f *ifaceFilter) ignores(index int, now int64) bool {
	v, known := f.verdicts[index]
	if known && now < v.until {
		return v.ignored
	}
	if name, ok := f.name(index); ok {
		v.ignored = filter.MatchesAny(f.patterns, name)
	}
	v.until = now + verdictTime
	if !known && len(f.verdicts) >= maxVerdicts {
		clear(f.verdicts)
	}
	f.verdicts[index] = v
	return v.ignored
}
