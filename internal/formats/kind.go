package formats

import (
	"path/filepath"
	"strings"
)

// A Kind is a form in which messages stand in a file.
type Kind uint8

// The kinds. The zero value is Gor's own.
const (
	Recording Kind = iota // of Gor or GoReplay, any version
	Log                   // access log
	HAR                   // HTTP Archive 1.2
	Curl                  // curl command lines
	Pcap                  // pcap or pcapng
	JSONLines             // an object for each request
)

// String is the name of a kind in messages.
func (k Kind) String() string {
	return [...]string{"recording", "access log", "HAR", "curl lines", "pcap", "JSON lines"}[k]
}

// prefixes name a kind whatever the name of the file.
func prefixes() map[string]Kind {
	return map[string]Kind{"gor": Recording, "log": Log, "har": HAR, "curl": Curl, "pcap": Pcap, "jsonl": JSONLines}
}

// Prefixes are those that Split knows, for messages.
const Prefixes = "gor:, log:, har:, curl:, pcap:, jsonl:"

// suffixes are of names without .gz and .zst.
func suffixes() map[string]Kind {
	return map[string]Kind{
		".har": HAR, ".curl": Curl, ".pcap": Pcap, ".pcapng": Pcap, ".cap": Pcap, ".jsonl": JSONLines, ".ndjson": JSONLines, ".log": Log,
	}
}

// isRotated reports whether a name is that of a log which was put aside:
// access.log.1, access.log-20251010, access_log.
func isRotated(base string) bool {
	base = strings.TrimRight(base, "0123456789.-")
	return strings.HasSuffix(base, ".log") || strings.HasSuffix(base, "access_log")
}

// IsLog reports whether a name is that of an access log, and IsFile whether it is
// that of a file, and not of standard input or output.
func IsLog(name string) bool {
	kind, _, _ := Split(name)
	return kind == Log
}

func IsFile(name string) bool {
	_, path, _ := Split(name)
	return path != "-"
}

// Split parts a name from the prefix that says what the file is: har:x.json is
// HAR in x.json. Without a prefix the suffix tells, and certain is false: what
// the file holds may tell otherwise.
func Split(name string) (kind Kind, path string, certain bool) {
	if prefix, path, ok := strings.Cut(name, ":"); ok {
		if kind, ok := prefixes()[prefix]; ok {
			return kind, path, true
		}
	}
	base := strings.ToLower(filepath.Base(name))
	for _, packed := range []string{".gz", ".zst"} {
		base = strings.TrimSuffix(base, packed)
	}
	if kind, ok := suffixes()[filepath.Ext(base)]; ok {
		return kind, name, false
	}
	if isRotated(base) {
		return Log, name, false
	}
	return Recording, name, false
}
