package tools

import (
	"errors"
	"flag"
	"strings"
	"testing"
)

func TestCommandLines(t *testing.T) {
	for _, tt := range []struct {
		cmd  *Command
		args string
		want string // part of the error
	}{
		{NewList(), "x.gor --json", ""},
		{NewList(), "", "want one file, not 0"},
		{NewStat(), "a b", "want one file, not 2"},
		{NewStat(), "log:", "want the name of a file"},
		{NewConvert(), "-o c.gor", "want the name of a file"},
		{NewShow(), "--raw x.gor 5f --decode", ""},
		{NewShow(), "x.gor", "want a file and an id"},
		{NewConvert(), "a.gor b.gor -o c.gor", ""},
		{NewConvert(), "a.gor", "want -o and a file"},
		{NewConvert(), "a.gor -o c.gor --sample 0%", "from 1% to 100%"},
		{NewConvert(), "a.gor -o c.gor --from yesterday", "want a time"},
		{NewConvert(), "a.gor -o c.gor --json", "gor convert -h says how it is used"},
	} {
		err := tt.cmd.Parse(strings.Fields(tt.args), nil)
		switch {
		case tt.want == "" && err != nil:
			t.Errorf("%s %s: %v", tt.cmd.name, tt.args, err)
		case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
			t.Errorf("%s %s: error %v, want %q", tt.cmd.name, tt.args, err, tt.want)
		}
	}
	if err := NewShow().Parse([]string{"x.gor", "--help"}, nil); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("--help: %v", err)
	}
	cmd := NewConvert()
	if err := cmd.Parse(strings.Fields("-o out.gor a.gor --sample 10% --from 1970-01-01T00:00:01Z b.gor"), nil); err != nil {
		t.Fatal(err)
	}
	if v := cmd.conversion; v.Out != "out.gor" || v.Sample != 10 || v.From != 1e9 || len(cmd.names) != 2 {
		t.Errorf("%+v, names %q", v, cmd.names)
	}
}
