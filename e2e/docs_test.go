package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/testkit"
)

// readmeLines is how long the README may be: what people read to its end.
const readmeLines = 220

// userPages are the pages that a user reads.
func userPages(t *testing.T) []string {
	t.Helper()
	pages, err := filepath.Glob("../docs/*.md")
	testkit.Must(t, err)
	return append(pages, "../README.md", "../MIGRATING.md", "../SECURITY.md", "../CONTRIBUTING.md", "../examples/middleware/README.md")
}

func TestREADMELength(t *testing.T) {
	text, err := os.ReadFile("../README.md")
	testkit.Must(t, err)
	if n := strings.Count(string(text), "\n"); n > readmeLines {
		t.Errorf("README.md has %d lines, at most %d are read: the rest belongs in docs/", n, readmeLines)
	}
}

var (
	linkPattern   = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	headerPattern = regexp.MustCompile(`(?m)^#+ (.*)$`)
	anchorDropped = regexp.MustCompile("[^a-z0-9 _-]")
)

// TestDocumentationLinks follows every link between pages, to its heading.
func TestDocumentationLinks(t *testing.T) {
	for _, page := range userPages(t) {
		text, err := os.ReadFile(page)
		testkit.Must(t, err)
		for _, match := range linkPattern.FindAllStringSubmatch(string(text), -1) {
			if strings.Contains(match[1], "://") {
				continue
			}
			file, anchor, _ := strings.Cut(match[1], "#")
			target := page
			if file != "" {
				target = filepath.Join(filepath.Dir(page), file)
			}
			there, err := os.ReadFile(target)
			if info, serr := os.Stat(target); serr == nil && info.IsDir() {
				continue
			}
			if err != nil {
				t.Errorf("%s links to %s: %v", page, match[1], err)
				continue
			}
			found := anchor == ""
			for _, heading := range headerPattern.FindAllStringSubmatch(string(there), -1) {
				slug := strings.ReplaceAll(anchorDropped.ReplaceAllString(strings.ToLower(heading[1]), ""), " ", "-")
				found = found || slug == anchor
			}
			if !found {
				t.Errorf("%s links to %s, which has no such heading", page, match[1])
			}
		}
	}
}

// TestTLSExample follows docs/link.md: the certificates that its script makes,
// its receiver and its sender.
func TestTLSExample(t *testing.T) {
	testkit.NeedCapture(t)
	testkit.NeedTool(t, "openssl", "openssl")
	script, err := os.ReadFile("../examples/tls/make-certificates.sh")
	testkit.Must(t, err)
	page, err := os.ReadFile("../docs/link.md")
	testkit.Must(t, err)
	if !strings.Contains(string(page), "```sh\n"+string(script)+"```\n") {
		t.Error("docs/link.md shows another script")
	}
	path, err := filepath.Abs("../examples/tls/make-certificates.sh")
	testkit.Must(t, err)
	var receive, send []string
	for _, command := range readmeCommands(t) {
		switch words := testkit.SplitCommand(t, command)[1:]; {
		case strings.Contains(command, "--input-tcp-secure"):
			receive = words
		case strings.Contains(command, "--output-tcp-client-cert"):
			send = words
		}
	}
	if receive == nil || send == nil {
		t.Fatal("docs/link.md has no example of both ends with TLS")
	}
	t.Chdir(t.TempDir())
	if maker := testkit.SpawnProgram(t, nil, path, nil, nil, nil, "localhost"); maker.Wait() != 0 {
		t.Fatal(maker.Stderr())
	}
	for _, key := range []string{"ca-key.pem", "receiver-key.pem", "sender-key.pem"} {
		info, err := os.Stat(key)
		testkit.Must(t, err)
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %o", key, info.Mode().Perm())
		}
	}
	w := newReadmeWorld(t)
	w.link = "localhost:" + testkit.PortOf(t, w.link)
	receiver := testkit.StartGor(t, w.place(t, receive)...)
	sender := testkit.StartGor(t, w.place(t, send)...)
	testkit.Must(t, testkit.SendAll(w.production.Addr(), w.requests))
	sender.Stop()
	receiver.Stop()
	if n := len(w.staging.Arrivals()); n != len(w.requests) {
		t.Errorf("%d of %d requests arrived\n%s%s", n, len(w.requests), sender.Stderr(), receiver.Stderr())
	}
	// Somebody without a certificate is refused.
	feed := testkit.WriteFile(t, "feed.gor", payload.AppendRecord(nil, append(payload.AppendMeta(nil, payload.Meta{Type: payload.Request, ID: payload.AppendID(nil, 1, 1), Length: -1}), w.requests[0]...)))
	again := testkit.StartGor(t, w.place(t, receive)...)
	code, said := testkit.RunGor(t, "--input-file", feed, "--output-tcp", w.link, "--output-tcp-secure", "--output-tcp-ca", "ca.pem", "--drain-timeout", "1s")
	again.Stop()
	if n := len(w.staging.Arrivals()); n != len(w.requests) {
		t.Errorf("a sender without a certificate was let in; exit %d:\n%s", code, said)
	}
}
