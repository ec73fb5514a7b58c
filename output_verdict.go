package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/buger/gor/internal/disk"
	"github.com/buger/gor/internal/flags"
	"github.com/buger/gor/internal/plugin"
	"github.com/buger/gor/internal/verdict"
	"github.com/buger/gor/internal/verdict/files"
	"github.com/buger/gor/internal/verdict/join"
	"github.com/buger/gor/internal/verdict/live"
	verdictreport "github.com/buger/gor/internal/verdict/report"
)

// verdictOutputPlugin is the row of --output-verdict. The mechanism is package live.
func verdictOutputPlugin() outputPlugin {
	return outputPlugin{
		pluginFlags: pluginFlags{
			name: "output-verdict", arg: "NAME",
			help: "compare what targets answer with the recorded answers, or with those of the target that is labelled #primary, and write " +
				"NAME.html, NAME.xml (JUnit) and NAME.jsonl at the end; a NAME that ends in / is a folder for them",
			example: "gor --input-file production.gor --output-http http://staging.com --output-http-track-response --output-verdict ./verdict",
			title:   "Verdict",
			flags:   func(s *Settings) []flagDef { return s.verdict.flags() },
		},
		keepsFree: true,
		fits:      (*Settings).checkVerdict,
		parse:     parseVerdictOutput,
	}
}

func parseVerdictOutput(name string, s *Settings) (plugin.Parsed[plugin.Output], error) {
	if name == "" {
		return plugin.Parsed[plugin.Output]{}, errors.New("want a name for the reports, such as ./verdict")
	}
	set, err := files.ReadRules(s.verdict.Rules)
	if err != nil {
		return plugin.Parsed[plugin.Output]{}, fmt.Errorf("--output-verdict-rules: %w", err)
	}
	reports := verdictReports(name)
	cfg := live.Config{
		Name:       "output-verdict " + name,
		Comparison: join.Config{Rules: set, BodyMost: s.MessageLimit},
		Advice:     "--input-raw-track-response records the original answers, or ask the old version too with --output-http http://old#primary",
		Reports:    reports, FailOn: s.verdict.failOn,
	}
	return plugin.Parsed[plugin.Output]{
		Check: reports.CheckFiles,
		Open: func(env *plugin.Env) (plugin.Output, error) {
			if err := reports.CheckFiles(); err != nil {
				return nil, asUsage(err)
			}
			if err := disk.MakeFolders(filepath.Dir(reports.HTML), 0o700); err != nil {
				return nil, err
			}
			cfg.Labels, cfg.Files = s.targetLabels(), s.recordings()
			cfg.QueueBytes, cfg.Large, cfg.Logf = env.QueueBytes, env.Large, env.Logf
			cfg.Comparison.Joining = join.Joining{Room: func(file string) error { return keepFree(s.fileOutput.MinFree, file) }}
			return live.Open(cfg)
		},
	}, nil
}

// verdictReports are the files that a name stands for.
func verdictReports(name string) verdictreport.Config {
	info, err := os.Stat(name)
	if strings.HasSuffix(name, "/") || err == nil && info.IsDir() {
		name = filepath.Join(name, "verdict")
	}
	return verdictreport.Config{HTML: name + ".html", JUnit: name + ".xml", JSON: name + ".jsonl"}
}

// targetLabels are those of the HTTP targets, "" for one without; nil without a target.
func (s *Settings) targetLabels() (labels []string) {
	for _, server := range s.servers() {
		labels = append(labels, server.Label)
	}
	return labels
}

// recordings are the files that this run writes, or else those that it reads, as far
// as the command line has their names.
func (s *Settings) recordings() (names []string) {
	add := func(name string, err error) {
		if err == nil && name != "" && !strings.ContainsAny(name, "%*?[") {
			names = append(names, name)
		}
	}
	for _, arg := range s.Outputs {
		out, err := parseOutput(arg, s)
		add(out.Recording, err)
	}
	if len(names) > 0 {
		return names
	}
	for _, arg := range s.Inputs {
		in, err := parseInput(arg, s)
		add(in.Recording, err)
	}
	return names
}

// checkVerdict refuses what cannot give a verdict.
func (s *Settings) checkVerdict() error {
	labels := s.targetLabels()
	is := func(label string) bool { return slices.Contains(labels, label) }
	unanswered := !slices.ContainsFunc(s.Inputs, func(arg pluginArg) bool { return !findInput(arg.Flag).captures || s.raw.TrackResponse })
	for i, label := range labels {
		switch {
		case !slices.Contains(labels[:i], label):
		case label == "":
			return errors.New("--output-verdict: label the targets, so that their answers can be told apart: --output-http http://old#primary --output-http http://new#candidate")
		default:
			return fmt.Errorf("--output-verdict: two targets are labelled #%s; give each a label of its own", label)
		}
	}
	switch {
	case s.SplitOutput:
		return errors.New("--output-verdict needs all messages, of which --split-output gives it a part: leave out --split-output")
	case len(labels) > 0 && !s.http.TrackResponse:
		return errors.New("--output-verdict needs what the targets answer: add --output-http-track-response")
	case len(labels) == 0 && unanswered:
		return errors.New("--output-verdict needs a target whose answers it compares: add --output-http http://staging.com --output-http-track-response")
	case len(labels) > 0 && !slices.ContainsFunc(labels, func(label string) bool { return label != join.Primary && label != join.Secondary }):
		return errors.New("--output-verdict: no target is a new version: add one, such as --output-http http://new#candidate")
	case unanswered && !is(join.Primary):
		return errors.New("--output-verdict needs the original answers: add --input-raw-track-response, or ask the old version too with --output-http http://old#primary")
	}
	return nil
}

// verdictSettings is what the command line says of --output-verdict.
type verdictSettings struct {
	Rules  []string // files
	FailOn string
	failOn verdict.FailOn
}

// flags sets the defaults and returns the flags that change them.
func (s *verdictSettings) flags() []flagDef {
	const regression = "regression"
	parse := func(text string) (_ string, err error) {
		s.failOn, err = verdict.ParseFailOn(text)
		return text, err
	}
	*s = verdictSettings{FailOn: regression}
	s.failOn, _ = verdict.ParseFailOn(regression) // it is one
	return []flagDef{
		{"output-verdict-rules", "FILE", "rules in TOML of what to ignore, tolerate or expect; may be given several times. docs/verdict.md has them", "",
			flags.Texts(&s.Rules, func(name string) (string, error) {
				_, err := files.ReadRules([]string{name})
				return name, err
			})},
		{"output-verdict-fail-on", "LIST", "what makes the exit code 3: regression, any (suspects too), none, or severities with commas: unanswered, " +
			"status-class, status, removed, retyped, value, slower, added, order",
			"gor --input-file production.gor --output-http staging.com --output-http-track-response --output-verdict ./verdict " +
				"--output-verdict-fail-on unanswered,status-class", flags.Checked(&s.FailOn, parse)},
	}
}
