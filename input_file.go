package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/buger/gor/internal/flags"
	"github.com/buger/gor/internal/pace"
	"github.com/buger/gor/internal/replay"
)

func newFileInput(pattern string, limit pace.Limit, s *Settings, env *pluginEnv) (Input, error) {
	cfg, err := replayConfig(s, replay.Source{Pattern: pattern, Limit: limit})
	if err != nil {
		return nil, err
	}
	cfg.Logf = env.logf
	in, err := replay.Open(cfg)
	if err != nil {
		return nil, explainReplay(err)
	}
	return in, nil
}

// checkFileInput finds what would stop newFileInput, for --check.
func checkFileInput(pattern string, limit pace.Limit, s *Settings) error {
	cfg, err := replayConfig(s, replay.Source{Pattern: pattern, Limit: limit})
	if err != nil {
		return err
	}
	return explainReplay(replay.Check(cfg))
}

// replayConfig is what the settings say of a replay. It refuses two paces for
// one.
func replayConfig(s *Settings, sources ...replay.Source) (replay.Config, error) {
	for i, source := range sources {
		if limit := source.Limit; s.FileRate > 0 && (limit.Kind == pace.LimitPercent || limit.Kind == pace.LimitMax) {
			err := asUsage(fmt.Errorf("|%s and --input-file-rate %d both set the pace; leave one out", limit, s.FileRate))
			return replay.Config{}, &replay.SourceError{Index: i, Err: err}
		}
	}
	return replay.Config{
		Kind:         "input-file",
		Sources:      sources,
		Timing:       pace.Timing{MaxWait: s.FileMaxWait, Catchup: s.FileCatchup, Rate: s.FileRate},
		Loop:         s.FileLoop,
		Depth:        s.FileReadDepth,
		MessageLimit: s.MessageLimit,
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
	}
	return err
}

// dryRun says on w what is in every --input-file and how long the replay will
// take.
func dryRun(s *Settings, env *pluginEnv, w io.Writer) error {
	for _, arg := range s.Inputs {
		if arg.Flag != "input-file" {
			return asUsage(fmt.Errorf("--input-file-dry-run reads recordings only; leave out --%s %s", arg.Flag, arg.Value))
		}
	}
	groups := inputGroups(s.Inputs)
	tellOfSpeeds(groups, env.logf)
	for _, group := range groups {
		cfg, err := mergedConfig(group, s)
		if err == nil {
			cfg.Logf = env.logf
			err = replay.DryRun(cfg, w)
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

// replayFlags are those of --input-file.
func (s *Settings) replayFlags() flagGroup {
	return flagGroup{"Replay from files", []flagDef{
		{"input-file-loop", "", "start again at the end of the recording, for ever",
			"gor --input-file requests.gor --input-file-loop --output-http staging.com", flags.Bool(&s.FileLoop)},
		{"input-file-max-wait", "DURATION", "shorten every longer pause between two requests to this",
			"gor --input-file requests.gor --input-file-max-wait 5s --output-http staging.com", flags.Duration(&s.FileMaxWait, 0)},
		{"input-file-read-depth", "N", "how many records are held back to put late ones in order", "", flags.Int(&s.FileReadDepth, 1, 1_000_000)},
		{"input-file-catchup", "PERCENT",
			"how fast a backlog may go out when the replay is late, as a percentage of the recorded pace; 0 means " +
				"at once", "", flags.Percent(&s.FileCatchup)},
		{"input-file-rate", "N", "replay N records a second, evenly, in place of the recorded pace; none is dropped; 0 means as recorded",
			"gor --input-file requests.gor --input-file-rate 500 --output-http staging.com", flags.Int(&s.FileRate, 0, 1_000_000_000)},
		{"input-file-dry-run", "", "say what the recordings hold and how long their replay will take, and exit",
			"gor --input-file \"requests.gor|200%\" --input-file-dry-run", flags.Bool(&s.FileDryRun)},
	}}
}
