package command

import (
	"errors"
	"flag"
	"slices"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for _, tt := range []struct {
		args string
		want string // part of the error
	}{
		{"a.gor", ""},
		{"a.gor --against b.gor --fail-on any", ""},
		{"--learn noise.toml a.gor b.gor", ""},
		{"", "no recording is named"},
		{"--against b.gor", "no recording is named"},
		{"--learn noise.toml a.gor", "two recordings"},
		{"--learn noise.toml a.gor b.gor --against c.gor", "two recordings"},
		{"--learn noise.toml a.gor b.gor --json x.jsonl", "no report"},
		{"a.gor --fail-on everything", "--fail-on: "},
		{"a.gor --unknown", "unknown"},
		{"a.gor --rules nowhere.toml", "nowhere.toml"},
	} {
		_, err := Parse(strings.Fields(tt.args))
		switch {
		case tt.want == "" && err != nil:
			t.Errorf("%s: %v", tt.args, err)
		case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
			t.Errorf("%s: error %v, want %q", tt.args, err, tt.want)
		}
	}
	if _, err := Parse([]string{"a.gor", "-h"}); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("-h: %v", err)
	}
}

func TestFlagsMayStandBehindFiles(t *testing.T) {
	c, err := Parse([]string{"a.gor", "--against", "c.gor", "b.gor", "--against", "d.gor"})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(c.compared.Old, []string{"a.gor", "b.gor"}) || !slices.Equal(c.compared.Against, []string{"c.gor", "d.gor"}) {
		t.Errorf("old %q, against %q", c.compared.Old, c.compared.Against)
	}
}
