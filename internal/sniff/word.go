package sniff

import (
	"net/url"
	"strings"

	"github.com/buger/gor/internal/address"
)

// A Word is what a word on a command line looks like.
type Word uint8

const (
	OtherWord Word = iota
	EmptyWord
	RecordingName // of a file to replay
	CaptureName   // of a capture of packets
	ConfigName    // of a TOML file
	WebAddress    // an http or https URL
	ListenAddress // such as :80
)

// suffixes are what names of files end in.
var suffixes = [...]struct {
	suffix string
	word   Word
}{
	{".gor", RecordingName},
	{".har", RecordingName},
	{".curl", RecordingName},
	{".jsonl", RecordingName},
	{".ndjson", RecordingName},
	{".log", RecordingName},
	{".pcap", CaptureName},
	{".pcapng", CaptureName},
	{".cap", CaptureName},
	{".toml", ConfigName},
}

// WordOf goes by the form of a word alone. A limit behind a bar and a suffix of
// compression make no difference to the name of a file.
func WordOf(word string) Word {
	if word == "" {
		return EmptyWord
	}
	name, _, _ := strings.Cut(strings.ToLower(word), "|")
	name = strings.TrimSuffix(strings.TrimSuffix(name, ".gz"), ".zst")
	for _, row := range suffixes {
		if strings.HasSuffix(name, row.suffix) {
			return row.word
		}
	}
	u, err := url.Parse(word)
	switch {
	case err == nil && (u.Scheme == "http" || u.Scheme == "https"):
		return WebAddress
	case strings.HasPrefix(word, ":") && address.CheckListen(word) == nil:
		return ListenAddress
	}
	return OtherWord
}
