package main

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/buger/gor/internal/disk"
	"github.com/buger/gor/internal/flags"
	"github.com/buger/gor/internal/formats"
	"github.com/buger/gor/internal/plugin"
	"github.com/buger/gor/internal/recording"
	"github.com/buger/gor/internal/replay"
)

// fileOutputPlugin is the row of --output-file.
func fileOutputPlugin() outputPlugin {
	return outputPlugin{
		pluginFlags: pluginFlags{
			name: "output-file", arg: "FILE",
			help: "record every message; the file is appended to, never truncated. %Y %m %d %H %M %S stand for the " +
				"local time, %t for the type of the message, %r for its id, %i for a word of this run; .gz and .zst " +
				"compress; *.har, *.curl, *.jsonl and *.pcap are written in that form. SIGHUP opens it again by its name",
			example: "sudo gor --input-raw :80 --output-file ./requests.gor",
			title:   "File output",
			flags: func(s *Settings) []flagDef {
				return s.fileOutput.flags(s.keepsFree, func() bool { return s.none("output-file", formats.IsFile) })
			},
		},
		reopens: true,
		fits:    (*Settings).checkRecordings,
		parse:   parseFileOutput,
	}
}

func parseFileOutput(pattern string, s *Settings) (plugin.Parsed[plugin.Output], error) {
	form, path, err := formats.OutputPath(pattern)
	if err != nil {
		return plugin.Parsed[plugin.Output]{}, fmt.Errorf("it %w", err)
	}
	cfg := recordingConfig(path, s)
	cfg.Form = form
	return plugin.Parsed[plugin.Output]{
		Check:     func() error { return explainOpen(recording.Check(cfg)) },
		Open:      func(env *plugin.Env) (plugin.Output, error) { return newFileOutput(cfg, s, env) },
		Recording: pattern,
	}, nil
}

func newFileOutput(cfg recording.Config, s *Settings, env *plugin.Env) (plugin.Output, error) {
	if s.fileOutput.Append && s.fileOutput.SizeLimit+s.fileOutput.QueueLimit > 0 {
		env.Logf("output-file %s: --output-file-append makes no chunks: --output-file-size-limit and --output-file-queue-limit do nothing", cfg.Pattern)
	}
	cfg.QueueBytes, cfg.Large, cfg.Logf, cfg.RunOver, cfg.Yield = env.QueueBytes, env.Large, env.Logf, env.Done, env.Yield
	if env.Background != nil {
		cfg.Background = env.Background.Go
	}
	out, err := recording.Open(cfg)
	if err != nil {
		return nil, explainOpen(err)
	}
	return out, nil
}

// recordingConfig is what the settings say of a recording.
func recordingConfig(pattern string, s *Settings) recording.Config {
	cfg := recording.Config{
		Kind:          "output-file",
		Pattern:       pattern,
		Mode:          fs.FileMode(s.fileOutput.Mode),
		FlushInterval: s.fileOutput.FlushInterval,
		MaxBytes:      s.fileOutput.MaxSize,
		MaxBytesName:  "--output-file-max-size-limit " + flags.FormatSize(s.fileOutput.MaxSize),
		MessageLimit:  maxMessageLimit,
		Room:          func(path string) error { return keepFree(s.fileOutput.MinFree, path) },
	}
	if !s.fileOutput.Append {
		cfg.ChunkRecords, cfg.ChunkBytes = s.fileOutput.QueueLimit, s.fileOutput.SizeLimit
	}
	return cfg
}

// explainOpen adds to an error what to do about it.
func explainOpen(err error) error {
	switch {
	case errors.Is(err, recording.ErrNoName):
		return asUsage(err)
	case errors.Is(err, recording.ErrNoChunks):
		return asUsage(fmt.Errorf("it %w; leave out --output-file-size-limit and --output-file-queue-limit", err))
	case errors.As(err, new(*disk.Untrusted)):
		return err // it says what to do
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w; name a file in a folder that you may write to", err)
	case errors.Is(err, syscall.EISDIR):
		return fmt.Errorf("%w; name a file in it, such as requests.gor", err)
	case errors.Is(err, syscall.ENOTDIR):
		return fmt.Errorf("%w; what stands before the last / must be a folder", err)
	}
	return err
}

// fileOutputSettings is what the command line says of --output-file.
type fileOutputSettings struct {
	FlushInterval time.Duration
	Mode          uint32
	SizeLimit     int // bytes of a chunk, 0: no limit
	QueueLimit    int // messages of a chunk, 0: no limit
	MaxSize       int // bytes of all files of an output, 0: no limit
	Append        bool
	MinFree       disk.MinFree // of --output-tcp-spill too
}

// keepsFree reports whether anything but a recording leaves --min-free free.
func (s *Settings) keepsFree() bool {
	return s.tcpOutput.Spill != "" || slices.ContainsFunc(s.Outputs, func(out pluginArg) bool { return findOutput(out.Flag).keepsFree })
}

// flags sets the defaults and returns the flags that change them.
func (s *fileOutputSettings) flags(keepsFree, stdout func() bool) []flagDef {
	*s = fileOutputSettings{FlushInterval: time.Second, Mode: 0o600, MinFree: disk.DefaultMinFree()}
	return []flagDef{
		{"output-file-flush-interval", "DURATION", "longest time before a message is written to the file", "",
			flags.Duration(&s.FlushInterval, time.Millisecond)},
		{"output-file-mode", "MODE", "permissions of a new file, in octal", "", flags.Unless(flags.Mode(&s.Mode), stdout, "with standard output")},
		{"output-file-size-limit", "SIZE",
			"record in chunks of at most SIZE on the disk (a larger message has one to itself): x.gor becomes " +
				"x_0.gor, x_1.gor and so on, counting on from what is there; 0 means no limit",
			"sudo gor --input-raw :80 --output-file requests.gor.gz --output-file-size-limit 256mb", flags.Size(&s.SizeLimit, 0, math.MaxInt)},
		{"output-file-queue-limit", "N",
			"record in such chunks of N messages; with both limits the first that is reached ends a chunk; 0 " +
				"means no limit",
			"sudo gor --input-raw :80 --output-file %Y-%m-%d.gor --output-file-queue-limit 100000", flags.Int(&s.QueueLimit, 0, math.MaxInt)},
		{"output-file-append", "", "append to the file of that name and make no chunks, regardless of these limits", "", flags.Bool(&s.Append)},
		{"output-file-max-size-limit", "SIZE",
			"end a recording when its files have grown by SIZE on disk in this run; later messages are counted as failed, " +
				"and everything else goes on; 0 means no limit", "", flags.Size(&s.MaxSize, 0, math.MaxInt)},
		{"min-free", "SIZE|PERCENT", "disk space to leave free: recordings pause, and count what they miss, while less is left; 0 means to use all " +
			"of it",
			"sudo gor --input-raw :80 --output-file requests.gor --min-free 10%", flags.AlsoWith(minFreeFlag(&s.MinFree), "output-tcp-spill", keepsFree)},
	}
}

// keepFree returns an error when what is written to the disk of a folder or
// file would not leave what --min-free says.
func keepFree(m disk.MinFree, path string) error {
	err := m.Check(path)
	var low *disk.LowError
	if errors.As(err, &low) {
		return minFreeError{low}
	}
	return err
}

// minFreeError names the flag.
type minFreeError struct{ *disk.LowError }

func (e minFreeError) Error() string {
	return fmt.Sprintf("%v, less than --min-free %s", e.LowError, minFreeText(e.Keep))
}

func (e minFreeError) Unwrap() error { return e.LowError }

// minFreeText is the value of --min-free.
func minFreeText(m disk.MinFree) string {
	percent := strconv.FormatFloat(m.Percent, 'g', -1, 64) + "%"
	switch {
	case m == disk.MinFree{}:
		return "0"
	case m.Percent == 0:
		return flags.FormatSize(int(m.Bytes))
	case m.Bytes == 0:
		return percent
	}
	return fmt.Sprintf("%s or %s, the smaller", percent, flags.FormatSize(int(m.Bytes)))
}

// minFreeValue is the flag.
type minFreeValue struct{ p *disk.MinFree }

func minFreeFlag(p *disk.MinFree) *minFreeValue { return &minFreeValue{p} }

func (v *minFreeValue) String() string {
	if v.p == nil {
		return ""
	}
	return minFreeText(*v.p)
}

func (v *minFreeValue) Set(s string) error {
	if text, ok := strings.CutSuffix(strings.TrimSpace(s), "%"); ok {
		percent, err := strconv.ParseFloat(text, 64)
		if err != nil || percent < 0 || percent >= 100 || math.IsNaN(percent) {
			return fmt.Errorf("want a percentage of the disk from 0 to 99, such as 5%%")
		}
		*v.p = disk.MinFree{Percent: percent}
		return nil
	}
	n, err := flags.ParseSize(s)
	if err != nil {
		return fmt.Errorf("want a size such as 500mb or 2gb, or a percentage of the disk such as 5%%")
	}
	*v.p = disk.MinFree{Bytes: int64(n)}
	return nil
}

// checkRecordings refuses to record into a file that is being replayed: it would
// grow by what is in it, and at the pace of its recording never end.
func (s *Settings) checkRecordings() error {
	for _, in := range s.addresses("input-file") {
		for _, out := range s.addresses("output-file") {
			if replay.Reads(in, out) {
				return fmt.Errorf("--output-file %s is the file that --input-file %s replays; record into another one", out, in)
			}
		}
	}
	return nil
}
