package main

import (
	"errors"
	"io"
	"runtime"
	"runtime/debug"
)

// version is the release that this source becomes; CHANGELOG.md has its
// changes.
const version = "1.0.0"

// versionString adds the revision, when the build knows it, and the platform.
func versionString() string {
	v := version
	if build, ok := debug.ReadBuildInfo(); ok {
		for _, setting := range build.Settings {
			if setting.Key == "vcs.revision" {
				v += " " + setting.Value[:min(12, len(setting.Value))]
			}
		}
	}
	return v + " " + runtime.GOOS + "/" + runtime.GOARCH + " " + runtime.Version()
}

// writeCompletion is gor completion: what a shell reads to complete Gor's flags
// with.
func writeCompletion(w io.Writer, args []string) error {
	if len(args) == 1 {
		if known, err := defaultSettings().table().Completion(w, args[0]); known {
			return err
		}
	}
	return errors.New("want gor completion bash, gor completion zsh or gor completion fish; bash reads it with: source <(gor completion bash)")
}
