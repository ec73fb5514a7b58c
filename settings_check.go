package main

import (
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"

	"github.com/buger/gor/internal/disk"
	"github.com/buger/gor/internal/flags"
	"github.com/buger/gor/internal/middleware"
	"github.com/buger/gor/internal/pace"
	"github.com/buger/gor/internal/plugin"
)

// checkPlugins finds what would stop Gor at its start, for --check, as far as
// that can be told without opening, making or sending anything: addresses,
// limits, files. Whether a port is free or a host answers it cannot tell.
func (s *Settings) checkPlugins() error {
	var errs []error
	add := func(flag, value string, err error) {
		if err != nil {
			errs = append(errs, argError(flag, value, err))
		}
	}
	for _, arg := range s.Inputs {
		in, err := parseInput(arg, s)
		add(arg.Flag, arg.Value, in.Checked(err))
	}
	for _, arg := range s.Outputs {
		out, err := parseOutput(arg, s)
		add(arg.Flag, arg.Value, out.Checked(err))
	}
	if s.Middleware != "" {
		if words, err := middleware.Words(s.Middleware); err == nil { // else it has been said
			_, err = exec.LookPath(words[0])
			add("middleware", middleware.Shown(s.Middleware), err)
		}
	}
	for _, file := range [...]struct{ flag, name string }{{"cpuprofile", s.CPUProfile}, {"memprofile", s.MemProfile}, {"summary-json", s.SummaryJSON}} {
		if file.name != "" {
			add(file.flag, file.name, disk.MayOpen(file.name, disk.MayUse))
		}
	}
	return errors.Join(errs...)
}

// unheard takes what nobody is to be told while nothing is opened.
func unheard(string, ...any) {}

// check refuses combinations that cannot work, each with what to type.
func (s *Settings) check() error {
	var errs []error
	refuse := func(wrong bool, format string, args ...any) {
		if wrong {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	switch {
	case len(s.Inputs) == 0 && len(s.Outputs) == 0:
		refuse(true, "no input and no output; try: gor --input-raw :80 --output-stdout, and gor -h for all flags")
	case len(s.Inputs) == 0:
		refuse(true, "no input; add one, such as --input-raw :80 or --input-file requests.gor")
	case len(s.Outputs) == 0 && !s.fileInput.DryRun:
		refuse(true, "no output; add one, such as --output-http http://staging.com, --output-file requests.gor or --output-stdout")
	}
	if c, is := s.FailOn.NeedsStatuses(); is {
		able := outputsThat(func(row outputPlugin) bool { return row.statuses })
		refuse(!s.hasAny(able), "--fail-on %s: only %s knows statuses", c, flagNames(able))
	}
	if c, is := s.FailOn.NeedsLatency(); is {
		able := outputsThat(func(row outputPlugin) bool { return row.latencies })
		refuse(!s.hasAny(able), "--fail-on %s: only %s measure latencies", c, flagNames(able))
	}
	if s.Middleware != "" {
		_, err := middleware.Words(s.Middleware)
		refuse(err != nil, "--middleware %q: %w", middleware.Shown(s.Middleware), err)
	}
	for _, row := range inputPlugins() {
		errs = append(errs, s.checkRow(row.pluginFlags, row.fits)...)
	}
	for _, row := range outputPlugins() {
		errs = append(errs, s.checkRow(row.pluginFlags, row.fits)...)
	}
	for _, group := range s.groups {
		for _, def := range group.flags {
			why := flags.Idle(def.value)
			refuse(why != "" && s.given != nil && s.given(def.name), "--%s does nothing %s", def.name, why)
		}
	}
	for _, arg := range slices.Concat(s.Inputs, s.Outputs) {
		// A capture and a recording may come from "-", standard input; what is
		// recorded may go to standard output.
		in := findInput(arg.Flag)
		stdin := (in.captures || in.speed) && (arg.Value == "-" || strings.HasPrefix(arg.Value, "-:") || strings.HasPrefix(arg.Value, "-|"))
		stdout := findOutput(arg.Flag).reopens && arg.Value == "-"
		refuse(strings.HasPrefix(arg.Value, "-") && !stdin && !stdout,
			"--%s wants a value, and %q looks like a flag", arg.Flag, arg.Value)
		if err := unsupported().Address(arg.Flag, arg.Value); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// checkRow refuses what a plugin cannot work with, and flags of a plugin that
// do nothing: because there is no such plugin, or not the flag that they need.
func (s *Settings) checkRow(row pluginFlags, fits func(*Settings) error) (errs []error) {
	if s.has(row.name) && fits != nil {
		errs = append(errs, fits(s))
	}
	for _, def := range s.told[row.name] {
		if s.given == nil || !s.given(def.name) {
			continue
		}
		owner := row.name
		if in := inputOf(def.name); in != "" {
			owner = in // the link's two ends share a row
		}
		also, met := flags.Also(def.value)
		switch missing := flags.Missing(def.value); {
		case !s.has(owner) && !met:
			errs = append(errs, s.withoutPlugin(def.name, owner, also))
		case s.has(owner) && missing != "":
			errs = append(errs, fmt.Errorf("--%s does nothing without --%s", def.name, missing))
		}
	}
	return errs
}

// withoutPlugin is the error of a flag whose plugin is not there. also, unless it
// is empty, is what else gives the flag a meaning.
func (s *Settings) withoutPlugin(flag, owner, also string) error {
	err := fmt.Errorf("--%s does nothing without --%s", flag, owner)
	if also != "" {
		err = fmt.Errorf("%w or --%s", err, also)
	}
	if other := otherEnd(flag); other != "" && s.has(otherEnd(owner)) && s.table().Has(other) {
		err = fmt.Errorf("%w; for --%s it is --%s", err, otherEnd(owner), other)
	}
	return err
}

// inputOf is the input whose flag that is, by its name; "" when it is of none.
func inputOf(flag string) string {
	for _, row := range inputPlugins() {
		if strings.HasPrefix(flag, strings.TrimSuffix(row.name, "-host")+"-") && flag != row.name {
			return row.name
		}
	}
	return ""
}

// otherEnd turns the name of an input's flag into an output's, and back.
func otherEnd(flag string) string {
	if rest, is := strings.CutPrefix(flag, "input-"); is {
		return "output-" + rest
	}
	if rest, is := strings.CutPrefix(flag, "output-"); is {
		return "input-" + rest
	}
	return ""
}

// has reports whether there is a plugin of that flag.
func (s *Settings) has(flag string) bool {
	return slices.ContainsFunc(slices.Concat(s.Inputs, s.Outputs), func(arg pluginArg) bool { return arg.Flag == flag })
}

// none reports whether there are plugins of that flag, none of whose addresses fits.
func (s *Settings) none(flag string, fits func(address string) bool) bool {
	return s.has(flag) && !slices.ContainsFunc(s.addresses(flag), fits)
}

// addresses are those that plugins of that flag were given, without limits.
func (s *Settings) addresses(flag string) (list []string) {
	for _, arg := range slices.Concat(s.Inputs, s.Outputs) {
		if addr, _, err := splitLimit(arg.Value); arg.Flag == flag && err == nil {
			list = append(list, addr)
		}
	}
	return list
}

// onlyHTTP is the flag of the first output that sends nothing but HTTP, or "".
func (s *Settings) onlyHTTP() string {
	for _, out := range s.Outputs {
		if findOutput(out.Flag).onlyHTTP {
			return out.Flag
		}
	}
	return ""
}

// servers are those that outputs send requests to.
func (s *Settings) servers() (list []plugin.Server) {
	for _, arg := range s.Outputs {
		if out, err := parseOutput(arg, s); err == nil && out.Server != nil {
			list = append(list, *out.Server)
		}
	}
	return list
}

// hasAny reports whether there is a plugin of one of those flags.
func (s *Settings) hasAny(flags []string) bool { return slices.ContainsFunc(flags, s.has) }

// outputsThat are the flags of the outputs for which is is true.
func outputsThat(is func(outputPlugin) bool) (flags []string) {
	for _, row := range outputPlugins() {
		if is(row) {
			flags = append(flags, row.name)
		}
	}
	return flags
}

// flagNames are flags in a sentence.
func flagNames(flags []string) string { return "--" + strings.Join(flags, " and --") }

// captures is how many inputs capture.
func (s *Settings) captures() (n int) {
	for _, in := range s.Inputs {
		if findInput(in.Flag).captures {
			n++
		}
	}
	return n
}

// latencyMatters reports whether any output is more than a file or a link.
func (s *Settings) latencyMatters() bool {
	return slices.ContainsFunc(s.Outputs, func(out pluginArg) bool { return findOutput(out.Flag).timely })
}

// reopens reports whether there is a recording, which SIGHUP opens again.
func (s *Settings) reopens() bool {
	return slices.ContainsFunc(s.Outputs, func(out pluginArg) bool { return findOutput(out.Flag).reopens })
}

// replaysOnTime reports whether anything is replayed at the pace of its capture.
func (s *Settings) replaysOnTime() bool {
	return slices.ContainsFunc(s.Inputs, func(in pluginArg) bool {
		row := findInput(in.Flag)
		_, limit, err := splitLimit(in.Value)
		return row.speed && (err != nil || limit.Kind != pace.LimitMax) || row.paced != nil && row.paced(s)
	})
}
