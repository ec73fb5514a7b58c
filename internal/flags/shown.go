package flags

import (
	"strings"

	"github.com/buger/gor/internal/address"
)

// Shown returns a command line without the secrets in it. A value is shown as
// its flag says, any other word as an address.
func (t *Table) Shown(args []string) []string {
	shown := make([]string, len(args))
	before := ""
	for i, arg := range args {
		dashed := strings.HasPrefix(arg, "-")
		name, value, given := strings.Cut(arg, "=")
		switch {
		case dashed && given:
			shown[i] = name + "=" + t.shownValue(name, value)
		case dashed:
			shown[i] = address.Redact(arg)
		default:
			shown[i] = t.shownValue(before, arg)
		}
		before = ""
		if dashed {
			before = name
		}
	}
	return shown
}

// shownValue is the value of a flag, which is written with its dashes and
// perhaps in an older spelling, without what is secret in it.
func (t *Table) shownValue(flag, value string) string {
	name := strings.ReplaceAll(strings.TrimLeft(flag, "-"), "_", "-")
	if show := traitsOf(t.def(name).Value).shown; show != nil {
		return show(value)
	}
	return address.Redact(value)
}
