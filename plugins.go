package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/buger/gor/internal/address"
	"github.com/buger/gor/internal/middleware"
	"github.com/buger/gor/internal/pace"
	"github.com/buger/gor/internal/plugin"
	"github.com/buger/gor/internal/queue"
)

// The contract is package plugin's; these are its names here.
type (
	Input    = plugin.Input
	Output   = plugin.Output
	progress = plugin.Progress
	report   = plugin.Report
)

// inputPlugin and outputPlugin are rows of the tables below. The name is the
// flag's; limit says what "|N%" means after the address. check says what is
// wrong with an address and opens nothing; nil has nothing to say.
type inputPlugin struct {
	name  string
	speed bool // "|200%" and "|max" are the replay's speed and go to the constructor
	check func(addr string, limit pace.Limit, s *Settings) error
	make  func(addr string, limit pace.Limit, s *Settings, env *pluginEnv) (Input, error)
}

type outputPlugin struct {
	name  string
	check func(addr string, s *Settings) error
	make  func(addr string, s *Settings, env *pluginEnv) (Output, error)
}

// inputPlugins and outputPlugins are the one place where a flag meets its
// constructor. A new plugin is a new file and a row here, beside its flag in
// settings.go.
func inputPlugins() []inputPlugin {
	return []inputPlugin{
		{name: "input-raw", check: checkRawInput, make: newRawInput},
		{name: "input-tcp", check: checkTCPInput, make: newTCPInput},
		{name: "input-file", speed: true, check: checkFileInput, make: newFileInput},
		{name: "input-http", check: checkHTTPInput, make: newHTTPInput},
		{name: "input-dummy", make: newDummyInput},
	}
}

func outputPlugins() []outputPlugin {
	return []outputPlugin{
		{name: "output-http", check: checkHTTPOutput, make: newHTTPOutput},
		{name: "output-tcp", check: checkTCPOutput, make: newTCPOutput},
		{name: "output-ws", check: checkWSOutput, make: newWSOutput},
		{name: "output-binary", check: checkBinaryOutput, make: newBinaryOutput},
		{name: "output-file", check: checkFileOutput, make: newFileOutput},
		{name: "output-dummy", make: newDummyOutput},
		{name: "output-stdout", make: newDummyOutput},
		{name: "output-null", make: newNullOutput},
	}
}

// isPlugin reports whether a flag names an input or output.
func isPlugin(flag string) bool {
	_, noInput := findInput(flag)
	_, noOutput := findOutput(flag)
	return noInput == nil || noOutput == nil
}

func (row inputPlugin) limitFits(limit pace.Limit) error {
	if row.speed {
		return limit.Speed()
	}
	return limit.Share()
}

// plugins are the inputs and outputs of one run, in the order of the command
// line.
type plugins struct {
	inputs  []Input
	outputs []Output
	middle  *middleware.Program // nil: none
}

// openPlugins makes every plugin that the settings name. Outputs come first:
// when an input delivers its first message, everything behind it is there.
// On an error, what was made already is closed.
func openPlugins(s *Settings, env *pluginEnv) (*plugins, error) {
	p := &plugins{}
	if err := p.open(s, env); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

func (p *plugins) open(s *Settings, env *pluginEnv) error {
	for _, arg := range s.Outputs {
		out, err := openOutput(arg, s, env)
		if err != nil {
			return argError(arg.Flag, arg.Value, err)
		}
		p.outputs = append(p.outputs, out)
	}
	var err error
	if p.middle, err = startMiddleware(s, env); err != nil {
		return fmt.Errorf("--middleware %q: %w", shownCommand(s.Middleware), err)
	}
	groups := inputGroups(s.Inputs)
	tellOfSpeeds(groups, env.logf)
	for _, group := range groups {
		in, err := openInputs(group, s, env)
		if err != nil {
			return err
		}
		p.inputs = append(p.inputs, in)
	}
	if p.middle != nil {
		p.middle.Back.SetLive(slices.ContainsFunc(p.inputs, func(in Input) bool { return in.Live() }))
	}
	env.awaitStanding()
	return nil
}

// standMost is how long a schedule waits for its outputs' first connections: a
// handshake with a host that is far away. One that is down says nothing sooner.
const standMost = time.Second

// awaitStanding waits until the outputs are ready for their first message.
func (env *pluginEnv) awaitStanding() {
	late := time.NewTimer(standMost)
	defer late.Stop()
	for _, ready := range env.standing {
		select {
		case <-ready:
		case <-late.C:
			return
		case <-env.ctx.Done():
			return
		}
	}
}

// argError says which plugin an error is about. The address is said once, and
// never with its password.
func argError(flag, value string, err error) error {
	err = address.RedactError(err, value)
	addr, _, lerr := splitLimit(value)
	if lerr != nil {
		addr = value
	} else {
		err = address.RedactError(err, addr)
	}
	if strings.HasPrefix(err.Error(), strconv.Quote(address.Redact(addr))) {
		return fmt.Errorf("--%s: %w", flag, err)
	}
	return fmt.Errorf("--%s %s: %w", flag, address.Redact(value), err)
}

func findInput(flag string) (inputPlugin, error) {
	for _, row := range inputPlugins() {
		if row.name == flag {
			return row, nil
		}
	}
	return inputPlugin{}, errors.New("no such input")
}

func findOutput(flag string) (outputPlugin, error) {
	for _, row := range outputPlugins() {
		if row.name == flag {
			return row, nil
		}
	}
	return outputPlugin{}, errors.New("no such output")
}

// openInputs opens an input, or recordings that are merged.
func openInputs(group []pluginArg, s *Settings, env *pluginEnv) (Input, error) {
	if len(group) > 1 {
		return openMergedFiles(group, s, env)
	}
	in, err := openInput(group[0], s, env)
	if err != nil {
		return nil, argError(group[0].Flag, group[0].Value, err)
	}
	return in, nil
}

func openInput(arg pluginArg, s *Settings, env *pluginEnv) (Input, error) {
	row, err := findInput(arg.Flag)
	if err != nil {
		return nil, err
	}
	addr, limit, err := splitLimit(arg.Value)
	if err == nil {
		err = row.limitFits(limit)
	}
	if err != nil {
		return nil, asUsage(err)
	}
	in, err := row.make(addr, limit, s, env)
	if err != nil {
		return nil, err
	}
	if row.speed && limit.Kind != pace.LimitCount {
		return in, nil
	}
	return limitInput(in, limit), nil
}

func openOutput(arg pluginArg, s *Settings, env *pluginEnv) (Output, error) {
	row, err := findOutput(arg.Flag)
	if err != nil {
		return nil, err
	}
	addr, limit, err := splitLimit(arg.Value)
	if err == nil {
		err = limit.Share()
	}
	if err != nil {
		return nil, asUsage(err)
	}
	out, err := row.make(addr, s, env)
	if err != nil {
		return nil, err
	}
	return limitOutput(out, limit), nil
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

// errFull is what an Output's Write returns when it took nothing.
var errFull = queue.ErrFull

// newQueue makes the queue of an output, with its share of the memory. items
// bounds the messages that wait; zero leaves that to the memory.
func (env *pluginEnv) newQueue(items int) *queue.Queue {
	q := queue.New(items, env.queueBytes)
	q.Share(env.large)
	return q
}
