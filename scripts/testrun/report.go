package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// An event is a line of go test -json (go doc test2json).
type event struct {
	Action     string
	Package    string
	ImportPath string // of build-output and build-fail
	Test       string
	Output     string
	Elapsed    float64 // seconds
}

// outputLimit is how many bytes of a test's output are kept: its end is what
// tells why it failed.
const outputLimit = 256 << 10

type report struct {
	w                       io.Writer
	passed, failures, skips int
	packages                map[string]*packageState
	built                   map[string]string // output of builds, by what was built
	skipped, outputs, names []string          // what the end tells
}

type packageState struct {
	passed  int
	failed  bool                // one of its tests has
	running string              // the test that began last
	output  map[string][]byte   // by test; "" is the package's own
	tests   map[string][]string // by top-level test: itself and its subtests, in their order
	bad     map[string]bool     // of tests
}

func newReport(w io.Writer) *report {
	return &report{w: w, packages: map[string]*packageState{}, built: map[string]string{}}
}

func (r *report) failed() bool { return len(r.names) > 0 }

// take says whether it printed anything.
func (r *report) take(e event) bool {
	if e.Action == "build-output" || e.Action == "build-fail" {
		r.built[e.ImportPath] += e.Output
		return false
	}
	p := r.packages[e.Package]
	if p == nil {
		p = &packageState{output: map[string][]byte{}, tests: map[string][]string{}, bad: map[string]bool{}}
		r.packages[e.Package] = p
	}
	switch e.Action {
	case "output":
		out := append(p.output[e.Test], e.Output...)
		p.output[e.Test] = out[max(0, len(out)-outputLimit):]
	case "run":
		top, _, _ := strings.Cut(e.Test, "/")
		p.running, p.tests[top] = e.Test, append(p.tests[top], e.Test)
	case "pass", "fail", "skip":
		if e.Test == "" {
			return r.endPackage(e, p)
		}
		r.endTest(e, p)
	}
	return false
}

func (r *report) endTest(e event, p *packageState) {
	top, _, sub := strings.Cut(e.Test, "/")
	switch e.Action {
	case "pass":
		r.passed++
		p.passed++
	case "skip":
		r.skips++
		r.skipped = append(r.skipped, "skipped "+e.Test+": "+reason(p.output[e.Test]))
	case "fail":
		r.failures++
		p.failed, p.bad[e.Test] = true, true
		r.names = append(r.names, e.Package+" "+e.Test)
	}
	if sub {
		return
	}
	if e.Action == "fail" {
		var out strings.Builder
		for _, test := range p.tests[top] {
			if p.bad[test] {
				out.WriteString(told(p.output[test]))
			}
		}
		r.outputs = append(r.outputs, fmt.Sprintf("%s\n%s", e.Package, &out))
	}
	for _, test := range p.tests[top] {
		delete(p.output, test)
	}
	delete(p.tests, top)
}

func (r *report) endPackage(e event, p *packageState) bool {
	delete(r.packages, e.Package)
	name := strings.TrimPrefix(e.Package, "github.com/buger/")
	if e.Action == "fail" {
		if !p.failed { // it does not build, or ended amid a test
			r.failures++
			r.names = append(r.names, e.Package)
			out := told(p.output[""])
			for built, text := range r.built { // "package [package.test]"
				if strings.HasPrefix(built, e.Package+" ") || built == e.Package {
					out += text
				}
			}
			for _, tests := range p.tests {
				for _, test := range tests {
					out += told(p.output[test])
				}
			}
			r.outputs = append(r.outputs, e.Package+"\n"+out)
		}
		fmt.Fprintf(r.w, "FAIL  %-42s %6.1fs\n", name, e.Elapsed)
		return true
	}
	if p.passed > 0 {
		fmt.Fprintf(r.w, "ok    %-42s %6.1fs %5d passed\n", name, e.Elapsed, p.passed)
	}
	return p.passed > 0
}

// alive says what is going on.
func (r *report) alive() {
	var running []string
	for name, p := range r.packages {
		if p.running != "" {
			running = append(running, strings.TrimPrefix(name, "github.com/buger/")+" "+p.running)
		}
	}
	slices.Sort(running)
	if len(running) == 0 {
		running = []string{"building"}
	}
	fmt.Fprintf(r.w, "...   %d passed so far; now: %s\n", r.passed, strings.Join(running, ", "))
}

// end prints what is to be read last: why tests were skipped, what failed.
func (r *report) end() {
	for _, line := range r.skipped {
		fmt.Fprintln(r.w, line)
	}
	if p := r.packages[""]; p != nil && len(p.output[""]) > 0 { // go test's own words
		fmt.Fprintf(r.w, "%s", p.output[""])
	}
	for _, out := range r.outputs {
		fmt.Fprintf(r.w, "\n==== %s", out)
	}
	if r.failed() {
		fmt.Fprintln(r.w, "\nfailed:")
		for _, name := range r.names {
			fmt.Fprintln(r.w, " ", name)
		}
	}
	fmt.Fprintf(r.w, "%d passed, %d failed, %d skipped\n", r.passed, r.failures, r.skips)
}

// told is a test's output without the lines that only say where it stands.
func told(output []byte) string {
	var out strings.Builder
	for line := range strings.Lines(string(output)) {
		bare := strings.TrimLeft(line, " ")
		if !strings.HasPrefix(bare, "=== ") && !strings.HasPrefix(bare, "--- PASS") {
			out.WriteString(line)
		}
	}
	return out.String()
}

// reason is what a test said when it was skipped, without its place.
func reason(output []byte) string {
	why := "it does not say why"
	for line := range strings.Lines(told(output)) {
		if place, text, ok := strings.Cut(strings.TrimSpace(line), ": "); ok && strings.Contains(place, ".go:") {
			why = text
		}
	}
	return why
}
