package http1

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// llhttpCase is one input of llhttp's corpus and what llhttp says of it.
type llhttpCase struct {
	name     string
	kind     string // "request", "response-lenient-headers", ...
	skipBody bool
	input    []byte

	ends   []int    // offsets where messages end
	bodies []string // of the messages
	heads  []int    // offsets where heads end
	errAt  int      // -1 when there is no error
	reason string
}

var (
	llhttpMeta = regexp.MustCompile(`<!-- meta=\{(.*)\} -->`)
	llhttpType = regexp.MustCompile(`"type": ?"([a-z-]+)"`)
	llhttpSpan = regexp.MustCompile(`^off=(\d+) len=(\d+) span\[body\]=`)
	llhttpHead = regexp.MustCompile(`^off=(\d+) headers complete`)
	llhttpDone = regexp.MustCompile(`^off=(\d+) message complete`)
	llhttpErr  = regexp.MustCompile(`^off=(\d+) error code=\d+ reason="(.*)"`)
	llhttpHex  = regexp.MustCompile(`\\x([0-9a-fA-F]+)`)
	llhttpJoin = regexp.MustCompile(`\\\n`)
)

// readLLHTTP reads one Markdown file: an http block is an input, the log block
// after it the events.
func readLLHTTP(t *testing.T, path, file string) []*llhttpCase {
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var cases []*llhttpCase
	var headings []string
	var meta, fence string
	var block []string
	seen := map[string]int{}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case fence != "" && line == "```":
			body := strings.Join(block, "\n")
			if fence == "http" {
				name := file + ": " + strings.Join(headings, " / ")
				if seen[name]++; seen[name] > 1 {
					name += fmt.Sprint(" #", seen[name])
				}
				c := &llhttpCase{name: name, input: llhttpInput(body), errAt: -1}
				if m := llhttpType.FindStringSubmatch(meta); m != nil {
					c.kind = m[1]
				}
				c.skipBody = strings.Contains(meta, `"skipBody": true`)
				cases = append(cases, c)
			} else if fence == "log" && len(cases) > 0 {
				cases[len(cases)-1].readLog(t, block)
			}
			fence = ""
		case fence != "":
			block = append(block, line)
		case strings.HasPrefix(line, "```"):
			fence, block = line[3:], nil
		case strings.HasPrefix(line, "## "):
			headings = []string{line[3:]}
		case strings.HasPrefix(line, "#"):
			level := strings.Index(line, " ")
			headings = append(headings[:min(len(headings), max(level-2, 0))], line[level+1:])
		case llhttpMeta.MatchString(line):
			meta = line
		}
	}
	return cases
}

// llhttpInput undoes the notation: line ends are CR LF, a backslash joins
// lines, and \r, \n, \t, \f and \xHH are bytes.
func llhttpInput(text string) []byte {
	text = llhttpJoin.ReplaceAllString(text, "")
	text = strings.ReplaceAll(text, "\n", "\r\n")
	text = strings.NewReplacer(`\r`, "\r", `\n`, "\n", `\t`, "\t", `\f`, "\f").Replace(text)
	text = llhttpHex.ReplaceAllStringFunc(text, func(hex string) string {
		n, _ := strconv.ParseUint(hex[2:], 16, 32)
		return string(rune(n))
	})
	return []byte(text)
}

func (c *llhttpCase) readLog(t *testing.T, log []string) {
	num := func(s string) int {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	body := ""
	for _, line := range log {
		if m := llhttpSpan.FindStringSubmatch(line); m != nil {
			off := num(m[1])
			body += string(c.input[off : off+num(m[2])])
		} else if m := llhttpHead.FindStringSubmatch(line); m != nil {
			c.heads = append(c.heads, num(m[1]))
		} else if m := llhttpDone.FindStringSubmatch(line); m != nil {
			c.ends = append(c.ends, num(m[1]))
			c.bodies = append(c.bodies, body)
			body = ""
		} else if m := llhttpErr.FindStringSubmatch(line); m != nil {
			c.errAt, c.reason = num(m[1]), m[2]
		}
	}
}

// TestLLHTTP frames every input of llhttp's corpus, whole and cut everywhere,
// and compares where messages end, and their bodies, with what llhttp found,
// and whether there is an error. Each difference is on the list
// llhttpDifferences, with the reason why it is meant.
func TestLLHTTP(t *testing.T) {
	dir := filepath.FromSlash("../../../shared/corpora/llhttp")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("corpus llhttp is absent")
	}
	paths, _ := filepath.Glob(filepath.Join(dir, "*", "*.md"))
	paths = append(paths, filepath.Join(dir, "url.md"))
	n, same := 0, 0
	differs := map[string]bool{}
	for _, path := range paths {
		file, _ := filepath.Rel(dir, path)
		for _, c := range readLLHTTP(t, path, filepath.ToSlash(file)) {
			if !strings.HasPrefix(c.kind, "request") && !strings.HasPrefix(c.kind, "response") {
				continue
			}
			n++
			t.Run(c.name, func(t *testing.T) {
				got := c.frame(t)
				diff := c.compare(got)
				reason, listed := llhttpDifferences[c.name]
				switch {
				case diff != "" && !listed:
					t.Errorf("%q: input %q\n%s", c.name, c.input, diff)
				case diff == "" && listed:
					t.Errorf("does not differ, but is listed as %q", reason)
				}
				if listed {
					differs[c.name] = true
				} else {
					same++
				}
			})
		}
	}
	for name := range llhttpDifferences {
		if !differs[name] {
			t.Errorf("listed difference is not in the corpus: %q", name)
		}
	}
	t.Logf("%d inputs: %d framed as llhttp does, %d differ for a reason", n, same, len(differs))
}

func (c *llhttpCase) frame(t *testing.T) outcome {
	response := strings.HasPrefix(c.kind, "response")
	var asked []asks
	if c.skipBody {
		asked = []asks{{head: true}, {head: true}}
	}
	// llhttp stops at an Upgrade in a request; what follows is then not
	// looked at.
	stop := func(h *Head) bool { return !response && (h.Upgrade || h.IsConnect) }
	return sameForAllCuts(t, response, c.input, asked, stop)
}

// compare describes how got differs, or returns "".
func (c *llhttpCase) compare(got outcome) string {
	var ends []int
	var bodies []string
	for _, m := range got.complete() {
		if m.head.UntilClose {
			// Only "finish" inputs end the stream.
			continue
		}
		ends = append(ends, m.end)
		body := c.input[m.headEnd:m.end]
		if m.head.Chunked {
			data, ok := AppendUnchunked(nil, body)
			if !ok {
				return fmt.Sprintf("chunks of %q cannot be undone", body)
			}
			body = data
		}
		bodies = append(bodies, string(body))
	}
	want := fmt.Sprintf("ends %v bodies %q error %v", c.ends, c.bodies, c.errAt >= 0 && !strings.HasPrefix(c.reason, "Pause on"))
	have := fmt.Sprintf("ends %v bodies %q error %v", ends, bodies, got.reason != "")
	if want == have {
		return ""
	}
	return fmt.Sprintf("llhttp: %s (%q at %d)\nhere:   %s (%q at %d)", want, c.reason, c.errAt, have, got.reason, got.errAt)
}
