package main

import (
	"bytes"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/buger/gor/internal/testkit"
)

func helpText(t *testing.T, args ...string) string {
	t.Helper()
	var help bytes.Buffer
	if _, err := parseSettings(append([]string{"-h"}, args...), nil, &help); err != errHelp {
		t.Fatalf("-h %q: %v", args, err)
	}
	for line := range strings.Lines(help.String()) {
		if len(line) > 81 && !slices.Contains(args, "man") {
			t.Errorf("-h %q has a line of %d columns: %s", args, len(line)-1, line)
		}
	}
	return help.String()
}

// TestHelpShowsEveryFlag also keeps docs/flags.md and the man page: they are
// made of this text.
func TestHelpShowsEveryFlag(t *testing.T) {
	t.Parallel()
	help := helpText(t, "all")
	whole := strings.ReplaceAll(strings.Join(strings.Fields(help), " "), " \\ ", " ")
	obsolete := helpText(t, "obsolete")
	for _, group := range defaultSettings().groups {
		for _, def := range group.flags {
			if !strings.Contains(help+obsolete, "\n  --"+def.name) {
				t.Errorf("-h all and -h obsolete have no --%s", def.name)
			}
			if def.example != "" && !strings.Contains(whole, strings.Join(strings.Fields(def.example), " ")) {
				t.Errorf("-h all has no example for --%s", def.name)
			}
			if (strings.HasPrefix(group.title, "Inputs") || strings.HasPrefix(group.title, "Outputs")) && def.example == "" && def.name != "on-full" {
				t.Errorf("--%s has no example", def.name)
			}
		}
	}
	for file, text := range map[string]string{"docs/flags.md": help, "gor.1": helpText(t, "man")} {
		page, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(page, []byte(text)) {
			t.Errorf("%s is not what gor -h says; run: go generate", file)
		}
	}
}

// TestHelpIsOnePage: -h names every plugin within a screen, and each of them is a
// topic that shows its own flags and no other's.
func TestHelpIsOnePage(t *testing.T) {
	t.Parallel()
	const most = 40 // lines
	page := helpText(t)
	if n := strings.Count(page, "\n"); n > most {
		t.Errorf("-h has %d lines", n)
	}
	var plugins []string
	for _, row := range inputPlugins() {
		plugins = append(plugins, row.name)
	}
	for _, row := range outputPlugins() {
		plugins = append(plugins, row.name)
	}
	for _, name := range plugins {
		if !strings.Contains(page, "\n  --"+name) {
			t.Errorf("-h does not name --%s", name)
		}
		own := helpText(t, name)
		for _, m := range regexp.MustCompile(`(?m)^  --([a-z-]+)`).FindAllStringSubmatch(own, -1) {
			if flag := m[1]; slices.ContainsFunc(plugins, func(other string) bool {
				return other != name && strings.HasPrefix(flag, other+"-") && !strings.HasPrefix(flag, name+"-") && flag != "output-tcp-response-buffer"
			}) {
				t.Errorf("-h %s shows --%s", name, flag)
			}
		}
		if !strings.Contains(own, "  --"+name) {
			t.Errorf("-h %s does not say what it is:\n%s", name, own)
		}
	}
	for _, topic := range defaultSettings().table().Topics() {
		if !strings.Contains(helpText(t, topic), "  --") {
			t.Errorf("-h %s shows no flag", topic)
		}
	}
	for topic, want := range map[string]string{"input-raw": "--input-raw-engine", "output-file": "--min-free", "filters": "--http-allow-url", "general": "--config", "verbose": "--verbose 0-3"} {
		if !strings.Contains(helpText(t, topic), want) {
			t.Errorf("-h %s has no %s", topic, want)
		}
	}
}

func TestExamplesInHelpParse(t *testing.T) {
	t.Chdir(t.TempDir())
	testkit.WriteFile(t, "gor.toml", []byte("input-raw = \":80\"\noutput-stdout = true\n"))
	for _, group := range defaultSettings().groups {
		for _, def := range group.flags {
			if def.example == "" {
				continue
			}
			args := testkit.SplitCommand(t, def.example)
			if args[0] == "sudo" {
				args = args[1:]
			}
			if args[0] != "gor" {
				t.Errorf("--%s: example %q is no gor command", def.name, def.example)
				continue
			}
			if _, err := parseArgs(args[1:]...); err != nil {
				t.Errorf("--%s: example %q: %v", def.name, def.example, err)
			}
		}
	}
}
