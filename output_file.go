package main

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"github.com/buger/gor/internal/disk"
	"github.com/buger/gor/internal/flags"
	"github.com/buger/gor/internal/recording"
)

func newFileOutput(pattern string, s *Settings, env *pluginEnv) (Output, error) {
	if s.FileAppend && s.FileSizeLimit+s.FileQueueLimit > 0 {
		env.logf("output-file %s: --output-file-append makes no chunks: --output-file-size-limit and --output-file-queue-limit do nothing", pattern)
	}
	cfg := recordingConfig(pattern, s)
	cfg.QueueBytes, cfg.Large, cfg.Logf, cfg.RunOver = env.queueBytes, env.large, env.logf, env.done
	if env.background != nil {
		cfg.Background = env.background.Go
	}
	out, err := recording.Open(cfg)
	if err != nil {
		return nil, explainOpen(err)
	}
	return out, nil
}

// checkFileOutput finds what would stop newFileOutput, for --check.
func checkFileOutput(pattern string, s *Settings) error {
	return explainOpen(recording.Check(recordingConfig(pattern, s)))
}

// recordingConfig is what the settings say of a recording.
func recordingConfig(pattern string, s *Settings) recording.Config {
	cfg := recording.Config{
		Kind:          "output-file",
		Pattern:       pattern,
		Mode:          fs.FileMode(s.FileMode),
		FlushInterval: s.FileFlushInterval,
		MaxBytes:      s.FileMaxSize,
		MaxBytesName:  "--output-file-max-size-limit " + flags.FormatSize(s.FileMaxSize),
		MessageLimit:  maxMessageLimit,
		Room:          func(path string) error { return keepFree(s.MinFree, path) },
	}
	if !s.FileAppend {
		cfg.ChunkRecords, cfg.ChunkBytes = s.FileQueueLimit, s.FileSizeLimit
	}
	return cfg
}

// explainOpen adds to an error what to do about it.
func explainOpen(err error) error {
	switch {
	case errors.Is(err, recording.ErrNoName):
		return asUsage(err)
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
