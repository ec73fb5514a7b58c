package sniff

import "testing"

func TestWordOf(t *testing.T) {
	for word, want := range map[string]Word{
		"":                     EmptyWord,
		"requests.gor":         RecordingName,
		"REQUESTS.GOR.GZ|200%": RecordingName,
		"x.gor.zst":            RecordingName,
		"session.har":          RecordingName,
		"access.log.gz":        RecordingName,
		"smoke.curl":           RecordingName,
		"x.jsonl|max":          RecordingName,
		"http.pcap":            CaptureName,
		"x.pcapng":             CaptureName,
		"gor.toml":             ConfigName,
		"https://staging.com":  WebAddress,
		"staging.com":          OtherWord,
		":80":                  ListenAddress,
		":port":                OtherWord,
		"replay":               OtherWord,
	} {
		if got := WordOf(word); got != want {
			t.Errorf("%q: %d, want %d", word, got, want)
		}
	}
}
