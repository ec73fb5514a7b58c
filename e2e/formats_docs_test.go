package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/testkit"
)

var tableCommand = regexp.MustCompile("`(gor [^`]+)`")

// tableCommands are the commands that stand in the tables of a page.
func tableCommands(t *testing.T, page string) (list []string) {
	t.Helper()
	text, err := os.ReadFile(page)
	testkit.Must(t, err)
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "|") {
			continue
		}
		for _, match := range tableCommand.FindAllStringSubmatch(line, -1) {
			if command := strings.ReplaceAll(match[1], `\|`, "|"); strings.Contains(command, "requests") || strings.ContainsAny(command, ".:") {
				list = append(list, command)
			}
		}
	}
	return list
}

// formatFiles makes what the pages speak of in the present folder, and returns an id
// of requests.gor.
func formatFiles(t *testing.T) string {
	t.Helper()
	requests := testkit.NumberedRequests(3, "shop")
	testkit.WriteFile(t, "traffic.pcap", testkit.CaptureFile(t, testkit.TCPFrames(t, requests)))
	for _, name := range []string{"requests.gor", "a.gor", "b.gor"} {
		testkit.WriteFile(t, name, testkit.Recording(requests, []time.Duration{0, time.Millisecond, 2 * time.Millisecond}))
	}
	testkit.WriteFile(t, "access.log", []byte(`192.0.2.1 - - [10/Oct/2025:13:55:36 +0000] "GET /1 HTTP/1.1" 200 5 "-" "x"`+"\n"))
	testkit.WriteFile(t, "smoke.curl", []byte("curl http://shop/1 -H 'X-A: b'\n"))
	for _, name := range []string{"session.har", "requests.jsonl"} {
		if code, said := testkit.RunGor(t, "convert", "requests.gor", "-o", name); code != exitOK {
			t.Fatal(said)
		}
	}
	_, metas := testkit.ReadRecording(t, "requests.gor", payload.Request)
	return string(metas[0].ID)
}

// TestFormatExamples runs what the tables of README.md and docs/formats.md show.
func TestFormatExamples(t *testing.T) {
	commands := append(tableCommands(t, "../docs/formats.md"), tableCommands(t, "../README.md")...)
	if len(commands) < 18 {
		t.Fatalf("the tables have %d commands: %q", len(commands), commands)
	}
	for _, command := range commands {
		t.Run(strings.ReplaceAll(command, "/", "_"), func(t *testing.T) {
			t.Chdir(t.TempDir())
			id := formatFiles(t)
			target := testkit.StartSink(t)
			line := strings.NewReplacer("http://staging.com", "http://"+target.Addr(), " ID", " "+id).Replace(command)
			line, filter, piped := strings.Cut(line, " | ")
			words := testkit.SplitCommand(t, line)[1:]
			var stdout testkit.LockedBuffer
			output := ""
			for i, word := range words {
				if word == "-o" {
					output = words[i+1]
				}
			}
			if output != "" && !strings.HasSuffix(output, "-") {
				os.Remove(output) // what formatFiles made
				if strings.HasSuffix(output, ".gor") && words[1] == output {
					t.Fatalf("%s reads what it writes", command)
				}
			}
			gor := testkit.SpawnTo(t, &stdout, words...)
			if code := gor.Wait(); code != exitOK {
				t.Fatalf("%s: exit %d: %s", command, code, gor.Stderr())
			}
			switch {
			case strings.HasPrefix(words[0], "--"):
				if len(target.Arrivals()) == 0 {
					t.Errorf("%s: nothing arrived: %s", command, gor.Stderr())
				}
			case output != "" && !strings.HasSuffix(output, "-"):
				if info, err := os.Stat(output); err != nil || info.Size() == 0 {
					t.Errorf("%s: there is no %s: %v", command, output, err)
				}
			default:
				if len(stdout.Bytes()) == 0 {
					t.Errorf("%s shows nothing", command)
				}
			}
			if piped {
				jq := testkit.SplitCommand(t, filter)
				cmd := exec.Command(testkit.NeedTool(t, jq[0], jq[0]), jq[1:]...)
				cmd.Stdin = bytes.NewReader(stdout.Bytes())
				out, err := cmd.Output()
				if want := fmt.Sprintf("%s\n", "http://shop"); err != nil || strings.Count(string(out), strings.TrimSpace(want)) != 3 {
					t.Errorf("%s: %q, %v", command, out, err)
				}
			}
		})
	}
}
