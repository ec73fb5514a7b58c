package command

import (
	"context"
	"errors"
	"strings"
	"testing"
)

func TestExitCodes(t *testing.T) {
	for _, tt := range []struct {
		name          string
		args          []string
		wrong, failed error
		code          int
		said          string
	}{
		{"well", []string{"-rounds", "2"}, nil, nil, 0, ""},
		{"help", []string{"-h"}, nil, nil, 0, "usage: x\n  -rounds"},
		{"a wrong flag", []string{"-round", "2"}, nil, nil, 2, "flag provided but not defined: -round\nusage: x"},
		{"a wrong value", nil, errors.New("want a binary"), nil, 2, "x: want a binary\n"},
		{"failed", nil, nil, errors.New("no nginx"), 1, "x: no nginx\n"},
		{"missed", nil, nil, ErrMissed, 1, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var said strings.Builder
			fs := Flags("x", "usage: x\n", &said)
			rounds := fs.Int("rounds", 1, "")
			code := Run(fs, tt.args, func() error { return tt.wrong }, func(context.Context) error {
				if len(tt.args) == 2 && *rounds != 2 {
					t.Errorf("%d rounds", *rounds)
				}
				return tt.failed
			})
			if code != tt.code || !strings.HasPrefix(said.String(), tt.said) || tt.said == "" && said.Len() > 0 {
				t.Errorf("code %d, said %q", code, said.String())
			}
		})
	}
}
