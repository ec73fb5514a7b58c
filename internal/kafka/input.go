package kafka

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/buger/gor/internal/plugin"
)

// An Input is a Consumer as a plugin.
type Input struct {
	*Consumer // Read, Close, Counts
	name      string
}

var _ plugin.Input = (*Input)(nil)

// NewInput returns an Input that begins at once. The summary and the log call it name.
func NewInput(name string, cfg ConsumerConfig) *Input { return &Input{NewConsumer(cfg), name} }

// Live is false: what is not fetched waits in the topic.
func (in *Input) Live() bool { return false }

func (in *Input) Progress() plugin.Progress { return plugin.Progress{Lag: in.Late()} }

func (in *Input) Report(r *plugin.Report) {
	lag := in.Lag()
	values := make(map[string]int64, len(lag))
	var total int64
	for _, id := range slices.Sorted(maps.Keys(lag)) {
		total += lag[id]
		values[strconv.Itoa(int(id))] = lag[id]
		r.Gauge("gor_input_lag_messages", "Values of a partition that were not read yet.", uint64(lag[id]), "partition", strconv.Itoa(int(id)))
	}
	r.Value("lag", values)
	if age := in.Age(); age > 0 {
		r.Line("partitions: %d, values not read yet: %d; the last message was given %s after its time", len(lag), total, plugin.RoundSpan(age))
		r.Value("age_seconds", age.Seconds())
	} else {
		r.Line("partitions: %d, values not read yet: %d", len(lag), total)
	}
	if s := in.Lateness(); s.Count() > 0 {
		r.Line("behind the plan: p50 %s, p99 %s, max %s", s.Quantile(0.5).Round(time.Microsecond), s.Quantile(0.99).Round(time.Microsecond), s.Max().Round(time.Microsecond))
		r.Value("behind_plan_seconds", plugin.DurationsOf(s))
		if n, late := in.OutOfOrder(); n > 0 {
			r.Line("out of order: %d, of which %d came too late to be put in their place", n, late)
		}
	}
	reportRetries(r, "gor_input_retries_total", in.Retries())
}

func (in *Input) String() string { return in.name }
