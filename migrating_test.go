package main

import (
	"os"
	"strings"
	"testing"
)

// TestMigrating: the commands that MIGRATING.md says work are understood, and
// the flags that it says are no longer needed are those.
func TestMigrating(t *testing.T) {
	b, err := os.ReadFile("MIGRATING.md")
	must(t, err)
	text := string(b)
	_, rest, _ := strings.Cut(text, "## What is the same\n\n```\n")
	block, _, found := strings.Cut(rest, "```")
	commands := 0
	for line := range strings.Lines(block) {
		args := splitCommand(t, strings.TrimSpace(strings.TrimPrefix(line, "sudo ")))
		commands++
		if _, err := parseArgs(args[1:]...); err != nil {
			t.Errorf("%s: %v", line, err)
		}
	}
	if !found || commands < 6 {
		t.Errorf("%d commands", commands)
	}
	for _, group := range defaultSettings().groups() {
		for _, def := range group.flags {
			_, isGone := def.value.(*goneValue)
			if short := strings.TrimPrefix(def.name, "input-raw"); isGone && !strings.Contains(text, "`--"+def.name+"`") && !strings.Contains(text, "`"+short+"`") {
				t.Errorf("it does not say that --%s is no longer needed", def.name)
			}
		}
	}
}
