package main

import (
	"errors"
	"io"
)

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
