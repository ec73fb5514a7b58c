package pace

import (
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// A Demand estimates how many messages will be under way at one time, from when
// they are due and from how long those before them took. A nil Demand takes note
// of nothing. Its methods are safe for concurrent use.
type Demand struct {
	forecast *Forecast
	took     atomic.Int64 // ns, a moving mean; 0: no answer yet
	came     atomic.Uint64
	wanted   atomic.Int64

	mu    sync.Mutex
	due   []int64 // those that are under way at the last one's time
	head  int     // of due
	share float64 // of the messages that are announced, how many come
	last  struct{ given, came uint64 }
}

const (
	// tookUnknown is what is assumed of the first messages before one was sent.
	// From then to the first answer all that are announced count.
	tookUnknown = 20 * time.Millisecond

	// tookWeight is how many messages the moving mean goes back.
	tookWeight = 32

	// tookSlack is by how much longer than usual an answer takes when the machine is
	// busy with something else.
	tookSlack = time.Millisecond

	// shareOver is over how many messages their share is taken, which filters and
	// limits make less than one.
	shareOver = 128

	// demandMost bounds what is remembered: more than an output may have
	// connections.
	demandMost = 16 << 10
)

// NewDemand returns the Demand for what f announces.
func NewDemand(f *Forecast) *Demand {
	return &Demand{forecast: f, share: 1}
}

// Came notes that a message came that was announced, and reports whether that
// changed Wanted.
func (d *Demand) Came() bool {
	if d == nil {
		return false
	}
	if d.came.Add(1); d.took.Load() > 0 {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.count()
	return true
}

// Took notes how long a message was under way.
func (d *Demand) Took(t time.Duration) {
	if d == nil {
		return
	}
	// Of two at once one may be lost, which does no harm to a mean.
	mean := d.took.Load()
	if mean > 0 {
		d.took.Store(mean + (int64(t)-mean)/tookWeight)
		return
	}
	d.mu.Lock()
	d.took.Store(max(int64(t), 1))
	d.count()
	d.mu.Unlock()
}

// Expect notes that a message is due then, in ns.
func (d *Demand) Expect(due int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.due = append(d.due, due)
	d.takeShare()
	d.count()
}

// Wanted returns how many messages will be under way when the last one is due
// that is expected: those that the mean says, and as many more as their number
// commonly differs by, its root.
func (d *Demand) Wanted() int {
	if d == nil {
		return 0
	}
	return int(d.wanted.Load())
}

// count brings Wanted up to date, and forgets messages that will be over. Before
// the first answer none are: then all count, or those of the first moments as
// long as none was sent.
func (d *Demand) count() {
	if len(d.due) == d.head {
		return
	}
	takes, answered := d.took.Load(), true
	if takes == 0 {
		takes, answered = int64(tookUnknown), false
	}
	d.head = max(d.head, len(d.due)-demandMost)
	from := d.head
	if answered || d.came.Load() == 0 {
		over := d.due[len(d.due)-1] - takes - int64(tookSlack)
		for from < len(d.due)-1 && d.due[from] <= over {
			from++
		}
	}
	if answered {
		d.head = from
	}
	if d.head > len(d.due)/2 {
		from -= d.head
		d.due = d.due[:copy(d.due, d.due[d.head:])]
		d.head = 0
	}
	n := math.Ceil(float64(len(d.due)-from) * d.share)
	d.wanted.Store(int64(n + math.Floor(math.Sqrt(n)) - 1))
}

// takeShare looks at how many of the messages that were announced and given came.
func (d *Demand) takeShare() {
	given := d.forecast.given.Load()
	if given-d.last.given < shareOver {
		return
	}
	came := d.came.Load()
	share := float64(came-d.last.came) / float64(given-d.last.given)
	d.share = min(share, 1)
	d.last.given, d.last.came = given, came
}
