package main

import (
	"bytes"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/buger/gor/internal/flags"
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
	for _, group := range defaultSettings().table().Groups {
		for _, topic := range group.Topics {
			if !strings.Contains(helpText(t, topic), "  --") {
				t.Errorf("-h %s shows no flag", topic)
			}
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

// TestFlagsWithoutEffect: a flag that can do nothing beside the others is refused
// with the reason, and is accepted with what it needs.
func TestFlagsWithoutEffect(t *testing.T) {
	const file, null, http, raw = "--input-file x.gor ", "--output-null ", "--output-http http://localhost ", "--input-raw :80 "
	rows := []struct{ flag, idle, right string }{
		{"recognize-tcp-sessions", file + null, file + http},
		{"recognize-tcp-sessions", file + null, file + "--output-tcp localhost:1"},
		{"recognize-tcp-sessions", file + null, file + null + "--output-stdout --split-output"},
		{"http-original-host", file + "--output-tcp localhost:1", file + http},
		{"input-raw-promisc", "--input-raw x.pcap " + null, "--input-raw x.pcap --input-raw :80 " + null},
		{"input-raw-promisc", raw + null + "--input-raw-engine vxlan", raw + null},
		{"input-raw-promisc", "--input-raw -:80 " + null, raw + null},
		{"input-raw-promisc", "--input-raw capture:80 " + null + "--input-raw-engine pcap_file", raw + null},
		{"input-raw-rings=2", "--input-raw x.pcap " + null, raw + null},
		{"input-raw-tunnels", "--input-raw x.pcap " + null, raw + null},
		{"input-raw-ignore-interface=lo", "--input-raw x.pcap " + null, raw + null},
		{"input-raw-buffer-size=2mb", "--input-raw x.pcap " + null, raw + null + "--input-raw-engine vxlan"},
		{"input-raw-buffer-timeout=2ms", "--input-raw x.pcap " + null, raw + null + "--input-raw-engine vxlan"},
		{"input-raw-vxlan-vni=7", raw + null, raw + null + "--input-raw-engine vxlan"},
		{"input-raw-vxlan-port=7", raw + null, raw + null + "--input-raw-engine vxlan"},
		{"input-file-loop", file + "--input-file-dry-run", file + null},
		{"input-file-max-wait=5s", "--input-file x.gor|max " + null, "--input-file x.gor|max --input-file y.gor " + null},
		{"input-file-max-wait=5s", file + null + "--input-file-rate 5", file + null},
		{"input-file-catchup=200%", "--input-file x.gor|max " + null, file + null + "--input-file-rate 5"},
		{"log-line-format=combined", file + null, "--input-file access.log.1 " + null},
		{"log-host=h", file + null, "--input-file x.gor --input-file access.log.gz " + null},
		{"log-timezone=UTC", file + null, "--input-file log:x|max " + null},
		{"log-empty-bodies", file + null, "--input-file log:- " + null},
		{"output-http-worker-timeout=3s", file + http + "--output-http-workers 5", file + http + "--output-http-workers 5 --output-http-workers-min 2"},
		{"output-http-workers-min=3", file + http + "--recognize-tcp-sessions", file + http},
		{"output-http-skip-verify", file + http, file + "--output-http HTTPS://localhost"},
		{"output-http-elasticsearch-skip-verify", file + http, file + http + "--output-http-elasticsearch https://localhost/gor"},
		{"output-ws-skip-verify", file + "--output-ws ws://localhost", file + "--output-ws wss://localhost"},
		{"output-tcp-skip-verify", file + "--output-tcp localhost:1", file + "--output-tcp localhost:1 --output-tcp-secure"},
		{"output-file-mode=600", file + "--output-file har:-", file + "--output-file - --output-file y.gor"},
		{"min-free=1gb", file + null, file + "--output-tcp localhost:1 --output-tcp-spill d"},
		{"output-http-stats-ms=50", file + http, file + http + "--output-http-stats"},
		{"output-tcp-spill-size=1gb", file + "--output-tcp localhost:1", file + "--output-tcp localhost:1 --output-tcp-spill d"},
		{"output-tcp-response-buffer=1mb", file + "--output-binary localhost:1", file + null + "--output-binary localhost:1 --output-binary-track-response"},
	}
	has := map[string]bool{}
	for _, row := range rows {
		name, _, _ := strings.Cut(row.flag, "=")
		has[name] = true
		if _, err := parseArgs(append(strings.Fields(row.idle), "--"+row.flag)...); err == nil || !strings.Contains(err.Error(), "--"+name+" ") {
			t.Errorf("%s with %s: %v", row.flag, row.idle, err)
		}
		if _, err := parseArgs(append(strings.Fields(row.right), "--"+row.flag)...); err != nil {
			t.Errorf("%s with %s: %v", row.flag, row.right, err)
		}
		if _, err := parseArgs(append(strings.Fields(row.idle), "--"+name+"=false")...); err != nil && !strings.Contains(row.flag, "=") {
			t.Errorf("%s=false with %s: %v", name, row.idle, err)
		}
	}
	// What has a condition has a row.
	s := defaultSettings()
	for _, group := range s.groups {
		for _, def := range group.flags {
			if flags.HasCondition(def.value) && !has[def.name] {
				t.Errorf("--%s has no row here", def.name)
			}
		}
	}
}
