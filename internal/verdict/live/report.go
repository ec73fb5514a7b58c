package live

import (
	"fmt"
	"strings"

	"github.com/buger/gor/internal/plugin"
	"github.com/buger/gor/internal/stats"
	"github.com/buger/gor/internal/verdict/join"
	"github.com/buger/gor/internal/verdict/report"
)

// Counts gives what was handed to the comparison, and what was not.
func (o *Output) Counts() []stats.Count {
	return append([]stats.Count{
		{Name: "delivered", Kind: stats.Delivered, N: o.delivered.Load()},
		{Name: "unsent", Kind: stats.Unsent, N: o.unsent.Load()},
	}, o.failures.NonZero()...)
}

// Report says the verdicts; before the end, how many pairs were compared.
func (o *Output) Report(r *plugin.Report) {
	o.mu.Lock()
	defer o.mu.Unlock()
	compared := o.comparison.Compared()
	r.Value("pairs_compared", compared)
	r.Counter("gor_verdict_pairs_total", "Pairs of answers that were compared.", compared)
	if !o.ended {
		r.Line("pairs compared so far: %d", compared)
		return
	}
	if o.trouble != nil {
		r.Unable(o.trouble.Error())
	}
	values := map[string]any{}
	for _, v := range o.verdicts {
		o.reportOne(r, v)
		values[v.New] = map[string]any{"verdict": v.Class.String(), "sentence": v.Sentence, "totals": v.Totals}
	}
	r.Value("verdicts", values)
}

func (o *Output) reportOne(r *plugin.Report, v join.Verdict) {
	of := ""
	if len(o.verdicts) > 1 {
		of = v.New + ": "
	}
	var text strings.Builder
	if err := report.WriteText(&text, v.Result); err == nil {
		for line := range strings.Lines(of + text.String()) {
			r.Line("%s", strings.TrimSuffix(line, "\n"))
		}
	}
	switch {
	case v.Totals.Compared == 0:
		r.Unable(of + v.Sentence + "; " + o.cfg.Advice)
	case v.Fails(o.cfg.FailOn):
		r.Finding(fmt.Sprintf("%s%s", of, v.Sentence))
	}
}
