package status

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
)

// serveVars answers in the form of package expvar, of which only the form
// serves: what it publishes, it publishes once for the life of the process.
func (p *Page) serveVars(w http.ResponseWriter, _ *http.Request) {
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	var b bytes.Buffer
	b.WriteByte('{')
	for i, v := range []struct {
		name  string
		value any
	}{{"cmdline", p.cfg.CommandLine}, {"gor", p.ledger().Vars(p.cfg.Build, p.started)}, {"memstats", &mem}} {
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

// serveCommandLine answers as net/http/pprof does, without the secrets.
func (p *Page) serveCommandLine(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	io.WriteString(w, strings.Join(p.cfg.CommandLine, "\x00"))
}
