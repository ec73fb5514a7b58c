// Package statuses compares the status of what a target answers with that of the recorded
// answer. It is the least that can be said of a new version: whoever wants more has a
// verdict made.
package statuses

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/buger/gor/internal/http1"
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/plugin"
	"github.com/buger/gor/internal/recent"
)

const (
	// mostChanges bounds the different changes of status that are counted by
	// themselves; statuses have three digits, so that hostile ones are a million.
	mostChanges = 1000
	// earlyMost bounds the targets' statuses that are remembered before a recorded answer
	// came: requests may be answered sooner than they were when they were recorded. This is
	// more than a second of a busy server.
	earlyMost = 4096
	// changesShown is how many of them the line for people has, the most frequent first.
	changesShown = 5
)

// None stands for the status of a request that got no answer.
const None = 0

// Pairs joins recorded and new statuses by the ids of their messages, in a bounded memory:
// an answer that comes 64,000 requests after the other one finds nothing. The zero value
// is ready. Its methods are safe for concurrent use.
type Pairs struct {
	any   atomic.Bool  // a recorded answer came: until then little is remembered
	early atomic.Int64 // statuses of the target until then

	mu               sync.Mutex
	ids              *recent.IDs // what came of a pair; see the marks
	response         http1.Response
	recorded         uint64
	equal, different uint64
	changes          map[change]uint64
}

// change is of one status to another one.
type change struct{ from, to int }

// What is remembered of an id: a status, and which of both it is.
const (
	isNew  uint16 = 1 << 15 // the target's status
	paired uint16 = 1<<15 - 1
)

// Recorded takes a recorded answer.
func (p *Pairs) Recorded(msg []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.response.Parse(payload.Body(msg)) != nil {
		return
	}
	p.begin()
	p.any.Store(true)
	p.recorded++
	status := p.response.Status()
	if other, has := p.ids.Get(msg); has && other != paired && other&isNew != 0 {
		p.count(msg, status, int(other&^isNew))
		return
	}
	p.ids.Put(msg, uint16(status))
}

// Answered takes the status of what the target answered to the request msg, or None.
func (p *Pairs) Answered(msg []byte, status int) {
	if !p.any.Load() && p.early.Add(1) > earlyMost {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.begin()
	if other, has := p.ids.Get(msg); has && other != paired && other&isNew == 0 {
		p.count(msg, int(other), status)
		return
	}
	p.ids.Put(msg, uint16(status)|isNew)
}

// begin makes the memory. Call with the lock held.
func (p *Pairs) begin() {
	if p.ids == nil {
		p.ids, p.changes = recent.New(), make(map[change]uint64)
	}
}

// count counts a pair. Whatever comes later with its id, as when a recording is replayed
// again and again, is another pair. Call with the lock held.
func (p *Pairs) count(msg []byte, from, to int) {
	p.ids.Put(msg, paired)
	if from == to {
		p.equal++
		return
	}
	p.different++
	if c := (change{from, to}); p.changes[c] > 0 || len(p.changes) < mostChanges {
		p.changes[c]++
	}
}

// Report says how the statuses compare, if any were recorded.
func (p *Pairs) Report(r *plugin.Report) {
	if !p.any.Load() {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make([]change, 0, len(p.changes))
	byName := make(map[string]uint64, len(p.changes))
	for c, n := range p.changes {
		all = append(all, c)
		byName[c.String()] = n
	}
	slices.SortFunc(all, func(a, b change) int {
		return cmp.Or(cmp.Compare(p.changes[b], p.changes[a]), cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to))
	})
	line := fmt.Sprintf("status equal %d, different %d", p.equal, p.different)
	if len(all) > 0 {
		var words []string
		for _, c := range all[:min(len(all), changesShown)] {
			words = append(words, fmt.Sprintf("%s x %d", c, p.changes[c]))
		}
		if more := len(all) - changesShown; more > 0 {
			words = append(words, fmt.Sprintf("%d other changes", more))
		}
		line += " (" + strings.Join(words, ", ") + ")"
	}
	alone := p.recorded - min(p.recorded, p.equal+p.different)
	if alone > 0 {
		line += fmt.Sprintf(", %d recorded and not compared", alone)
	}
	r.Line("%s", line)
	r.Value("recorded_statuses", map[string]any{"equal": p.equal, "different": p.different, "not_compared": alone, "changes": byName})
	r.Compared(p.equal, p.different)
}

func (c change) String() string {
	name := func(status int) string {
		if status == None {
			return "no answer"
		}
		return strconv.Itoa(status)
	}
	return name(c.from) + " -> " + name(c.to)
}
