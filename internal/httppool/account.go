package httppool

import (
	"fmt"
	"sync/atomic"

	"github.com/buger/gor/internal/http1client"
	"github.com/buger/gor/internal/outbound"
	"github.com/buger/gor/internal/plugin"
	"github.com/buger/gor/internal/stats"
	"github.com/buger/gor/internal/verdict/statuses"
)

// An account is what became of requests.
type account struct {
	sent, delivered, unsent atomic.Uint64
	failures                outbound.Outcomes
	statuses                http1client.Statuses
	recorded                statuses.Pairs // of the recorded statuses and the target's
	latency                 *stats.Histogram
	closed                  atomic.Uint64 // without an answer
}

// silentAfter is how many requests must have been closed without an answer for the
// target to be taken for something else than an HTTP server.
const silentAfter = 5

// silent counts a request that was closed without an answer, and reports once that
// such are all there is.
func (a *account) silent() bool {
	return a.closed.Add(1) == silentAfter && a.delivered.Load() == 0
}

func newAccount() account {
	return account{failures: outbound.NewOutcomes(), latency: stats.NewHistogram()}
}

func (p *Pool) Counts() []stats.Count {
	return append([]stats.Count{
		{Name: "delivered", Kind: stats.Delivered, N: p.account.delivered.Load()},
		{Name: "unsent", Kind: stats.Unsent, N: p.account.unsent.Load()},
	}, p.account.failures.NonZero()...)
}

// Report says which statuses came and how long they took, from the moment
// the Pool was handed the request to the end of the answer.
func (p *Pool) Report(r *plugin.Report) {
	sent, answered := p.account.sent.Load(), p.account.delivered.Load()
	r.Line("requests: %d sent, %d answered", sent, answered)
	r.Value("sent", sent)
	r.Value("answered", answered)
	p.account.statuses.Report(r)
	p.account.recorded.Report(r)
	counts := p.client.Counts()
	r.Peer(counts.Reached.Load())
	if l := p.account.latency.Snapshot(); l.Count() > 0 {
		r.Line("latency: p50 %s p90 %s p99 %s p99.9 %s max %s",
			l.Quantile(0.5), l.Quantile(0.9), l.Quantile(0.99), l.Quantile(0.999), l.Max())
		r.Value("latency_seconds", plugin.DurationsOf(l))
		r.Latency(l)
	}
	line := fmt.Sprintf("connections: %d", counts.Connections.Load())
	if n := counts.SentAgain.Load(); n > 0 {
		line += fmt.Sprintf(", %d requests sent again after a reset", n)
	}
	if n := counts.MadeRoom.Load(); n > 0 {
		line += fmt.Sprintf(", %d ended to make room for other hosts", n)
	}
	if n := p.takes.Refused(); n > 0 {
		line += fmt.Sprintf(", %d more refused or given up while others worked", n)
	}
	r.Line("%s", line)
	r.Value("connections", counts.Connections.Load())
	r.Value("connections_refused", p.takes.Refused())
	r.Value("connections_ended_for_other_hosts", counts.MadeRoom.Load())
	r.Value("sent_again", counts.SentAgain.Load())
	if n := counts.Ambiguous.Load(); n > 0 {
		r.Line("ambiguous framing: %d requests, each sent alone on a connection that was closed after it", n)
		r.Value("ambiguous_framing", n)
	}
	if n, other := counts.Redirected.Load(), counts.Foreign.Load(); n+other > 0 {
		r.Line("redirections: %d followed, %d to other hosts, not followed", n, other)
		r.Value("redirections_followed", n)
		r.Value("redirections_elsewhere", other)
	}
	p.cfg.Elastic.Report(r)
}
