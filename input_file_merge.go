package main

import (
	"errors"
	"strings"

	"github.com/buger/gor/internal/pace"
	"github.com/buger/gor/internal/replay"
	"github.com/buger/gor/internal/stats"
)

// inputGroups parts the inputs into what is opened together: each alone, but
// for recordings, which are merged by time, on one replay clock, when they have
// one speed. Recordings of different speeds have no time in common: those of
// each speed have a clock of their own. A group stands where its first member
// does.
func inputGroups(inputs []pluginArg) (groups [][]pluginArg) {
	var files []int         // groups of recordings
	var speeds []pace.Limit // theirs
	for _, arg := range inputs {
		_, limit, err := splitLimit(arg.Value)
		if arg.Flag != "input-file" || err != nil || limit.Speed() != nil {
			groups = append(groups, []pluginArg{arg}) // what is wrong with it, opening it will say
			continue
		}
		merged := false
		for i, speed := range speeds {
			if replay.SameSpeed(speed, limit) {
				g := &groups[files[i]]
				*g, merged = append(*g, arg), true
				break
			}
		}
		if !merged {
			files, speeds = append(files, len(groups)), append(speeds, limit)
			groups = append(groups, []pluginArg{arg})
		}
	}
	return groups
}

// tellOfSpeeds says that recordings are not merged because of their speeds.
func tellOfSpeeds(groups [][]pluginArg, logf func(format string, args ...any)) {
	var files []string
	for _, group := range groups {
		_, limit, err := splitLimit(group[0].Value)
		if group[0].Flag == "input-file" && err == nil && limit.Speed() == nil {
			files = append(files, shownGroup(group))
		}
	}
	if len(files) > 1 {
		logf("input-file: %s have different speeds and are not merged by time: each begins at once, with its own first record; give them one speed to keep their distance", strings.Join(files, " and "))
	}
}

func shownGroup(group []pluginArg) string {
	values := make([]string, len(group))
	for i, arg := range group {
		values[i] = arg.Value
	}
	return strings.Join(values, ", ")
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

// A mergedFiles input keeps to the limits of its sources.
type mergedFiles struct {
	*replay.Replay
	limits []*verdicts // for each source, nil is none
}

var _ Input = (*mergedFiles)(nil)

// openMergedFiles opens recordings that are replayed on one clock.
func openMergedFiles(group []pluginArg, s *Settings, env *pluginEnv) (Input, error) {
	cfg, err := mergedConfig(group, s)
	if err != nil {
		return nil, sourceError(group, err)
	}
	cfg.Logf = env.logf
	in, err := replay.Open(cfg)
	if err != nil {
		return nil, sourceError(group, err)
	}
	m := &mergedFiles{Replay: in, limits: make([]*verdicts, len(group))}
	limited := false
	for i, source := range cfg.Sources {
		if source.Limit.Kind == pace.LimitCount {
			m.limits[i], limited = newVerdicts(source.Limit, source.Pattern), true
		}
	}
	if !limited {
		return in, nil
	}
	return m, nil
}

func (m *mergedFiles) Read(p []byte) (int, error) {
	for {
		n, err := m.Replay.Read(p)
		if err != nil {
			return n, err
		}
		if v := m.limits[m.Source()]; v == nil || v.admit(p[:n]) {
			return n, nil
		}
	}
}

func (m *mergedFiles) Counts() []stats.Count {
	limited := stats.Count{Name: limitedRow, Kind: stats.Limited}
	for _, v := range m.limits {
		if v != nil {
			limited.N += v.limited.Load()
		}
	}
	return append([]stats.Count{limited}, m.Replay.Counts()...)
}
