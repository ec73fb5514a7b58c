package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/buger/gor"

// allowedImports is the direction in which the house leans: each package and
// what it may import, beside the standard library. Names within the module
// are given without it. Test files may import more.
var allowedImports = map[string][]string{
	".": {
		"internal/address",
		"internal/admission",
		"internal/answers",
		"internal/buffers",
		"internal/capture",
		"internal/certs",
		"internal/certs/clientflags",
		"internal/console",
		"internal/disk",
		"internal/dispatch",
		"internal/drain",
		"internal/elastic",
		"internal/flags",
		"internal/formats",
		"internal/formats/logflags",
		"internal/http1",
		"internal/http1client",
		"internal/httppool",
		"internal/kafka",
		"internal/ledger",
		"internal/link",
		"internal/linkclient",
		"internal/middleware",
		"internal/mirror",
		"internal/outbound",
		"internal/pace",
		"internal/payload",
		"internal/plugin",
		"internal/process",
		"internal/pretty",
		"internal/queue",
		"internal/reach",
		"internal/recent",
		"internal/recording",
		"internal/replay",
		"internal/rules",
		"internal/signals",
		"internal/sniff",
		"internal/stats",
		"internal/status",
		"internal/tools",
		"internal/threshold",
		"internal/turnclient",
		"internal/verdict",
		"internal/verdict/command",
		"internal/verdict/files",
		"internal/verdict/join",
		"internal/verdict/live",
		"internal/verdict/report",
		"internal/wsclient",
		"raw_socket_listener",
		"github.com/klauspost/compress/gzip",
		"github.com/klauspost/compress/zstd",
		"golang.org/x/sys/unix",
	},
	"bench/capture":              {"bench/command", "bench/figures", "bench/loadgen", "bench/netns", "internal/payload"},
	"bench/command":              {},
	"bench/figures":              {},
	"bench/filters":              {"bench/figures", "internal/payload"},
	"bench/kafka":                {"bench/command", "bench/figures", "internal/payload"},
	"bench/link":                 {"bench/command", "bench/figures", "internal/payload"},
	"bench/loadgen":              {"internal/http1", "internal/payload", "internal/stats"},
	"bench/memory":               {"bench/command", "internal/payload", "github.com/coder/websocket", "github.com/twmb/franz-go/pkg/kfake", "github.com/twmb/franz-go/pkg/kgo", "github.com/twmb/franz-go/pkg/kmsg"},
	"bench/netns":                {"golang.org/x/sys/unix"},
	"bench/scale":                {},
	"bench/pace":                 {"bench/figures", "internal/http1", "internal/payload", "golang.org/x/sys/unix"},
	"bench/replay":               {"bench/figures", "bench/netns", "internal/http1", "internal/payload"},
	"demo":                       {"internal/payload"},
	"e2e":                        {}, // it sees the program from outside
	"examples/middleware/tokens": {},
	"scripts/picture":            {},
	"scripts/testrun":            {},
	"internal/address":           {},
	"internal/console":           {"golang.org/x/term"}, // whether a person looks
	"internal/admission":         {"internal/outbound"},
	"internal/answers":           {"internal/buffers", "internal/payload", "internal/plugin", "internal/queue", "internal/stats"},
	"internal/disk":              {"golang.org/x/sys/unix"},
	"internal/dispatch":          {"internal/payload", "internal/queue"},
	"internal/drain":             {}, // it knows no output: whoever can finish is a Part
	"internal/elastic":           {"internal/address", "internal/http1", "internal/outbound", "internal/plugin", "internal/queue"},
	"internal/capture":           {"internal/payload", "internal/plugin", "internal/rules", "internal/stats", "raw_socket_listener"}, // what is captured as records: the facade knows none
	"internal/certs":             {},
	"internal/certs/certstest":   {},
	"internal/certs/clientflags": {"internal/certs", "internal/flags"}, // certs itself knows no flags
	"internal/flags":             {"internal/address", "github.com/BurntSushi/toml"},
	"internal/formats":           {"internal/formats/accesslog", "internal/formats/curl", "internal/formats/har", "internal/formats/jsonlines", "internal/formats/message", "internal/formats/pcapout", "internal/pace", "internal/payload", "internal/sniff", "internal/stats", "github.com/klauspost/compress/gzip", "github.com/klauspost/compress/zstd"},
	"internal/formats/accesslog": {"internal/formats/message", "internal/http1", "internal/payload", "internal/stats"},
	"internal/formats/curl":      {"internal/formats/message", "internal/http1", "internal/payload", "internal/stats", "mvdan.cc/sh/v3/expand", "mvdan.cc/sh/v3/syntax"},
	"internal/formats/har":       {"internal/formats/message", "internal/http1", "internal/payload", "internal/pretty", "internal/stats"},
	"internal/formats/jsonlines": {"internal/formats/message", "internal/http1", "internal/payload", "internal/stats"},
	"internal/formats/logflags":  {"internal/flags", "internal/formats", "internal/formats/accesslog", "internal/http1"}, // the flags for logs, which the replay and the tools both have
	"internal/formats/message":   {"internal/http1"},                                                                     // what all readers share knows no format
	"internal/formats/pcapout":   {"internal/formats/message", "internal/http1", "internal/payload", "internal/stats"},
	"internal/http1":             {},
	"internal/evloop":            {"golang.org/x/sys/unix"},
	"internal/http1client":       {"internal/address", "internal/buffers", "internal/evloop", "internal/http1", "internal/outbound", "internal/plugin", "golang.org/x/sys/unix"},
	"internal/kafka":             {"internal/buffers", "internal/http1", "internal/pace", "internal/payload", "internal/plugin", "internal/queue", "internal/stats", "github.com/twmb/franz-go/pkg/kerr", "github.com/twmb/franz-go/pkg/kgo", "github.com/twmb/franz-go/pkg/kmsg", "github.com/twmb/franz-go/pkg/sasl", "github.com/twmb/franz-go/pkg/sasl/plain", "github.com/twmb/franz-go/pkg/sasl/scram"},
	"internal/httppool":          {"internal/answers", "internal/dispatch", "internal/elastic", "internal/evloop", "internal/http1", "internal/http1client", "internal/outbound", "internal/pace", "internal/payload", "internal/plugin", "internal/queue", "internal/stats", "internal/verdict/statuses"}, // puts the client, the queue and the workers together as an output; http1client knows none of them
	"internal/ledger":            {"internal/console", "internal/plugin", "internal/stats"},
	"internal/plugin":            {"internal/buffers", "internal/console", "internal/outbound", "internal/pace", "internal/queue", "internal/stats"},
	"internal/link":              {"internal/admission", "internal/outbound", "internal/payload", "internal/stats", "golang.org/x/sys/unix", "github.com/klauspost/compress/zstd"},
	"internal/linkclient":        {"internal/buffers", "internal/disk", "internal/dispatch", "internal/link", "internal/plugin", "internal/queue", "internal/spill", "internal/stats"}, // the protocol, a queue and a folder put together as an output; link itself knows neither
	"internal/buffers":           {},
	"internal/middleware":        {"internal/address", "internal/buffers", "internal/drain", "internal/payload", "internal/plugin", "internal/queue", "internal/stats", "golang.org/x/sys/unix", "mvdan.cc/sh/v3/shell"},
	"internal/mirror":            {"internal/admission", "internal/buffers", "internal/http1", "internal/payload", "internal/queue", "internal/stats"},
	"internal/outbound":          {"internal/stats", "golang.org/x/sys/unix"},
	"internal/pace":              {"internal/buffers", "golang.org/x/sys/unix"},
	"internal/payload":           {"internal/buffers", "internal/http1", "github.com/klauspost/compress/gzip", "github.com/klauspost/compress/zstd"},
	"internal/plugin/plugintest": {"internal/payload", "internal/plugin", "internal/queue", "internal/stats"},
	"internal/process":           {"internal/disk", "golang.org/x/sys/unix"},
	"internal/pretty":            {"internal/http1", "internal/payload", "internal/plugin", "github.com/klauspost/compress/gzip"},
	"internal/queue":             {"internal/buffers", "internal/stats"},
	"internal/reach":             {"internal/ledger", "internal/plugin", "internal/stats"},
	"internal/recent":            {"internal/payload"},
	"internal/replay":            {"internal/console", "internal/http1", "internal/sniff", "internal/disk", "internal/formats", "internal/pace", "internal/payload", "internal/plugin", "internal/stats"},
	"internal/recording":         {"internal/buffers", "internal/disk", "internal/formats", "internal/formats/message", "internal/payload", "internal/plugin", "internal/queue", "internal/stats", "github.com/klauspost/compress/gzip", "github.com/klauspost/compress/zstd"},
	"internal/rules":             {"internal/http1", "internal/pace", "internal/payload"},
	"internal/spill":             {"internal/disk", "internal/dispatch", "internal/payload", "internal/queue"},
	"internal/signals":           {"golang.org/x/sys/unix"},
	"internal/status":            {"internal/admission", "internal/ledger"},
	"internal/verdict":           {"internal/http1", "internal/verdict/body", "internal/verdict/finding", "internal/verdict/header", "internal/verdict/jsondiff", "internal/verdict/kind", "internal/verdict/noise", "internal/verdict/route", "internal/verdict/rules"}, // pure: pairs in, findings out; whoever reads recordings hands it pairs
	"internal/verdict/align":     {},
	"internal/verdict/body":      {"internal/http1", "internal/verdict/align", "internal/verdict/finding", "internal/verdict/jsondiff", "internal/verdict/kind", "github.com/andybalholm/brotli", "github.com/klauspost/compress/flate", "github.com/klauspost/compress/gzip", "github.com/klauspost/compress/zlib", "github.com/klauspost/compress/zstd", "golang.org/x/net/html"},
	"internal/verdict/command":   {"internal/verdict", "internal/verdict/files", "internal/verdict/join", "internal/verdict/report"}, // gor verdict whole, so that package main has but a row for it
	"internal/verdict/files":     {"internal/disk", "internal/formats", "internal/payload", "internal/sniff", "internal/verdict", "internal/verdict/join", "internal/verdict/rules"},
	"internal/verdict/finding":   {},
	"internal/verdict/header":    {"internal/verdict/finding", "internal/verdict/kind"},
	"internal/verdict/live":      {"internal/buffers", "internal/payload", "internal/plugin", "internal/queue", "internal/stats", "internal/verdict", "internal/verdict/join", "internal/verdict/report"},
	"internal/verdict/noise":     {},
	"internal/verdict/report":    {"internal/console", "internal/disk", "internal/verdict", "internal/verdict/align", "internal/verdict/join"},
	"internal/verdict/route":     {"internal/http1", "internal/verdict/kind"},
	"internal/verdict/rules":     {"internal/verdict/finding", "internal/verdict/jsondiff", "internal/verdict/route", "github.com/BurntSushi/toml"},
	"internal/verdict/statuses":  {"internal/http1", "internal/payload", "internal/plugin", "internal/recent"},
	"internal/verdict/join":      {"internal/disk", "internal/payload", "internal/verdict", "internal/verdict/route", "internal/verdict/rules"}, // records in, pairs out: it alone of these rooms has files
	"internal/verdict/jsondiff":  {"internal/verdict/align", "internal/verdict/finding", "internal/verdict/kind"},
	"internal/verdict/kind":      {},
	"internal/wsclient":          {"internal/address", "internal/outbound", "internal/payload", "github.com/coder/websocket"},
	"internal/turnclient":        {"internal/outbound"},
	"internal/threshold":         {"internal/ledger", "internal/plugin", "internal/stats"},
	"internal/sniff":             {"internal/address", "internal/payload", "github.com/klauspost/compress/gzip", "github.com/klauspost/compress/zstd"},
	"internal/stats":             {"github.com/HdrHistogram/hdrhistogram-go"},
	"internal/tools":             {"internal/flags", "internal/formats", "internal/formats/message", "internal/capture", "internal/http1", "internal/pace", "internal/payload", "internal/pretty", "internal/rules", "internal/verdict/route", "github.com/klauspost/compress/gzip"},
	"internal/testkit":           {"bench/netns", "internal/http1", "internal/certs/certstest", "internal/payload", "internal/stats", "github.com/coder/websocket", "golang.org/x/net/bpf", "golang.org/x/sys/unix", "github.com/klauspost/compress/gzip", "github.com/klauspost/compress/zstd", "github.com/google/gopacket", "github.com/google/gopacket/layers", "github.com/google/gopacket/pcapgo"}, // for tests alone: no row has it

	"raw_socket_listener":            {"raw_socket_listener/assemble", "raw_socket_listener/filter", "raw_socket_listener/packet", "raw_socket_listener/source", "internal/http1"}, // the facade: what is captured and what people are told; gopacket, if anything, in packet and source
	"raw_socket_listener/assemble":   {"raw_socket_listener/filter", "raw_socket_listener/packet", "internal/buffers", "internal/http1"},                                           // segments in, messages out: it knows no source
	"raw_socket_listener/filter":     {"raw_socket_listener/packet", "golang.org/x/net/bpf"},
	"raw_socket_listener/oracle":     {}, // a second opinion shares no code with what it judges
	"raw_socket_listener/packet":     {}, // a frame in, a segment out: it knows neither what is wanted nor where it comes from
	"raw_socket_listener/packettest": {"raw_socket_listener/packet"},
	"raw_socket_listener/source":     {"raw_socket_listener/filter", "raw_socket_listener/packet", "internal/http1", "golang.org/x/net/bpf", "golang.org/x/sys/unix", "github.com/klauspost/compress/zstd"}, // internal/http1 tells a survey what a segment begins
}

// mayUseNetHTTP are the rooms that may import net/http, which is too slow and
// too forgiving for what was captured: a page, documents for a
// database, and the handshake of a WebSocket, in tests too.
var mayUseNetHTTP = []string{"internal/status", "internal/elastic", "internal/wsclient", "internal/testkit"}

func TestImportsPointDown(t *testing.T) {
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && name != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		allowed, known := allowedImports[path.Dir(filepath.ToSlash(name))]
		if !known {
			t.Errorf("%s: its package has no row in allowedImports", name)
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range file.Imports {
			p, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			if first, _, _ := strings.Cut(p, "/"); !strings.Contains(first, ".") {
				if p == "net/http" && strings.HasPrefix(name, "internal") && !slices.Contains(mayUseNetHTTP, path.Dir(filepath.ToSlash(name))) {
					t.Errorf("%s imports net/http", name)
				}
				continue // the standard library
			}
			if !slices.Contains(allowed, strings.TrimPrefix(p, module+"/")) {
				t.Errorf("%s imports %s, which is not below it", name, p)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestNoMethodsByName: what looks methods up by name makes the linker keep every
// exported method of the program, more than 1.5 MB of it.
func TestNoMethodsByName(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	if slices.Contains(strings.Fields(string(out)), "text/template") {
		t.Error("text/template is linked, which calls methods by their names; write the text with calls")
	}
}

// topFileLines bounds each source file of the top level, which stays below 250: it
// is read in one sitting, and holds flags, an adapter and policy.
const topFileLines = 249

// What the top level holds at most. The goal is 25 source files and 15 of tests,
// which are what a user expects to see there; mechanisms belong into rooms below
// and tests of the program into e2e. Whoever moves files down lowers the bounds
// with them: they only shrink.
const (
	topSourceFiles = 25
	topTestFiles   = 14
)

func TestTopLevelOnlyShrinks(t *testing.T) {
	all, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	tests, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	if n := len(all) - len(tests); n > topSourceFiles {
		t.Errorf("the top level has %d Go source files, want at most %d: put new mechanisms into a room below internal", n, topSourceFiles)
	}
	if n := len(tests); n > topTestFiles {
		t.Errorf("the top level has %d test files, want at most %d: a test of the whole program belongs into e2e, one of a part beside that part", n, topTestFiles)
	}
	for _, name := range all {
		if slices.Contains(tests, name) {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(text), "\n"); n > topFileLines {
			t.Errorf("%s has %d lines, want at most %d: its mechanism belongs into a room below internal", name, n, topFileLines)
		}
	}
}

// TestArchitectureNamesEveryRoom: whoever looks for a room's purpose finds a line
// for it in the table of docs/architecture.md, or its name among those of a line
// that begins with a room beside it.
func TestArchitectureNamesEveryRoom(t *testing.T) {
	page, err := os.ReadFile("docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(line, "|")
		if len(cells) < 3 {
			continue
		}
		names := strings.Split(cells[1], ",")
		first := strings.TrimSuffix(strings.TrimSpace(names[0]), "/")
		named[first] = true
		for _, name := range names[1:] {
			named[path.Join(path.Dir(first), strings.TrimSpace(name))] = true
		}
	}
	for room := range allowedImports {
		if top, _, _ := strings.Cut(room, "/"); (top == "internal" || top == "raw_socket_listener") && !named[room] && room != "internal/plugin/plugintest" {
			t.Errorf("docs/architecture.md has no line for %s", room)
		}
	}
}
