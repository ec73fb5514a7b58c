package http1

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// readLibhtp splits a conversation of libhtp's corpus into the segments of
// its two sides. A line ">>>" or "<<<" begins a segment; the line end before
// it is notation.
func readLibhtp(t *testing.T, path string) (requests, responses [][]byte) {
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var side *[][]byte
	var segment []byte
	flush := func(notation bool) {
		if notation {
			segment = bytes.TrimSuffix(segment, []byte("\n"))
			segment = bytes.TrimSuffix(segment, []byte("\r"))
		}
		if side != nil && len(segment) > 0 {
			*side = append(*side, segment)
		}
		segment = nil
	}
	for line := range bytes.Lines(text) {
		switch string(bytes.TrimRight(line, "\r\n")) {
		case ">>>":
			flush(true)
			side = &requests
		case "<<<":
			flush(true)
			side = &responses
		default:
			segment = append(segment, line...)
		}
	}
	flush(false)
	return requests, responses
}

// TestLibhtp frames both sides of libhtp's conversations: in their segments,
// whole, and cut everywhere, with one result, which is the one of libhtpWant.
func TestLibhtp(t *testing.T) {
	paths, _ := filepath.Glob(filepath.FromSlash("../../../shared/corpora/libhtp/*.t"))
	if len(paths) == 0 {
		t.Skip("corpus libhtp is absent")
	}
	if len(paths) < len(libhtpWant) {
		t.Errorf("%d conversations in the corpus, %d in the list", len(paths), len(libhtpWant))
	}
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".t")
		t.Run(name, func(t *testing.T) {
			requests, responses := readLibhtp(t, path)
			got := frameSide(t, false, requests, nil)
			var asked []asks
			for _, m := range got.complete() {
				asked = append(asked, asks{m.head.IsHead, m.head.IsConnect})
			}
			text := summary(got) + " | " + summary(frameSide(t, true, responses, asked))
			if want, ok := libhtpWant[name]; !ok || text != want {
				t.Errorf("got %q, want %q", text, want)
			}
		})
	}
}

func frameSide(t *testing.T, response bool, segments [][]byte, asked []asks) outcome {
	t.Helper()
	stream := bytes.Join(segments, nil)
	var whole outcome
	if len(stream) > 2000 {
		// Long streams are cut less often, to keep the test short.
		whole = frameStream(t, response, [][]byte{stream}, asked, nil)
		for _, size := range []int{1, 2, 3, 7, 61, 1460} {
			if got := frameStream(t, response, cut(stream, size), asked, nil); !got.equal(whole) {
				t.Fatalf("in pieces of %d bytes:\n%swhole:\n%s", size, got, whole)
			}
		}
	} else {
		whole = sameForAllCuts(t, response, stream, asked, nil)
	}
	if got := frameStream(t, response, segments, asked, nil); !got.equal(whole) {
		t.Fatalf("in segments:\n%swhole:\n%s", got, whole)
	}
	return whole
}

// summary is the number of whole messages, then what is left: an unfinished
// message, an error, another protocol.
func summary(o outcome) string {
	n := len(o.complete())
	text := fmt.Sprint(n)
	if n < len(o.msgs) && o.reason == "" {
		text += " unfinished"
	}
	if o.reason != "" {
		text += " " + o.reason
	}
	if o.opaque >= 0 {
		text += " opaque"
	}
	return text
}
