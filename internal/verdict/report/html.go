package report

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/buger/gor/internal/verdict"
)

const (
	// rowsMost and routesMost bound the page, which a browser has to hold: with
	// linesMost they make some 20 MB of it in the worst case.
	rowsMost   = 300
	routesMost = 300
)

//go:embed page.css
var pageStyle string

//go:embed page.js
var pageScript string

// A page is what page.write shows. All text in it is cleaned, and escaped where it is written.
type page struct {
	Policy               string
	Style, Script        markup
	Sentence, Class      string
	Old, New             string
	Totals               verdict.Totals
	Statuses, Notes      []string
	Routes               []routeView
	Rows                 []rowView
	MoreRoutes, MoreRows int
}

type routeView struct {
	Name                                          string
	Compared, Equal, Harmless, Suspect, Regressed uint64
	Times                                         []timeView
	Ratio, OldLine, NewLine, Note                 string
}

// A timeView is a quantile of both versions' times.
type timeView struct{ Name, Old, New string }

type rowView struct {
	Standing, Severity, Route, Path, Why string
	Share                                string
	Samples                              []sampleView
	Request, Trouble                     string
	Lines                                []line
	Cut, Failing                         bool
}

type sampleView struct {
	ID, Old, New string
	Commands     []string
}

// writeHTML writes one page that needs nothing else. Its policy lets run only the
// page's own script and load nothing.
func writeHTML(w io.Writer, v *Verdict) error {
	hash := func(s string) string {
		sum := sha256.Sum256([]byte(s))
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	p := page{
		Policy: "default-src 'none'; base-uri 'none'; form-action 'none'; style-src " + hash(pageStyle) + "; script-src " + hash(pageScript),
		Style:  markup("<style>" + pageStyle + "</style>"),
		Script: markup("<script>" + pageScript + "</script>"),

		Sentence: clean(v.Sentence), Class: v.Class.String(), Old: clean(v.Old), New: clean(v.New), Totals: v.Totals,
		MoreRoutes: max(0, len(v.Routes)-routesMost), MoreRows: max(0, len(v.Rows)-rowsMost),
	}
	for _, c := range v.Statuses {
		p.Statuses = append(p.Statuses, fmt.Sprintf("%s → %s × %d", statusName(c.Old), statusName(c.New), c.N))
	}
	for _, rule := range v.UnusedRules {
		p.Notes = append(p.Notes, clean("a rule matched nothing: "+rule))
	}
	for _, note := range v.Notes {
		p.Notes = append(p.Notes, clean(note))
	}
	for i := range v.Routes[:min(len(v.Routes), routesMost)] {
		p.Routes = append(p.Routes, viewRoute(&v.Routes[i]))
	}
	for i := range v.Rows[:min(len(v.Rows), rowsMost)] {
		p.Rows = append(p.Rows, v.viewRow(&v.Rows[i]))
	}
	return p.write(w)
}

func viewRoute(r *verdict.Route) routeView {
	v := routeView{Name: clean(r.Name), Compared: r.Compared, Equal: r.Equal, Harmless: r.Harmless, Suspect: r.Suspect, Regressed: r.Regressed, Note: clean(r.Latency.Note)}
	old, new := &r.Latency.Old, &r.Latency.New
	for _, q := range []struct {
		name     string
		old, new time.Duration
	}{{"median", old.P50, new.P50}, {"p95", old.P95, new.P95}, {"p99", old.P99, new.P99}} {
		if old.N+new.N > 0 {
			v.Times = append(v.Times, timeView{q.name, timeOf(old, q.old), timeOf(new, q.new)})
		}
	}
	if l := &r.Latency; l.Pairs > 0 {
		v.Ratio = fmt.Sprintf("× %.2f (%.2f to %.2f)", l.Ratio, l.Low, l.High)
	}
	least, most := math.Inf(1), math.Inf(-1)
	for _, d := range []*verdict.Durations{old, new} {
		for _, b := range d.Buckets {
			x := math.Log(float64(max(b.UpTo, 1)))
			least, most = min(least, x), max(most, x)
		}
	}
	v.OldLine, v.NewLine = spark(old, least, most), spark(new, least, most)
	return v
}

// timeOf is a duration with the digits that a person reads, and a dash without one.
func timeOf(d *verdict.Durations, t time.Duration) string {
	switch {
	case d.N == 0:
		return "–"
	case t >= 100*time.Millisecond:
		return t.Round(time.Millisecond).String()
	}
	return t.Round(10 * time.Microsecond).String()
}

// spark returns the points of a distribution in a picture of 100 by 20, times
// logarithmic between least and most.
func spark(d *verdict.Durations, least, most float64) string {
	var tallest uint64
	for _, b := range d.Buckets {
		tallest = max(tallest, b.N)
	}
	if tallest == 0 || most <= least {
		return ""
	}
	var points strings.Builder
	for _, b := range d.Buckets {
		x := (math.Log(float64(max(b.UpTo, 1))) - least) / (most - least)
		fmt.Fprintf(&points, "%.1f,%.1f ", 100*x, 19-18*float64(b.N)/float64(tallest))
	}
	return points.String()
}

// viewRow loads the first pair of a row that was kept.
func (v *Verdict) viewRow(r *verdict.Row) rowView {
	view := rowView{
		Standing: r.Standing.String(), Severity: r.Severity.String(), Route: clean(r.Route), Path: clean(r.Path), Why: clean(r.Why),
		Share: fmt.Sprintf("%.1f %%", 100*r.Share()), Failing: v.FailOn.Fails(r),
	}
	for _, s := range r.Samples {
		sample := sampleView{ID: clean(s.ID), Old: clean(s.Old), New: clean(s.New), Commands: v.show(s.ID)}
		view.Samples = append(view.Samples, sample)
	}
	for _, s := range r.Samples {
		pair, err := v.Load(s)
		if err != nil {
			view.Trouble = clean(err.Error())
			continue
		}
		if lines := split(pair.Request); len(lines) > 0 {
			view.Request = tail(lines[0])
		}
		view.Lines, view.Cut = sideBySide(readable(pair.Old), readable(pair.New))
		view.Trouble = ""
		break
	}
	return view
}
