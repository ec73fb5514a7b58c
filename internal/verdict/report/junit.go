package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"github.com/buger/gor/internal/console"
	"github.com/buger/gor/internal/verdict"
)

// These are what the readers of JUnit's XML in CI systems agree on.
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Errors   int          `xml:"errors,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Errors   int         `xml:"errors,attr"`
		Skipped  int         `xml:"skipped,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Name    string        `xml:"name,attr"`
		Class   string        `xml:"classname,attr"`
		Error   *junitMessage `xml:"error"`
		Failure *junitMessage `xml:"failure"`
		Out     string        `xml:"system-out,omitempty"`
	}
	junitMessage struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr"`
		Text    string `xml:",chardata"`
	}
)

// allEqual is the case of a route without any difference.
const allEqual = "answers"

// writeJUnit writes a suite for each route and a case for each path in it that differs.
// A case fails when one of its rows is one to fail for; the others say what differs, and
// pass.
func writeJUnit(w io.Writer, v *Verdict) error {
	suites := make([]junitSuite, 0, len(v.Routes))
	at := map[string]int{}
	suite := func(route string) *junitSuite {
		i, known := at[route]
		if !known {
			i, at[route] = len(suites), len(suites)
			suites = append(suites, junitSuite{Name: console.Clean(route)})
		}
		return &suites[i]
	}
	for i := range v.Routes {
		suite(v.Routes[i].Name)
	}
	type place struct{ route, path string }
	cases := map[place]int{}
	for i := range v.Rows {
		r := &v.Rows[i]
		s := suite(r.Route)
		n, known := cases[place{r.Route, r.Path}]
		if !known {
			n, cases[place{r.Route, r.Path}] = len(s.Cases), len(s.Cases)
			s.Cases = append(s.Cases, junitCase{Name: console.Clean(r.Path), Class: s.Name})
		}
		v.addRow(&s.Cases[n], r)
	}
	all := junitSuites{Name: "gor verdict"}
	if v.New != "new" { // several versions' files may come together
		all.Name += " on " + console.Clean(v.New)
	}
	for i := range suites {
		s := &suites[i]
		if len(s.Cases) == 0 {
			s.Cases = []junitCase{{Name: allEqual, Class: s.Name}}
		}
		s.Tests = len(s.Cases)
		for _, c := range s.Cases {
			if c.Failure != nil {
				s.Failures++
			}
		}
	}
	if v.Totals.Compared == 0 {
		message := &junitMessage{Message: "nothing could be compared", Type: "not compared", Text: console.Clean(v.Sentence)}
		suites = append(suites, junitSuite{Name: all.Name, Tests: 1, Errors: 1, Cases: []junitCase{{Name: "compared", Class: all.Name, Error: message}}})
	}
	for _, s := range suites {
		all.Tests, all.Failures, all.Errors = all.Tests+s.Tests, all.Failures+s.Failures, all.Errors+s.Errors
	}
	all.Suites = suites
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// addRow says in a case what a row has found.
func (v *Verdict) addRow(c *junitCase, r *verdict.Row) {
	var b strings.Builder
	line := func(format string, args ...any) { b.WriteString(console.Clean(fmt.Sprintf(format, args...)) + "\n") }
	line("%s, %s: %d of %d pairs; %s", r.Standing, r.Severity, r.Differs, r.Compared, r.Why)
	for _, s := range r.Samples {
		line("%s: %s -> %s", s.ID, valueOf(s.Old), valueOf(s.New))
		for _, command := range v.show(s.ID) {
			line("  %s", command)
		}
	}
	switch {
	case !v.FailOn.Fails(r):
		c.Out += b.String()
	case c.Failure != nil:
		c.Failure.Text += b.String()
	default:
		message := fmt.Sprintf("%s in %d of %d pairs", r.What(), r.Differs, r.Compared)
		c.Failure = &junitMessage{Message: console.Clean(message), Type: r.Severity.String(), Text: b.String()}
	}
}
