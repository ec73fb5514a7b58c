package loadgen

import (
	"fmt"
	"strings"
)

// A Case is a kind of traffic.
type Case uint8

const (
	Get       Case = iota
	Post1k         // a body of 1,024 bytes
	Post64k        // a body of 65,536 bytes
	Chunked1m      // a body of 1 MiB in chunks of 1 to 100,000 bytes, with an extension and a trailer
	Pipe8          // GETs, eight in one write
	Mixed          // all of these
	cases
)

// Cases are all cases.
func Cases() []Case { return []Case{Get, Post1k, Post64k, Chunked1m, Pipe8, Mixed} }

// String is the name that ParseCase takes.
func (c Case) String() string {
	return [cases]string{"get", "post1k", "post64k", "chunked1m", "pipe8", "mixed"}[c]
}

// ParseCase returns the case of that name.
func ParseCase(name string) (Case, error) {
	var names []string
	for _, c := range Cases() {
		if c.String() == name {
			return c, nil
		}
		names = append(names, c.String())
	}
	return 0, fmt.Errorf("unknown case %q: want one of %s", name, strings.Join(names, ", "))
}

// pipelined is how many GETs go out together.
const pipelined = 8

// A Number names a request: the seq-th of its connection, both from 0.
type Number struct{ Conn, Seq uint32 }

// Traffic is all requests of one run. It is safe for concurrent use.
type Traffic struct {
	Case Case
	Run  uint64 // distinguishes the requests of this run from any other's
	body *pattern
}

// NewTraffic returns the traffic of a run. Case and run decide every byte of
// it.
func NewTraffic(c Case, run uint64) *Traffic {
	return &Traffic{Case: c, Run: run, body: newPattern()}
}

// Together is how many requests, from n on, a client writes at once; n is the
// first of them.
func (t *Traffic) Together(n Number) int {
	if t.pipelines(n) {
		return pipelined - int(n.Seq%pipelined)
	}
	return 1
}

// pipelines reports whether n is one of eight consecutive requests that go out
// together.
func (t *Traffic) pipelines(n Number) bool {
	switch t.Case {
	case Pipe8:
		return true
	case Mixed:
		return t.mix(Number{n.Conn, ^(n.Seq / pipelined)})%4 == 0
	}
	return false
}

// kind is the case of one request, which is never Pipe8 or Mixed. A thousand
// mixed ones are some 600 GETs, 300 small and 70 large POSTs and ten uploads.
func (t *Traffic) kind(n Number) Case {
	switch {
	case t.Case == Pipe8:
		return Get
	case t.Case != Mixed:
		return t.Case
	case t.pipelines(n):
		return Get
	}
	switch draw := t.mix(n) % 100; {
	case draw < 50:
		return Get
	case draw < 90:
		return Post1k
	case draw < 99:
		return Post64k
	}
	return Chunked1m
}

// mix is a number that looks random (the finalizer of SplitMix64).
func (t *Traffic) mix(n Number) uint64 {
	x := t.Run + 0x9e3779b97f4a7c15*(uint64(n.Conn)<<32|uint64(n.Seq)+1)
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// Size is the bytes of every request when they all have the same and lie whole
// in one Ethernet frame, with others or alone; otherwise ok is false.
func (t *Traffic) Size() (size int, ok bool) {
	switch t.Case {
	case Get, Pipe8, Post1k:
		return len(t.Append(nil, Number{})), true
	}
	return 0, false
}

// Smallest is the bytes of the shortest request.
func (t *Traffic) Smallest() int {
	kind := t.kind(Number{})
	if t.Case == Mixed {
		kind = Get
	}
	if kind == Chunked1m {
		return chunkedBody // and its framing
	}
	return len(t.append(nil, Number{}, kind))
}
