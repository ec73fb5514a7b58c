package flags

import (
	"slices"
	"strings"
	"testing"
)

func TestShownHasNoSecrets(t *testing.T) {
	var text string
	table := &Table{Groups: []Group{{Flags: []Def{
		{Name: "program", Value: Shown(String(&text), func(v string) string { first, _, _ := strings.Cut(v, " "); return first + " ..." })},
		{Name: "target-url", Value: String(&text)},
	}}}}
	args := []string{"gor", "--program", "redact --key x", "--program=a b", "-target_url", "http://u:pw@h", "--target-url=http://u:pw@h", "--new", "http://u:pw@h", "--program", "--target-url", "c d", "e f"}
	want := []string{"gor", "--program", "redact ...", "--program=a ...", "-target_url", "http://u:xxxxx@h", "--target-url=http://u:xxxxx@h", "--new", "http://u:xxxxx@h", "--program", "--target-url", "c d", "e f"}
	if got := table.Shown(args); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}
