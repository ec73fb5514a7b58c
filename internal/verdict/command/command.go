// Package command is gor verdict: what its arguments mean, and what is done with
// them.
package command

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"

	"github.com/buger/gor/internal/verdict"
	"github.com/buger/gor/internal/verdict/files"
	"github.com/buger/gor/internal/verdict/join"
	"github.com/buger/gor/internal/verdict/report"
)

// Usage is what gor verdict -h prints.
const Usage = `Usage: gor verdict FILE... [--against FILE] [flags]

Says whether a new version answers as the old one did. A recording that was made with
--input-raw-track-response or replayed with --output-http-track-response has answers;
- stands for one on standard input.

  gor verdict answered.gor                          captured answers against those of the replay
  gor verdict production.gor --against answered.gor   two recordings, joined by id
  gor verdict --learn noise.toml run1.gor run2.gor    what two runs of one version differ in is noise

  --against FILE   a recording with the new version's answers; may be repeated
  --rules FILE     rules in TOML: [[ignore]], [[tolerance]], [[unordered]], [[expect]], [[route]]; may be repeated
  --learn FILE     write the noise between two recordings to FILE, to be used with --rules
  --fail-on LIST   what makes the exit code 3: regression (the default), any, none, or severities such as
                   unanswered, status-class, status, removed, retyped, value, slower, added, order
  --report FILE    write an HTML page with the answers side by side to a new FILE
  --junit FILE     write JUnit XML for a CI system to a new FILE
  --json FILE      write a line of JSON for each difference to a new FILE

Exit code: 0 equal or noise alone, 1 could not compare, 2 wrong usage, 3 what --fail-on names was found.
`

// A Command is gor verdict with its arguments.
type Command struct {
	compared files.Config
	learn    string // the file for the noise of two runs; "": give a verdict
	reports  report.Config
	failOn   verdict.FailOn
}

// ErrNothing is what Run returns when no two answers could be compared; that has
// been said already.
var ErrNothing = errors.New("nothing was compared")

// Run compares the recordings, one of which may be stdin, and says the result on w. failed reports that what
// is asked for by --fail-on was found.
func (c *Command) Run(stdin io.Reader, w io.Writer) (failed bool, err error) {
	c.compared.Stdin = stdin
	res, err := files.Compare(c.compared)
	if err != nil {
		return false, explain(err)
	}
	defer res.Close()
	if c.learn != "" {
		return false, c.writeLearnt(w, res.Verdicts[0])
	}
	if err := report.WriteTexts(w, res.Verdicts); err != nil {
		return false, err
	}
	if err := c.reports.WriteAll(res.Verdicts, res.Names, c.failOn); err != nil {
		return false, err
	}
	switch {
	case slices.ContainsFunc(res.Verdicts, func(v join.Verdict) bool { return v.Fails(c.failOn) }):
		return true, nil
	case slices.ContainsFunc(res.Verdicts, func(v join.Verdict) bool { return v.Totals.Compared == 0 }):
		fmt.Fprintln(w, advice)
		return false, ErrNothing
	}
	return false, nil
}

// advice is how recordings get what is compared.
const advice = "--input-raw-track-response records the original answers, and a replay with --output-http-track-response and --output-file those of the new version"

// explain adds to an error what to type.
func explain(err error) error {
	var other *files.NotRecordingError
	switch {
	case errors.Is(err, join.ErrOrder):
		return fmt.Errorf("%w; write gor verdict production.gor --against answered.gor, or gor verdict answered.gor for a recording that has both", err)
	case errors.As(err, &other) && other.Convertible():
		return fmt.Errorf("%w; gor convert %s -o requests.gor makes one of it", err, other.Name)
	}
	return err
}

// writeLearnt writes what two runs of one version differ in.
func (c *Command) writeLearnt(w io.Writer, learnt join.Verdict) error {
	if learnt.Totals.Compared == 0 {
		return errors.New(learnt.Sentence)
	}
	if err := files.WriteLearnt(c.learn, learnt.Result); err != nil {
		return err
	}
	fmt.Fprintf(w, "places that differ between the runs: %d; gor verdict --rules %s takes them for noise\n", len(learnt.Learnt()), c.learn)
	return nil
}

// Parse reads the arguments. Flags may stand behind files. It returns flag.ErrHelp
// when the usage was asked for.
func Parse(args []string) (*Command, error) {
	c := &Command{}
	fs := flag.NewFlagSet("verdict", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	var rulesFiles []string
	list := func(p *[]string) func(string) error {
		return func(v string) error { *p = append(*p, v); return nil }
	}
	fs.Func("against", "", list(&c.compared.Against))
	fs.Func("rules", "", list(&rulesFiles))
	fs.StringVar(&c.learn, "learn", "", "")
	fs.StringVar(&c.reports.HTML, "report", "", "")
	fs.StringVar(&c.reports.JUnit, "junit", "", "")
	fs.StringVar(&c.reports.JSON, "json", "", "")
	fail := fs.String("fail-on", "regression", "")
	err := fs.Parse(args)
	for err == nil && fs.NArg() > 0 {
		c.compared.Old = append(c.compared.Old, fs.Arg(0))
		err = fs.Parse(fs.Args()[1:])
	}
	if err != nil {
		return nil, err
	}
	if c.failOn, err = verdict.ParseFailOn(*fail); err != nil {
		return nil, fmt.Errorf("--fail-on: %w", err)
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	if c.compared.Rules, err = files.ReadRules(rulesFiles); err != nil {
		return nil, err
	}
	if err := c.reports.Check(); err != nil {
		return nil, err
	}
	if c.learn != "" {
		c.compared.Runs, c.compared.Old, c.compared.Against = true, c.compared.Old[:1], c.compared.Old[1:]
	}
	return c, nil
}

// check refuses what does not fit together.
func (c *Command) check() error {
	switch {
	case c.learn != "" && (len(c.compared.Old) != 2 || len(c.compared.Against) > 0):
		return errors.New("--learn wants two recordings of one version: gor verdict --learn noise.toml run1.gor run2.gor")
	case c.learn != "" && c.reports.Any():
		return errors.New("--learn writes rules and no report; run gor verdict again with --rules and the report")
	case c.reports.JSON == "-" || c.reports.JUnit == "-" || c.reports.HTML == "-":
		return errors.New("reports are files, and - is none; what is printed is for people")
	case stdins(c.compared.Old)+stdins(c.compared.Against) > 1:
		return errors.New("- stands for standard input, which is but one recording")
	case len(c.compared.Old) == 0:
		return errors.New("no recording is named: gor verdict answered.gor, or gor verdict production.gor --against answered.gor")
	}
	return nil
}

// stdins counts the names of standard input.
func stdins(names []string) (n int) {
	for _, name := range names {
		if name == "-" {
			n++
		}
	}
	return n
}
