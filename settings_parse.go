package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
)

// errHelp is returned by parseSettings when -h was asked for and printed.
var errHelp = flag.ErrHelp

// parseSettings reads the command line into a new Settings. fs is the empty
// set that the flags are registered on. An error is a usage error: it names
// what was wrong and what to type instead.
func parseSettings(fs *flag.FlagSet, args []string, help io.Writer) (*Settings, error) {
	s := defaultSettings()
	groups := s.groups()
	for _, group := range groups {
		for _, def := range group.flags {
			fs.Var(def.value, def.name, def.help)
		}
	}
	fs.SetOutput(io.Discard)
	fs.Usage = func() {}
	err := fs.Parse(joinOptionalValues(fs, args))
	switch {
	case errors.Is(err, flag.ErrHelp):
		writeHelp(help, groups)
		return nil, errHelp
	case err != nil:
		return nil, explainFlagError(fs, err)
	case fs.NArg() > 0:
		return nil, fmt.Errorf("%q is no flag; values with spaces or | need quotes: --output-http \"staging.com|10\"", fs.Arg(0))
	}
	if s.Version {
		return s, nil
	}
	for _, rule := range s.Rules {
		if setsHost(rule) {
			s.HTTPOriginalHost = true
		}
	}
	return s, s.check()
}

// onlyHTTP reports whether no output takes responses.
func (s *Settings) onlyHTTP() bool {
	for _, out := range s.Outputs {
		if out.Flag != "output-http" {
			return false
		}
	}
	return true
}

// check refuses combinations that cannot work, each with what to type.
func (s *Settings) check() error {
	switch {
	case len(s.Inputs) == 0 && len(s.Outputs) == 0:
		return errors.New("no input and no output; try: gor --input-raw :80 --output-stdout, and gor -h for all flags")
	case len(s.Inputs) == 0:
		return errors.New("no input; add one, such as --input-raw :80 or --input-file requests.gor")
	case len(s.Outputs) == 0 && !s.FileDryRun:
		return errors.New("no output; add one, such as --output-http http://staging.com, --output-file requests.gor or --output-stdout")
	case s.HTTPTrackResponse && s.onlyHTTP():
		return errors.New("--output-http-track-response is for the other outputs; add one, such as --output-file responses.gor")
	case len(s.RawVNIs) > 0 && s.RawEngine != engineVXLAN:
		return errors.New("--input-raw-vxlan-vni is for the vxlan engine; add --input-raw-engine vxlan")
	case s.HTTPWorkers > 0 && s.HTTPWorkersMin > s.HTTPWorkers:
		return fmt.Errorf("--output-http-workers-min %d is more than --output-http-workers %d", s.HTTPWorkersMin, s.HTTPWorkers)
	}
	if err := s.checkBinary(); err != nil {
		return err
	}
	if err := s.TCP.check(has(s.Inputs, "input-tcp"), has(s.Outputs, "output-tcp")); err != nil {
		return err
	}
	for _, arg := range s.Outputs {
		if strings.HasPrefix(arg.Value, "-") {
			return fmt.Errorf("--%s wants a value, and %q looks like a flag", arg.Flag, arg.Value)
		}
	}
	return nil
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
