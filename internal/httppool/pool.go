// Package httppool sends requests to one HTTP target over a pool of connections:
// there is one for each request that finds none free, so that what is due is sent,
// whatever earlier answers do.
package httppool

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/buger/gor/internal/answers"
	"github.com/buger/gor/internal/dispatch"
	"github.com/buger/gor/internal/elastic"
	"github.com/buger/gor/internal/evloop"
	"github.com/buger/gor/internal/http1client"
	"github.com/buger/gor/internal/outbound"
	"github.com/buger/gor/internal/pace"
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/plugin"
	"github.com/buger/gor/internal/queue"
)

// DefaultMost is how many connections there are at most when no number is given.
const DefaultMost = 512

// Bounds returns the Least and the Most of a Config for n connections, or, when n is
// below 1, for as many connections as requests are under way. With a least of 1 all n
// connections are there from the beginning; a higher least is how few there may be.
func Bounds(least, n int, sessions bool) (fewest, most int) {
	fewest = max(least, 1)
	switch {
	case n <= 0 && sessions:
		return fewest, DefaultMost
	case n <= 0:
		return fewest, max(fewest, DefaultMost)
	case fewest == 1:
		return n, n
	}
	return min(fewest, n), n
}

// A Config says where requests go and over how many connections.
type Config struct {
	// Name begins every line that Logf is told.
	Name string

	// Client is what the connections have in common. Its KeepConnection, KeepHeads,
	// Loops, Tell, Keeper and ByHost are the Pool's to set.
	Client http1client.Config

	// NameByHost has TLS ask for the host of each request; see http1client.ByHost.
	NameByHost bool

	// Queue holds the requests that wait. It is the Pool's from now on.
	Queue *queue.Queue

	// Least and Most are how many connections there are, 1 <= Least <= Most. One
	// above Least that is not used for IdleFor ends.
	Least, Most int
	IdleFor     time.Duration

	// Sessions gives each recorded connection one of its own, with its requests in
	// order. There are as many as Most, and Least has no meaning.
	Sessions bool

	Responses *answers.Input    // nil: nobody wants the answers
	Elastic   *elastic.Reporter // nil: exchanges are reported nowhere

	// LogAnswers and LogLosses have each request named that was answered, and each
	// that was not.
	LogAnswers, LogLosses bool

	Logf func(format string, args ...any)
}

// A Pool takes requests, which wait in a queue until one of its workers, each
// with a connection of its own, sends them. But for String its methods are those of
// a plugin.Output.
type Pool struct {
	shared
	stop     context.CancelFunc
	sessions *dispatch.Sessions // nil: requests go out on any connection
	loops    evloop.Loops
}

// shared is what the workers of a Pool have in common.
type shared struct {
	cfg     Config
	ctx     context.Context // ends with Close
	q       *queue.Queue
	client  *http1client.Client
	takes   outbound.Ceiling // how many connections the target takes
	workers *dispatch.Workers
	demand  *pace.Demand // nil: what comes next is not known
	away    atomic.Bool  // the target took no connection that was opened ahead
	account account
}

// New returns a Pool without connections. They come with Begin, or with requests.
func New(cfg Config) *Pool {
	p := &Pool{shared: shared{cfg: cfg, q: cfg.Queue, account: newAccount()}}
	p.ctx, p.stop = context.WithCancel(context.Background())
	c := cfg.Client
	c.KeepConnection, c.KeepHeads = cfg.Sessions, cfg.Elastic != nil
	c.Loops, c.Tell = &p.loops, outbound.TellHealth(cfg.Name, cfg.Logf)
	if cfg.Responses != nil {
		c.Keeper = cfg.Responses
	}
	if cfg.NameByHost {
		c.ByHost = p.byHost()
	}
	p.client = http1client.New(c)
	p.workers = dispatch.NewWorkers(dispatch.WorkersConfig{
		Least: cfg.Least, Most: cfg.Most, Work: p.work, Short: p.q.Short,
		Allow:  func(most int) (int, time.Duration) { return p.takes.Allow(time.Now(), most) },
		Stands: func() bool { return p.client.Standing() > 0 },
		Wanted: func() int { return p.demand.Wanted() },
	})
	if cfg.Sessions {
		c := dispatch.SessionsConfig{
			Queue: p.q, Done: p.ctx.Done(), Most: cfg.Most, IdleFor: cfg.IdleFor,
			Unsent: func() { p.account.unsent.Add(1) },
			Ahead:  p.mayOpenAhead, Stands: func() bool { return p.client.Standing() > 0 },
		}
		if p.client.Looped() {
			c.Begin = p.begin
		} else {
			c.Serve = p.serve
		}
		p.sessions = dispatch.StartSessions(c)
	}
	return p
}

// byHost has as many connections, for all hosts, as there may be workers.
func (p *Pool) byHost() *http1client.ByHost {
	by := &http1client.ByHost{IdleFor: p.cfg.IdleFor}
	if !p.cfg.Sessions {
		by.Most = func() int {
			n, _ := p.takes.Allow(time.Now(), p.cfg.Most)
			return n
		}
	}
	return by
}

// Await waits until the target takes a connection, for at most so long. why is told
// once what is in the way.
func (p *Pool) Await(ctx context.Context, most time.Duration, why func(error)) error {
	return p.client.Await(ctx, most, why)
}

// Begin opens the fewest connections before there is a request, and from now on
// those that the forecast asks for before their requests are due. ready returns a
// channel that is closed when all that were asked for so far stand. Call it before
// the first Write. A Pool with Sessions opens those whose recorded connections the
// forecast names.
func (p *Pool) Begin(f *pace.Forecast) (ready func() <-chan struct{}) {
	if p.sessions != nil {
		f.FollowConnections(p.sessions.Prepare)
		return p.sessions.Ready
	}
	p.demand = pace.NewDemand(f)
	f.Follow(func(due int64) {
		p.demand.Expect(due)
		p.workers.Prepare()
	})
	p.workers.Begin()
	return p.workers.Ready
}

func (p *Pool) Write(msg []byte) (int, error) {
	if !payload.IsRequest(msg) {
		if payload.IsOriginal(msg) {
			p.account.recorded.Recorded(msg)
		}
		p.account.failures.Add(outbound.NotRequest)
		return len(msg), nil
	}
	if err := p.q.Put(msg); err != nil {
		return 0, err
	}
	if p.sessions == nil {
		if p.demand.Came() {
			p.workers.Prepare()
		}
		p.workers.Grow()
	}
	return len(msg), nil
}

func (p *Pool) Room(cancel <-chan struct{}, d time.Duration) bool { return p.q.Room(cancel, d) }
func (p *Pool) LastProgress() time.Time                           { return p.q.LastProgress() }

// Settle counts a request as out of our hands when its exchange is over.
func (p *Pool) Settle(cancel <-chan struct{}) error { return p.q.Settle(cancel) }

func (p *Pool) Drain(cancel <-chan struct{}) error {
	if err := p.q.Settle(cancel); err != nil {
		return err
	}
	return p.cfg.Elastic.Drain(cancel)
}

// Close ends all connections at once.
func (p *Pool) Close() error {
	p.q.Close()
	p.stop()
	p.workers.Close()
	p.workers.Wait()
	if p.sessions != nil {
		p.sessions.Wait()
	}
	p.client.Close()
	p.loops.Close()
	p.account.unsent.Add(uint64(p.q.Discard()))
	p.cfg.Elastic.Close()
	return nil
}

// Responses gives the target's answers, when they are wanted.
func (p *Pool) Responses() plugin.Input {
	if p.cfg.Responses == nil {
		return nil
	}
	return p.cfg.Responses
}
