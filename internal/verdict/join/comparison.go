package join

import (
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/verdict"
	"github.com/buger/gor/internal/verdict/route"
	"github.com/buger/gor/internal/verdict/rules"
)

// A Config says what a Comparison compares.
type Config struct {
	Roles

	// Labels are those of all targets while they answer. A group that has the answers
	// of all of them is compared at once, on a goroutine of the Comparison's. Nil: the
	// labels are taken from the records, and a group is compared when its time in
	// memory is over, by whoever adds the next one.
	Labels []string

	// Rules may be nil.
	Rules *rules.Set

	// BodyMost is up to how many bytes a body is decoded.
	BodyMost int

	// Counters bounds the counters and samples of all versions together, in bytes; 0
	// means verdict.CountersMost.
	Counters int

	// Joining says how much is held where. Its Whole and Emit are not used.
	Joining Joining
}

// A Verdict is what became of one new version.
type Verdict struct {
	// Label is its target's; empty for one without.
	Label string

	*verdict.Result
}

// backlogMost and backlogGroups bound what waits to be compared, in bytes and as a
// number, which is a second of a busy server; more waits in temporary files.
const (
	backlogMost   = 2 << 20
	backlogGroups = 4096
)

// ErrOrder says that the new version's recordings have captured answers alone and the
// old one's have answers to a replay: whoever compares these would be told that nothing
// has changed.
var ErrOrder = errors.New("the second recording has no answers to a replay, and the first one has: they are in the wrong order")

// A Comparison makes a verdict on each new version of the records that it is given. It
// serves one goroutine, but for Compared, Moved and GiveUp.
type Comparison struct {
	cfg     Config
	store   *Store
	joiner  *Joiner
	engines []engine

	budget   *verdict.Budget
	routes   *route.Grouper
	recorded *verdict.Recorded

	compared atomic.Uint64
	moved    atomic.Int64 // ns since 1970
	givenUp  atomic.Bool
	leftOver uint64 // groups that were not compared after GiveUp

	backlog chan waiting  // nil: whoever adds compares
	waiting atomic.Int64  // bytes in it
	freed   chan struct{} // has one when a group of it was compared
	ended   chan struct{} // closed when nothing of it is left

	labels    []string // of the targets that the versions answered as
	replayed  bool     // a new version's answer was to a replay
	earlier   bool     // an answer in the old recordings was to a replay
	leftOut   uint64   // answers of new versions that were too many
	both      uint64   // groups with parts of both sides
	groups    uint64
	unmatched verdict.Totals // of all groups, as a version that answered none of them has it
}

// NewComparison returns a Comparison. Close must be called.
func NewComparison(cfg Config) (*Comparison, error) {
	store, err := NewStore(cfg.Joining.Tmp)
	if err != nil {
		return nil, err
	}
	c := &Comparison{cfg: cfg, store: store, labels: cfg.Labels, replayed: cfg.Labels != nil}
	c.routes, c.recorded = verdict.NewRoutes(cfg.Rules), verdict.NewRecorded()
	j := cfg.Joining
	j.Whole, j.Emit, j.Early = c.whole, c.emit, cfg.Labels != nil
	c.joiner = New(j)
	for _, label := range cfg.Labels {
		if label != Primary && label != Secondary {
			c.engine(label)
		}
	}
	if cfg.Labels != nil {
		c.backlog, c.ended, c.freed = make(chan waiting, backlogGroups), make(chan struct{}), make(chan struct{}, 1)
		go func() {
			defer close(c.ended)
			for g := range c.backlog {
				c.compare(g.id, g.parts)
				c.waiting.Add(-int64(g.size))
				select {
				case c.freed <- struct{}{}:
				default:
				}
			}
		}()
	}
	return c, nil
}

// Add takes a message of a recording, which it does not keep. It returns an error when
// the message has no header, or a temporary file cannot be written.
func (c *Comparison) Add(source Source, msg []byte) error {
	part, err := PartOf(source, msg)
	if err != nil {
		return err
	}
	if part.Type == payload.ReplayResponse && c.cfg.Labels == nil {
		c.learn(&part)
	}
	return c.joiner.Add(part)
}

// Expect has a look at a message that will be added: a label that is known from the start
// is waited for in each group.
func (c *Comparison) Expect(source Source, msg []byte) {
	if part, err := PartOf(source, msg); err == nil && part.Type == payload.ReplayResponse && c.cfg.Labels == nil {
		c.learn(&part)
	}
}

// learn takes what a replayed answer says of the versions that there are.
func (c *Comparison) learn(part *Part) {
	isNew := c.cfg.Against == 0 || part.Source >= c.cfg.Against
	c.replayed, c.earlier = c.replayed || isNew, c.earlier || !isNew
	if c.cfg.Runs || len(c.labels) >= 2*MostVersions || slices.Contains(c.labels, part.Label) {
		return
	}
	if isNew || part.Label == Primary || part.Label == Secondary {
		c.labels = append(c.labels, part.Label)
	}
}

// Compared is how many pairs were compared so far.
func (c *Comparison) Compared() uint64 { return c.compared.Load() }

// Moved is when a group was last compared; zero before the first.
func (c *Comparison) Moved() time.Time {
	if at := c.moved.Load(); at != 0 {
		return time.Unix(0, at)
	}
	return time.Time{}
}

// GiveUp has everything end soon: what was not yet compared is counted, and left.
func (c *Comparison) GiveUp() { c.givenUp.Store(true) }

// whole reports whether parts are a request with the answers of all versions.
func (c *Comparison) whole(parts []Part) bool {
	if len(parts) < 3 {
		return false
	}
	g := c.cfg.sort(parts, !c.replayed)
	if len(g.request) == 0 || g.old == nil || len(g.newer) == 0 {
		return false
	}
	for _, label := range c.labels {
		switch {
		case label == Primary:
			if !g.primary {
				return false
			}
		case label == Secondary:
			if g.again == nil {
				return false
			}
		case g.of(label) == nil:
			return false
		}
	}
	return true
}

// emit has one group compared, at once or soon.
func (c *Comparison) emit(id string, parts []Part, must bool) bool {
	if c.backlog == nil {
		c.compare(id, parts)
		return true
	}
	size := overhead
	for i := range parts {
		size += len(parts[i].Bytes) + overhead
	}
	g := waiting{id: id, parts: parts, size: size}
	if must {
		for n := c.waiting.Load(); n > 0 && n+int64(size) > backlogMost; n = c.waiting.Load() {
			<-c.freed
		}
		c.waiting.Add(int64(size))
		c.backlog <- g
		return true
	}
	if c.waiting.Load()+int64(size) > backlogMost {
		return false
	}
	c.waiting.Add(int64(size))
	select {
	case c.backlog <- g:
		return true
	default:
		c.waiting.Add(-int64(size))
		return false
	}
}

// compare compares one group with each new version.
func (c *Comparison) compare(id string, parts []Part) {
	if c.givenUp.Load() {
		c.leftOver++
		return
	}
	g := c.cfg.sort(parts, !c.replayed)
	c.groups++
	if g.oldSource && g.newSource {
		c.both++
	}
	for i := range g.newer {
		if c.engine(g.newer[i].label) == nil {
			c.leftOut++
		}
	}
	p := verdict.Pair{ID: id, Request: g.request, Old: g.old, Again: g.again}
	if g.again == nil {
		p.Before = c.recorded.Before(&p)
	}
	for _, e := range c.engines {
		p.New = g.of(e.label)
		if e.Add(&p) {
			c.compared.Add(1)
		}
	}
	p.New = nil
	c.unmatched.Miss(&p)
	c.moved.Store(time.Now().UnixNano())
}

// End returns a verdict on each new version, in the order of their labels, and at
// least one.
func (c *Comparison) End() ([]Verdict, error) {
	c.endBacklog()
	if err := errors.Join(c.joiner.End(), c.joiner.Close()); err != nil {
		return nil, err
	}
	if c.cfg.Against > 0 && c.earlier && !c.replayed {
		return nil, ErrOrder
	}
	if len(c.engines) == 0 {
		c.engine("")
	}
	slices.SortFunc(c.engines, func(a, b engine) int { return compareLabels(a.label, b.label) })
	var all []Verdict
	for i, e := range c.engines {
		v := Verdict{e.label, e.Result()}
		c.engines[i].Engine = nil // its counters make room
		v.Notes = append(v.Notes, c.notes()...)
		all = append(all, v)
	}
	return all, nil
}

// endBacklog compares what waits. What comes after is compared by who adds it.
func (c *Comparison) endBacklog() {
	if c.backlog != nil {
		close(c.backlog)
		<-c.ended
		c.backlog = nil
	}
}

// Close removes temporary files: samples cannot be loaded any more.
func (c *Comparison) Close() error {
	c.GiveUp()
	c.endBacklog()
	return errors.Join(c.joiner.Close(), c.store.Close())
}
