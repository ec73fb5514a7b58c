package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
)

// errHelp is returned by parseSettings when -h was asked for and printed.
var errHelp = flag.ErrHelp

// parseSettings reads a new Settings from the command line, from what of
// environ, a list of NAME=VALUE, is named after a flag, and from the file of
// --config. Each goes before the next, flag by flag. fs is the empty set that
// the flags are registered on. An error is a usage error, or several joined:
// it names what was wrong and what to type instead. Settings that come with an
// error are whole but for what it says, and good for nothing but to be checked.
func parseSettings(fs *flag.FlagSet, args, environ []string, help io.Writer) (*Settings, error) {
	s := defaultSettings()
	groups := s.groups()
	for _, group := range groups {
		for _, def := range group.flags {
			fs.Var(def.value, def.name, def.help)
		}
	}
	fs.SetOutput(io.Discard)
	fs.Usage = func() {}
	err := parseLine(fs, joinOptionalValues(fs, args))
	switch {
	case errors.Is(err, flag.ErrHelp):
		writeHelp(help, groups)
		return nil, errHelp
	case err == nil && s.Version:
		return s, nil
	}
	// What is missing or does not fit together cannot be told while a part of
	// what was meant is unknown.
	if err := errors.Join(err, setFromEnvironment(fs, s, environ), setFromFile(fs, s)); err != nil {
		return s, err
	}
	fs.Visit(func(f *flag.Flag) {
		if v, ok := f.Value.(*goneValue); ok {
			s.Notes = append(s.Notes, fmt.Sprintf("--%s is accepted and no longer needed: %s", f.Name, v.why))
		}
	})
	for _, rule := range s.Rules {
		if setsHost(rule) {
			s.HTTPOriginalHost = true
		}
	}
	return s, s.check()
}

// parseLine sets the flags of the command line, and goes on after a mistake
// where it can tell what comes next.
func parseLine(fs *flag.FlagSet, args []string) error {
	var errs []error
	for {
		err := fs.Parse(args)
		args = fs.Args()
		switch {
		case errors.Is(err, flag.ErrHelp) && errs == nil:
			return err
		case errors.Is(err, flag.ErrHelp):
			return errors.Join(errs...)
		case err == nil && len(args) == 0:
			return errors.Join(errs...)
		case err == nil:
			// Whatever it was meant to be, what follows may belong to it.
			stray := fmt.Errorf("%q is no flag; values with spaces or | need quotes: --output-http \"staging.com|10\"", args[0])
			return errors.Join(append(errs, stray)...)
		}
		errs = append(errs, explainFlagError(fs, err))
		switch text := err.Error(); {
		case strings.HasPrefix(text, "bad flag syntax"):
			args = args[1:] // package flag leaves it there
		case strings.HasPrefix(text, "flag provided but not defined") && len(args) > 0 && !strings.HasPrefix(args[0], "-"):
			args = args[1:] // its value, if it has one
		}
	}
}

// setFlags lists the flags that have been set so far.
func setFlags(fs *flag.FlagSet) map[string]bool {
	names := map[string]bool{}
	fs.Visit(func(f *flag.Flag) { names[f.Name] = true })
	return names
}

// isList reports whether a flag may be given several times.
func isList(v flag.Value) bool {
	switch v := v.(type) {
	case optionalValue:
		return isList(v.Value)
	case *pluginList, *ruleList, *vniList, *vlanList, *interfaceList:
		return true
	}
	return false
}

// only reports whether all outputs are of that flag.
func (s *Settings) only(flag string) bool {
	return !slices.ContainsFunc(s.Outputs, func(out pluginArg) bool { return out.Flag != flag })
}

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
	case len(s.Outputs) == 0 && !s.FileDryRun:
		refuse(true, "no output; add one, such as --output-http http://staging.com, --output-file requests.gor or --output-stdout")
	}
	refuse(s.HTTPTrackResponse && s.only("output-http") && s.Middleware == "" && len(s.Outputs) > 0,
		"--output-http-track-response is for the other outputs, or for a middleware; add one, such as --output-file responses.gor")
	refuse(s.BinaryTrackResponse && len(s.Outputs) > 0 && s.Middleware == "" && s.only("output-binary"),
		"--output-binary-track-response is for the other outputs, or for a middleware; add one, such as --output-file responses.gor")
	refuse(len(s.RawVNIs) > 0 && s.RawEngine != engineVXLAN,
		"--input-raw-vxlan-vni is for the vxlan engine; add --input-raw-engine vxlan")
	refuse(s.HTTPWorkers > 0 && s.HTTPWorkersMin > s.HTTPWorkers,
		"--output-http-workers-min %d is more than --output-http-workers %d", s.HTTPWorkersMin, s.HTTPWorkers)
	if s.Middleware != "" {
		_, err := middlewareWords(s.Middleware)
		refuse(err != nil, "--middleware %q: %w", s.Middleware, err)
	}
	if err := s.checkBinary(); err != nil {
		errs = append(errs, err)
	}
	if err := s.TCP.check(has(s.Inputs, "input-tcp"), has(s.Outputs, "output-tcp")); err != nil {
		errs = append(errs, err)
	}
	for _, arg := range slices.Concat(s.Inputs, s.Outputs) {
		// A capture may come from "-", standard input.
		refuse(strings.HasPrefix(arg.Value, "-") && (arg.Flag != "input-raw" || strings.HasPrefix(arg.Value, "--")),
			"--%s wants a value, and %q looks like a flag", arg.Flag, arg.Value)
		if err := laterAddress(arg); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// checkBinary refuses what looks into HTTP when what is captured is not HTTP.
func (s *Settings) checkBinary() error {
	if s.RawProtocol != protocolBinary || !has(s.Inputs, "input-raw") {
		return nil
	}
	const reason = "is for HTTP, which --input-raw-protocol binary does not capture: "
	switch {
	case has(s.Outputs, "output-http"):
		return errors.New("--output-http " + reason + "send it with --output-binary, keep it with --output-file, or pass it on with --output-tcp")
	case len(s.Rules) > 0:
		return fmt.Errorf("--%s %sleave it out; --input-raw-bpf-filter chooses by address", s.Rules[0].Flag, reason)
	case s.RawRealIP != "":
		return errors.New("--input-raw-realip-header " + reason + "leave it out")
	case s.PrettifyHTTP:
		return errors.New("--prettify-http " + reason + "leave it out")
	}
	return nil
}
