package ledger

import (
	"fmt"
	"io"
	"time"

	"github.com/buger/gor/internal/plugin"
	"github.com/buger/gor/internal/stats"
)

// Vars is the ledger as JSON.
type Vars struct {
	Version string                `json:"version"`
	Uptime  float64               `json:"uptime_seconds"`
	Inputs  map[string]InputVars  `json:"inputs"`
	Outputs map[string]OutputVars `json:"outputs"`

	// At the end only.
	Unread      uint64   `json:"stderr_lines_dropped,omitempty"`
	Undelivered []string `json:"undelivered,omitempty"` // see Ledger.Undelivered
	FailOn      []string `json:"fail_on,omitempty"`     // conditions that are true, with their figures
}

// InputVars is an input of it.
type InputVars struct {
	Read     uint64            `json:"read"`
	Limited  uint64            `json:"limited"`
	Filtered uint64            `json:"filtered"`
	Passed   uint64            `json:"passed"`
	Before   map[string]uint64 `json:"before"`
	Report   map[string]any    `json:"report,omitempty"`
}

// OutputVars is an output of it.
type OutputVars struct {
	Offered uint64            `json:"offered"`
	Shed    uint64            `json:"shed"`
	Pending uint64            `json:"pending"`
	Fates   map[string]uint64 `json:"fates"`
	Report  map[string]any    `json:"report,omitempty"`
}

// Vars gives the ledger by the plugins' names. version is the program's, started
// when it began.
func (l Ledger) Vars(version string, started time.Time) Vars {
	v := Vars{
		Version: version, Uptime: time.Since(started).Seconds(),
		Inputs: map[string]InputVars{}, Outputs: map[string]OutputVars{},
	}
	inputs, outputs := l.names()
	for i, in := range l.Inputs {
		v.Inputs[inputs[i]] = InputVars{in.Read, in.Limited, in.Filtered, in.Passed, rowVars(in.Before), reportVars(in.Report)}
	}
	for i, out := range l.Outputs {
		v.Outputs[outputs[i]] = OutputVars{out.Offered, out.Shed, out.Pending(), rowVars(out.Fates), reportVars(out.Report)}
	}
	return v
}

// reportVars is what a plugin reports beyond its counts.
func reportVars(of func(*plugin.Report)) map[string]any {
	r := plugin.NewReport(io.Discard)
	of(r)
	return r.Values()
}

func rowVars(rows []stats.Count) map[string]uint64 {
	m := make(map[string]uint64, len(rows))
	for _, row := range rows {
		m[row.Name] += row.N
	}
	return m
}

// names gives the plugins' names, each once: the second of two that are
// called the same has a number behind its name.
func (l Ledger) names() (inputs, outputs []string) {
	seen := map[string]bool{}
	own := func(name string) string {
		unique := name
		for n := 2; seen[unique]; n++ {
			unique = fmt.Sprintf("%s #%d", name, n)
		}
		seen[unique] = true
		return unique
	}
	for _, in := range l.Inputs {
		inputs = append(inputs, own(in.Name))
	}
	for _, out := range l.Outputs {
		outputs = append(outputs, own(out.Name))
	}
	return inputs, outputs
}
