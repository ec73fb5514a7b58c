package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/buger/gor/internal/flags"
	"github.com/buger/gor/internal/pace"
	"github.com/buger/gor/internal/plugin"
	"github.com/buger/gor/internal/replay"
	"github.com/buger/gor/internal/sniff"
)

// fileInputPlugin is the row of --input-file.
func fileInputPlugin() inputPlugin {
	return inputPlugin{
		pluginFlags: pluginFlags{
			name: "input-file", arg: "FILE",
			help: "replay a recording at the pace of its recording: FILE|200% twice as fast, FILE|max without waiting. " +
				"FILE may be a pattern; several files are merged by time, those of several flags too " +
				"when they have one speed. log:FILE, and FILE of *.log, is an access log; har:FILE, and *.har, is HAR; curl:FILE, and *.curl, is curl lines; " +
				"jsonl:FILE, and *.jsonl, is JSON lines; - is standard input",
			example: "gor --input-file ./requests.gor --output-http staging.com",
			title:   "Replay from files",
			flags:   func(s *Settings) []flagDef { return slices.Concat(s.fileInput.flags(s.unpaced), s.formatFlags()) },
		},
		speed: true,
		ends:  func(_ plugin.Input, s *Settings) bool { return !s.fileInput.Loop },
		parse: parseFileInput,
	}
}

func parseFileInput(pattern string, limit pace.Limit, s *Settings) (plugin.Parsed[plugin.Input], error) {
	cfg, err := replayConfig(s, replay.Source{Pattern: pattern, Limit: limit})
	if err != nil {
		return plugin.Parsed[plugin.Input]{}, err
	}
	return plugin.Parsed[plugin.Input]{
		Recording: pattern,
		Check:     func() error { return explainReplay(replay.Check(cfg)) },
		Open: func(env *plugin.Env) (plugin.Input, error) {
			cfg.Logf, cfg.Forecast = env.Logf, env.Forecast
			in, err := replay.Open(cfg)
			if err != nil {
				return nil, explainReplay(err)
			}
			return in, nil
		},
	}, nil
}

// replayConfig is what the settings say of a replay. Two paces are refused.
func replayConfig(s *Settings, sources ...replay.Source) (replay.Config, error) {
	for i, source := range sources {
		if limit := source.Limit; s.fileInput.Rate > 0 && (limit.Kind == pace.LimitPercent || limit.Kind == pace.LimitMax) {
			err := asUsage(fmt.Errorf("|%s and --input-file-rate %d both set the pace; leave one out", limit, s.fileInput.Rate))
			return replay.Config{}, &replay.SourceError{Index: i, Err: err}
		}
	}
	return replay.Config{
		Kind:         "input-file",
		Sources:      sources,
		Timing:       pace.Timing{MaxWait: s.fileInput.MaxWait, Catchup: s.fileInput.Catchup, Rate: s.fileInput.Rate},
		Loop:         s.fileInput.Loop,
		Depth:        s.fileInput.ReadDepth,
		MessageLimit: s.MessageLimit,
		Formats:      s.formats,
		Hints: replay.Hints{
			MaxWait:      "--input-file-max-wait 5s",
			MessageLimit: "--copy-buffer-size",
			Depth:        "--input-file-read-depth",
		},
	}, nil
}

// explainReplay adds to an error what to do about it.
func explainReplay(err error) error {
	switch {
	case errors.As(err, new(*replay.LoopError)):
		return fmt.Errorf("%w; leave out --input-file-loop", err)
	case errors.Is(err, replay.ErrNoName), errors.Is(err, filepath.ErrBadPattern):
		return asUsage(err)
	case errors.As(err, new(*replay.NothingError)):
		return explainKind(err)
	case errors.Is(err, fs.ErrPermission):
		var path *fs.PathError
		if errors.As(err, &path) {
			return fmt.Errorf("%w; make it yours with: sudo chown \"$USER\" %s", err, path.Path)
		}
	}
	return err
}

// explainKind adds how a file that is not a recording is read.
func explainKind(err error) error {
	var nothing *replay.NothingError
	errors.As(err, &nothing)
	value := nothing.Kind.Prefixed(nothing.Name)
	switch {
	case nothing.Kind == sniff.Pcap:
		return fmt.Errorf("%w; replay the requests in it with: --input-raw %s:80", err, nothing.Name)
	case nothing.Kind != sniff.Recording && value != "":
		return fmt.Errorf("%w; replay it with: --input-file %s", err, value)
	}
	return err
}

// inputGroups parts the inputs into what is opened together: recordings of one
// speed, and each other input alone. tell, unless nil, is told of recordings that
// are not merged because of their speeds.
func inputGroups(inputs []pluginArg, tell func(format string, args ...any)) (groups [][]pluginArg) {
	limits := make([]*pace.Limit, len(inputs))
	for i, arg := range inputs {
		_, limit, err := splitLimit(arg.Value)
		if findInput(arg.Flag).speed && err == nil && limit.Speed() == nil { // what is wrong with it, opening it will say
			limits[i] = &limit
		}
	}
	members, speeds := replay.Groups(limits)
	var files []string
	for _, group := range members {
		var args []pluginArg
		var values []string
		for _, i := range group {
			args, values = append(args, inputs[i]), append(values, inputs[i].Value)
		}
		groups = append(groups, args)
		if limits[group[0]] != nil {
			files = append(files, strings.Join(values, ", "))
		}
	}
	if speeds > 1 && tell != nil {
		tell("input-file: %s have different speeds and are not merged by time: each begins at once, with its own first record; give them one speed to keep their distance", strings.Join(files, " and "))
	}
	return groups
}

// mergedConfig is the replay of a group.
func mergedConfig(group []pluginArg, s *Settings) (replay.Config, error) {
	var sources []replay.Source
	for i, arg := range group {
		addr, limit, err := splitLimit(arg.Value)
		if err == nil {
			err = limit.Speed()
		}
		if err != nil {
			return replay.Config{}, &replay.SourceError{Index: i, Err: asUsage(err)}
		}
		sources = append(sources, replay.Source{Pattern: addr, Limit: limit})
	}
	return replayConfig(s, sources...)
}

// sourceError says which flag of a group an error is about.
func sourceError(group []pluginArg, err error) error {
	arg := group[0]
	var source *replay.SourceError
	if errors.As(err, &source) {
		arg, err = group[source.Index], source.Err
	}
	return argError(arg.Flag, arg.Value, explainReplay(err))
}

// openMergedFiles opens recordings that are replayed on one clock.
func openMergedFiles(group []pluginArg, s *Settings, env *plugin.Env) (plugin.Input, error) {
	cfg, err := mergedConfig(group, s)
	if err != nil {
		return nil, sourceError(group, err)
	}
	cfg.Logf, cfg.Forecast = env.Logf, env.Forecast
	in, err := replay.Open(cfg)
	if err != nil {
		return nil, sourceError(group, err)
	}
	limits, limited := make([]replay.Limiter, len(group)), false
	for i, source := range cfg.Sources {
		if source.Limit.Kind == pace.LimitCount {
			limits[i], limited = newLimiter(source.Limit, source.Pattern), true
		}
	}
	if !limited {
		return in, nil
	}
	return replay.Limit(in, limits), nil
}

// dryRun says on w what is in every --input-file and how long the replay takes.
func dryRun(s *Settings, env *plugin.Env, w io.Writer) error {
	for _, arg := range s.Inputs {
		if !findInput(arg.Flag).speed {
			return asUsage(fmt.Errorf("--input-file-dry-run reads recordings only; leave out --%s %s", arg.Flag, arg.Value))
		}
	}
	if s.Middleware != "" {
		env.Logf("--input-file-dry-run does not start the middleware: what it would change is not in these numbers")
	}
	for _, group := range inputGroups(s.Inputs, env.Logf) {
		cfg, err := mergedConfig(group, s)
		if err == nil {
			cfg.Logf = env.Logf
			err = replay.DryRun(cfg, func(in plugin.Input) plugin.Input { return modifyInput(in, s, true, env.Logf) }, w)
		}
		if errors.As(err, new(*replay.ReadError)) {
			return err // it says which
		}
		if err != nil {
			return sourceError(group, err)
		}
	}
	return nil
}

// unpaced reports whether recordings are replayed at no pace.
func (s *Settings) unpaced() bool { return s.has("input-file") && !s.replaysOnTime() }

// fileInputSettings is what the command line says of --input-file.
type fileInputSettings struct {
	Loop      bool
	ReadDepth int           // records
	MaxWait   time.Duration // 0: no limit
	Catchup   int           // percent, 0: no cap
	Rate      int           // records a second, 0: as recorded
	DryRun    bool
}

// flags sets the defaults and returns the flags that change them.
func (s *fileInputSettings) flags(unpaced func() bool) []flagDef {
	const atOnce = "with |max, which waits for nothing"
	*s = fileInputSettings{ReadDepth: 100}
	return []flagDef{
		{"input-file-loop", "", "start again at the end of the recording, forever",
			"gor --input-file requests.gor --input-file-loop --output-http staging.com",
			flags.Unless(flags.Bool(&s.Loop), func() bool { return s.DryRun }, "with --input-file-dry-run")},
		{"input-file-max-wait", "DURATION", "shorten longer pauses between two requests to this",
			"gor --input-file requests.gor --input-file-max-wait 5s --output-http staging.com", flags.Unless(flags.Unless(flags.Duration(&s.MaxWait, 0), unpaced, atOnce), func() bool { return s.Rate > 0 }, "with --input-file-rate, which knows no pauses")},
		{"input-file-read-depth", "N", "how many records to read ahead to put late ones in order", "", flags.Int(&s.ReadDepth, 1, 1_000_000)},
		{"input-file-catchup", "PERCENT", "how fast a backlog may go out when the replay is late, as a percentage of the recorded pace; 0 means at once", "", flags.Unless(flags.Percent(&s.Catchup), unpaced, atOnce)},
		{"input-file-rate", "N", "replay N records a second, evenly, instead of at the recorded pace; nothing is dropped; 0 means as recorded",
			"gor --input-file requests.gor --input-file-rate 500 --output-http staging.com", flags.Int(&s.Rate, 0, 1_000_000_000)},
		{"input-file-dry-run", "", "print what the recordings hold, what of it filters and rewrites leave, and how long the replay will take, and exit",
			"gor --input-file \"requests.gor|200%\" --input-file-dry-run", flags.Bool(&s.DryRun)},
	}
}
