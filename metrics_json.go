package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"time"

	"github.com/buger/gor/internal/stats"
)

// serveVars answers in the form of package expvar, of which only the form
// serves: what it publishes, it publishes once for the life of the process.
func (p *statusPage) serveVars(w http.ResponseWriter, _ *http.Request) {
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	var b bytes.Buffer
	for i, v := range []struct {
		name  string
		value any
	}{{"cmdline", os.Args}, {"gor", takeLedger(p.em).vars(p.started)}, {"memstats", &mem}} {
		text, err := json.Marshal(v.value)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		fmt.Fprintf(&b, "%s\n%q: %s", []string{"{", ","}[min(i, 1)], v.name, text)
	}
	b.WriteString("\n}\n")
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Write(b.Bytes())
}

// ledgerVars is the ledger as JSON.
type ledgerVars struct {
	Version string                `json:"version"`
	Uptime  float64               `json:"uptime_seconds"`
	Inputs  map[string]inputVars  `json:"inputs"`
	Outputs map[string]outputVars `json:"outputs"`
	Unread  uint64                `json:"stderr_lines_dropped,omitempty"` // at the end only
}

type inputVars struct {
	Read     uint64            `json:"read"`
	Limited  uint64            `json:"limited"`
	Filtered uint64            `json:"filtered"`
	Passed   uint64            `json:"passed"`
	Before   map[string]uint64 `json:"before"`
	Report   map[string]any    `json:"report,omitempty"`
}

type outputVars struct {
	Offered uint64            `json:"offered"`
	Shed    uint64            `json:"shed"`
	Pending uint64            `json:"pending"`
	Fates   map[string]uint64 `json:"fates"`
	Report  map[string]any    `json:"report,omitempty"`
}

func (l ledger) vars(started time.Time) ledgerVars {
	v := ledgerVars{
		Version: versionString(), Uptime: time.Since(started).Seconds(),
		Inputs: map[string]inputVars{}, Outputs: map[string]outputVars{},
	}
	inputs, outputs := l.names()
	for i, in := range l.inputs {
		v.Inputs[inputs[i]] = inputVars{in.read, in.limited, in.filtered, in.passed, rowVars(in.before), reportVars(in.report)}
	}
	for i, out := range l.outputs {
		v.Outputs[outputs[i]] = outputVars{out.offered, out.shed, out.pending(), rowVars(out.fates), reportVars(out.report)}
	}
	return v
}

// reportVars is what a plugin reports beyond its counts.
func reportVars(of func(*report)) map[string]any {
	r := newReport(io.Discard)
	of(r)
	return r.values
}

// writeSummaryJSON writes the ledger to the file of --summary-json.
func writeSummaryJSON(name string, l ledger, started time.Time, unread uint64) error {
	v := l.vars(started)
	v.Unread = unread
	text, err := json.MarshalIndent(v, "", "  ")
	if err == nil {
		err = os.WriteFile(name, append(text, '\n'), 0o644)
	}
	if err != nil {
		return fmt.Errorf("--summary-json: %w", err)
	}
	return nil
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
func (l ledger) names() (inputs, outputs []string) {
	seen := map[string]bool{}
	own := func(name string) string {
		unique := name
		for n := 2; seen[unique]; n++ {
			unique = fmt.Sprintf("%s #%d", name, n)
		}
		seen[unique] = true
		return unique
	}
	for _, in := range l.inputs {
		inputs = append(inputs, own(in.name))
	}
	for _, out := range l.outputs {
		outputs = append(outputs, own(out.name))
	}
	return inputs, outputs
}

// pending is how many messages the output has taken and not dealt with.
func (out outputLedger) pending() uint64 {
	done := out.shed + stats.Sum(out.fates)
	return out.offered - min(out.offered, done)
}
