package report

import (
	"bytes"
	"fmt"
	"html"
	"io"
)

// The page is written with calls, not with package html/template: that looks methods up by name, for which the linker
// has to keep every exported method of the whole program, a tenth of its size.

// markup is text that is written as it is.
type markup string

// A pageWriter collects a page.
type pageWriter struct{ bytes.Buffer }

// add writes format, which is markup. Strings among args are text and escaped, so that they can stand between tags and in
// quoted attributes; a markup is written as it is.
func (w *pageWriter) add(format string, args ...any) {
	for i, arg := range args {
		if text, is := arg.(string); is {
			args[i] = html.EscapeString(text)
		}
	}
	fmt.Fprintf(w, format, args...)
}

// addIf writes format when text is not empty.
func (w *pageWriter) addIf(text, format string) {
	if text != "" {
		w.add(format, text)
	}
}

// addCount writes format when n is not zero.
func (w *pageWriter) addCount(n uint64, format string) {
	if n > 0 {
		w.add(format, n)
	}
}

func (p *page) write(to io.Writer) error {
	w := &pageWriter{}
	w.add(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="%s">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>gor verdict: %s</title>
%s
</head>
<body>
`, p.Policy, p.Class, p.Style)
	p.writeHeader(w)
	w.add(`<main>
<h2>Differences</h2>
<p class="filter"><input type="search" id="search" placeholder="route, path, id or value" aria-label="Search">
<select id="standing" aria-label="Standing"><option value="">all</option><option>regression</option><option>suspect</option><option>noise</option><option>expected</option></select>
<span id="count" role="status"></span></p>
`)
	for i := range p.Rows {
		open := ""
		if i == 0 && p.Rows[i].Failing {
			open = " open" // what whoever comes from a red build wants to see
		}
		p.writeRow(w, &p.Rows[i], open)
	}
	if len(p.Rows) == 0 {
		w.add("<p>None.</p>\n")
	}
	w.addCount(uint64(p.MoreRows), "<p>And %d more, which the JSON lines have.</p>\n")
	w.add("<h2>Routes</h2>\n")
	for i := range p.Routes {
		p.Routes[i].write(w)
	}
	w.addCount(uint64(p.MoreRoutes), "<p>And %d more.</p>\n")
	w.add("</main>\n%s\n</body>\n</html>\n", p.Script)
	_, err := w.WriteTo(to)
	return err
}

func (p *page) writeHeader(w *pageWriter) {
	t := &p.Totals
	w.add(`<header class="%s">
<h1>%s</h1>
<p>%s against %s. %d pairs: %d equal, %d with noise or expected changes alone, %d suspect, %d with a regression.
Status equal %d, different %d.`, p.Class, p.Sentence, p.New, p.Old, t.Compared, t.Equal, t.Harmless, t.Suspect, t.Regressed, t.StatusEqual, t.StatusDifferent)
	for _, s := range p.Statuses {
		w.add(" <code>%s</code>", s)
	}
	w.add("</p>\n")
	if len(p.Notes) > 0 {
		w.add("<ul>")
		for _, note := range p.Notes {
			w.add("<li>%s</li>", note)
		}
		w.add("</ul>\n")
	}
	w.add("</header>\n")
}

func (p *page) writeRow(w *pageWriter, r *rowView, open string) {
	w.add(`<details class="row" data-standing="%s"%s>
<summary><b class="%s">%s</b> <span>%s</span> <span>%s</span> <code>%s</code> <code>%s</code></summary>
<p>%s</p>
`, r.Standing, open, r.Standing, r.Standing, r.Severity, r.Share, r.Route, r.Path, r.Why)
	w.addIf(r.Trouble, "<p>%s</p>\n")
	if len(r.Lines) > 0 {
		w.add(`<p><code>%s</code></p>
<div class="pair"><div class="line head"><div>%s</div><div>%s</div></div>
`, r.Request, p.Old, p.New)
		for _, l := range r.Lines {
			l.write(w)
		}
		w.add("</div>")
		if r.Cut {
			w.add("<p>More lines differ; the commands above show all.</p>")
		}
		w.add("\n")
	}
	w.add("<ul>")
	for _, s := range r.Samples {
		w.add("<li><code>%s</code>: <del>%s</del> → <ins>%s</ins>", s.ID, s.Old, s.New)
		for _, c := range s.Commands {
			w.add(`<br><code class="command">%s</code>`, c)
		}
		w.add("</li>")
	}
	w.add("</ul>\n</details>\n")
}

func (l line) write(w *pageWriter) {
	if l.Kind == "skip" {
		w.add("<div class=\"line skip\">⋯</div>\n")
		return
	}
	w.add(`<div class="line %s"><div>%s`, l.Kind, l.Old.Before)
	w.addIf(l.Old.Middle, "<del>%s</del>")
	w.add("%s</div><div>%s", l.Old.After, l.New.Before)
	w.addIf(l.New.Middle, "<ins>%s</ins>")
	w.add("%s</div></div>\n", l.New.After)
}

func (r *routeView) write(w *pageWriter) {
	w.add(`<section class="route"><code>%s</code>
<span>%d pairs: %d equal`, r.Name, r.Compared, r.Equal)
	w.addCount(r.Harmless, ", %d noise")
	w.addCount(r.Suspect, `, <b class="suspect">%d suspect</b>`)
	w.addCount(r.Regressed, `, <b class="regression">%d regressed</b>`)
	w.add("</span>\n")
	for _, t := range r.Times {
		w.add("<span>%s %s → %s</span>\n", t.Name, t.Old, t.New)
	}
	w.addIf(r.Ratio, "<span>%s</span>\n")
	if r.OldLine != "" || r.NewLine != "" {
		w.add(`<svg viewBox="0 0 100 20" role="img" aria-label="times of answers, logarithmic"><polyline class="old" points="%s"/><polyline class="new" points="%s"/></svg>
`, r.OldLine, r.NewLine)
	}
	w.addIf(r.Note, "<small>%s</small>")
	w.add("</section>\n")
}
