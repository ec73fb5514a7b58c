package e2e

import (
	"os"
	"strings"
	"testing"
	"time"

	"mvdan.cc/sh/v3/shell"

	"github.com/buger/gor/internal/testkit"
)

// The commands that MIGRATING.md calls unchanged are right, and what it calls
// refused is refused.
func TestMigratingCommands(t *testing.T) {
	text, err := os.ReadFile("../MIGRATING.md")
	testkit.Must(t, err)
	t.Chdir(t.TempDir())
	testkit.WriteFile(t, "requests-1.gor.gz", testkit.Gzipped(t, testkit.Recording(testkit.NumberedRequests(1, "a"), []time.Duration{0})))
	testkit.WriteFile(t, "traffic.pcap", testkit.CaptureFile(t, testkit.TCPFrames(t, testkit.NumberedRequests(1, "a"))))
	commands := 0
	block := ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "```") {
			block = strings.TrimPrefix(line, "```")
			continue
		}
		if block != "bash" {
			continue
		}
		commands++
		words, err := shell.Fields(strings.TrimPrefix(line, "sudo "), nil)
		testkit.Must(t, err)
		if code, said := testkit.RunGor(t, append(words[1:], "--check")...); code != exitOK {
			t.Errorf("%s: exit %d: %s", line, code, said)
		}
	}
	if commands < 8 {
		t.Errorf("only %d commands", commands)
	}
	for _, refused := range []string{
		"--output-tcp a:1 --output-tcp-skip-verify", "--output-null --input-tcp-certificate c.pem", "--output-null --input-tcp-secure",
		"--output-null --output-tcp-secure", "--output-http a --output-http-workers 2 --output-http-workers-min 5",
		"--output-null --input-raw-vxlan-vni 7", "--output-null --http-allow-url (", "--output-null --exit-after 10", "--output-null --output-file-size-limit 1mb", "--output-http a|x",
		"--output-http a|200%", "--output-file a.gor b.gor", "--output-http a --output-http-track-response", "--output-kafka-host a",
		"--output-file s3://a/b", "--output-null --input-raw k8s://a:80", "--output-null --input-file-watch", "--output-null --verbose=4",
	} {
		if code, said := testkit.RunGor(t, append(strings.Fields("--input-dummy --exit-after 1ms"), strings.Fields(refused)...)...); code != exitUsage {
			t.Errorf("%s: exit %d: %s", refused, code, said)
		}
	}
	for _, name := range strings.Fields("debug input-raw-override-snaplen input-raw-monitor input-raw-immediate-mode output-http-compatibility-mode output-http-debug output-tcp-sticky output-ws-sticky output-binary-debug") {
		args := append([]string{"--input-dummy", "", "--output-null", "--check", "--" + name}, pluginOfRemoved(name)...)
		if code, said := testkit.RunGor(t, args...); code != exitOK || !strings.Contains(said, "--"+name+" is accepted and no longer needed") {
			t.Errorf("--%s: exit %d: %s", name, code, said)
		}
		if !strings.Contains(string(text), "`--"+name+"`") {
			t.Errorf("MIGRATING.md does not name --%s", name)
		}
	}
}
