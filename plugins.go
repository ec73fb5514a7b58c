package main

import (
	"errors"
	"fmt"
	"slices"

	"github.com/buger/gor/internal/flags"
	"github.com/buger/gor/internal/middleware"
	"github.com/buger/gor/internal/pace"
	"github.com/buger/gor/internal/plugin"
)

// pluginFlags are the flags of a plugin: the one that names it, and those for
// what it can be told, under a title of their own in -h. The address may be left
// out where arg is empty.
type pluginFlags struct {
	name, arg, help, example string

	title  string
	topics []string                    // other plugins whose flags stand under the title
	flags  func(s *Settings) []flagDef // nil: none
}

// inputPlugin and outputPlugin are rows of the tables below.
type inputPlugin struct {
	pluginFlags
	speed    bool                   // "|200%" and "|max" are the replay's speed and go to parse
	paced    func(s *Settings) bool // it keeps the times of the capture by its own flags; nil: never
	captures bool                   // what comes is live, and this process's own connections are left out

	// ends reports whether an opened input ends by itself; nil: none does.
	ends func(in plugin.Input, s *Settings) bool

	fits  func(s *Settings) error // refuses settings that cannot work together; nil: there are none
	parse func(addr string, limit pace.Limit, s *Settings) (plugin.Parsed[plugin.Input], error)
}

type outputPlugin struct {
	pluginFlags
	timely  bool // messages have to be there within milliseconds: it is more than a file or a link
	reopens bool // it opens its files again at a SIGHUP

	keepsFree bool // what it writes beside its messages leaves --min-free free
	prints    bool // it writes to standard output

	onlyHTTP     bool // what it sends is HTTP, and nothing else can be sent with it
	onlyRequests bool // it has no use for what targets answer

	connects   bool   // it has connections of its own, and can give each recorded one another
	statuses   bool   // it counts the statuses of answers
	latencies  bool   // it measures how long answers take
	awayAdvice string // what helps, of its flags, where a target is not there yet; "": nothing

	fits  func(s *Settings) error
	parse func(addr string, s *Settings) (plugin.Parsed[plugin.Output], error)
}

// inputPlugins and outputPlugins are the one place where a flag meets its
// plugin, in the order of -h. A new plugin is a file, a row here, and a line in
// Settings for what it can be told.
func inputPlugins() []inputPlugin {
	return []inputPlugin{
		rawInputPlugin(),
		tcpInputPlugin(),
		kafkaInputPlugin(),
		fileInputPlugin(),
		httpInputPlugin(),
		dummyInputPlugin(),
	}
}

func outputPlugins() []outputPlugin {
	return []outputPlugin{
		httpOutputPlugin(),
		tcpOutputPlugin(),
		kafkaOutputPlugin(),
		wsOutputPlugin(),
		binaryOutputPlugin(),
		fileOutputPlugin(),
		verdictOutputPlugin(),
		stdoutPlugin(),
		dummyOutputPlugin(),
		nullOutputPlugin(),
	}
}

// isPlugin reports whether a flag names an input or output.
func isPlugin(flag string) bool {
	return findInput(flag).parse != nil || findOutput(flag).parse != nil
}

// plugins are the inputs and outputs of one run, in the order of the command
// line.
type plugins struct {
	inputs  []plugin.Input
	outputs []plugin.Output
	middle  *middleware.Program // nil: none
}

// openPlugins makes every plugin that the settings name. Outputs come first:
// when an input delivers its first message, everything behind it is there.
// On an error, what was made already is closed.
func openPlugins(s *Settings, env *plugin.Env) (*plugins, error) {
	p := &plugins{}
	if err := p.open(s, env); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

func (p *plugins) open(s *Settings, env *plugin.Env) error {
	for _, arg := range s.Outputs {
		out, err := openOutput(arg, s, env)
		if err != nil {
			return argError(arg.Flag, arg.Value, err)
		}
		p.outputs = append(p.outputs, out)
	}
	var err error
	if p.middle, err = startMiddleware(s, env); err != nil {
		return fmt.Errorf("--middleware %q: %w", middleware.Shown(s.Middleware), err)
	}
	for _, group := range inputGroups(s.Inputs, env.Logf) {
		in, err := openInputs(group, s, env)
		if err != nil {
			return err
		}
		p.inputs = append(p.inputs, in)
	}
	if p.middle != nil {
		p.middle.Back.SetLive(slices.ContainsFunc(p.inputs, func(in plugin.Input) bool { return in.Live() }))
	}
	env.AwaitStanding()
	return nil
}

// argError says which plugin an error is about.
func argError(flag, value string, err error) error {
	addr, _, lerr := splitLimit(value)
	if lerr != nil {
		addr = value
	}
	return flags.AddressError(flag, value, addr, err)
}

// findInput and findOutput return an empty row when there is none of that name.
func findInput(flag string) inputPlugin   { return findRow(inputPlugins(), flag) }
func findOutput(flag string) outputPlugin { return findRow(outputPlugins(), flag) }

func findRow[R interface{ flag() string }](rows []R, flag string) (row R) {
	for _, r := range rows {
		if r.flag() == flag {
			return r
		}
	}
	return row
}

func (f pluginFlags) flag() string { return f.name }

// parseInput and parseOutput understand what the command line says of a plugin,
// its limit included.
func parseInput(arg pluginArg, s *Settings) (in plugin.Parsed[plugin.Input], err error) {
	row := findInput(arg.Flag)
	addr, limit, err := splitLimit(arg.Value)
	switch {
	case row.parse == nil:
		err = errors.New("no such input")
	case err != nil:
	case row.speed:
		err = limit.Speed()
	default:
		err = limit.Share()
	}
	if err != nil {
		return in, err
	}
	in, err = row.parse(addr, limit, s)
	if row.speed && limit.Kind != pace.LimitCount {
		limit = pace.Limit{} // it is a speed
	}
	return in.Wrapped(func(opened plugin.Input) plugin.Input { return limitInput(opened, limit) }), err
}

func parseOutput(arg pluginArg, s *Settings) (out plugin.Parsed[plugin.Output], err error) {
	row := findOutput(arg.Flag)
	addr, limit, err := splitLimit(arg.Value)
	switch {
	case row.parse == nil:
		err = errors.New("no such output")
	case err == nil:
		err = limit.Share()
	}
	if err != nil {
		return out, err
	}
	out, err = row.parse(addr, s)
	return out.Wrapped(func(opened plugin.Output) plugin.Output { return limitOutput(opened, limit) }), err
}

// openInputs opens an input, or recordings that are merged.
func openInputs(group []pluginArg, s *Settings, env *plugin.Env) (plugin.Input, error) {
	if len(group) > 1 {
		return openMergedFiles(group, s, env)
	}
	in, err := openInput(group[0], s, env)
	if err != nil {
		return nil, argError(group[0].Flag, group[0].Value, err)
	}
	return in, nil
}

func openInput(arg pluginArg, s *Settings, env *plugin.Env) (plugin.Input, error) {
	in, err := parseInput(arg, s)
	if err != nil {
		return nil, asUsage(err)
	}
	return in.Open(env)
}

func openOutput(arg pluginArg, s *Settings, env *plugin.Env) (plugin.Output, error) {
	out, err := parseOutput(arg, s)
	if err != nil {
		return nil, asUsage(err)
	}
	return out.Open(env)
}

func (p *plugins) close() {
	for _, in := range p.inputs {
		in.Close()
	}
	p.middle.Close()
	for _, out := range p.outputs {
		out.Close()
	}
}
