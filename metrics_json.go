package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"time"

	"github.com/buger/gor/internal/ledger"
)

// serveVars answers in the form of package expvar, of which only the form
// serves: what it publishes, it publishes once for the life of the process.
func (p *statusPage) serveVars(w http.ResponseWriter, _ *http.Request) {
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	var b bytes.Buffer
	b.WriteByte('{')
	for i, v := range []struct {
		name  string
		value any
	}{{"cmdline", shownArgs(os.Args)}, {"gor", takeLedger(p.em).Vars(versionString(), p.started)}, {"memstats", &mem}} {
		text, err := json.Marshal(v.value)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "\n%q: %s", v.name, text)
	}
	b.WriteString("\n}\n")
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Write(b.Bytes())
}

// writeSummaryJSON writes the ledger to the file of --summary-json.
func writeSummaryJSON(name string, l ledger.Ledger, started time.Time, unread uint64) error {
	v := l.Vars(versionString(), started)
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
