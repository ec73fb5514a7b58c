package console

import "testing"

func TestShellWord(t *testing.T) {
	for word, want := range map[string]string{
		"":                   "''",
		"a-b_c/d.gor:80":     "a-b_c/d.gor:80",
		"http://u@h/?a=1%20": "'http://u@h/?a=1%20'",
		"x[1].gor":           "'x[1].gor'",
		"two words":          "'two words'",
		"it's":               `'it'\''s'`,
		"$(rm)":              "'$(rm)'",
	} {
		if got := ShellWord(word); got != want {
			t.Errorf("%q: %s, want %s", word, got, want)
		}
	}
}
