// Package sniff says what a file is by its first bytes, so that a message can
// name it and what to do with it.
package sniff

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"regexp"
	"unicode/utf8"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/buger/gor/internal/payload"
)

// A Kind is what a file is.
type Kind uint8

// The kinds. Packed is compressed by something whose beginning does not unpack.
const (
	Empty Kind = iota
	Recording
	Pcap
	HAR
	Log
	Curl
	JSONLines
	JSON
	Packed
	Text
	Binary
)

// String names the kind with its article.
func (k Kind) String() string {
	return [...]string{"an empty file", "a recording", "a capture of packets (pcap)", "an HTTP archive (HAR)", "an access log", "curl command lines",
		"requests in JSON lines", "JSON", "a compressed file that does not unpack", "text", "binary data"}[k]
}

const (
	// Head is how many bytes Of needs to tell all kinds apart: the first line of
	// a log, and what browsers write before the first entry of an archive.
	Head = 4 << 10

	// maxWindow bounds the memory for a compressed file.
	maxWindow = 8 << 20
)

// gobHead begins the recordings of Gor 0.9, which are gob streams.
const gobHead = "1\x7f\x03\x01\x01"

// Of tells by the first bytes of a file, Head of them where there are as many,
// after any compression.
func Of(head []byte) Kind {
	text := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")
	line, _, _ := bytes.Cut(text, []byte("\n"))
	switch {
	case len(head) == 0:
		return Empty
	case payload.BeginsRecording(head), bytes.HasPrefix(head, []byte(gobHead)):
		return Recording
	case isPcap(head):
		return Pcap
	case !isText(head):
		return Binary
	case bytes.HasPrefix(text, []byte("{")) && regexp.MustCompile(`^\{\s*"log"\s*:\s*\{`).Match(text):
		return HAR
	case isJSONLine(line):
		return JSONLines
	case bytes.HasPrefix(text, []byte("{")), bytes.HasPrefix(text, []byte("[")):
		return JSON
	case isW3C(line):
		return Log
	case bytes.HasPrefix(withoutComments(text), []byte("curl ")):
		return Curl
	case regexp.MustCompile(`"[A-Z]{3,20} [^ "]+( HTTP/[0-9.]+)?" [1-5][0-9][0-9]\b`).Match(line):
		return Log
	}
	return Text
}

// isJSONLine reports whether a line is a request as gor convert -o x.jsonl writes it.
// Logs in JSON have the status of the answer.
func isJSONLine(line []byte) bool {
	return bytes.HasPrefix(line, []byte("{")) && bytes.Contains(line, []byte(`"url"`)) && !bytes.Contains(line, []byte(`"status"`))
}

// isW3C knows the first lines of the logs that CloudFront and IIS write
// (www.w3.org/TR/WD-logfile).
func isW3C(line []byte) bool {
	for _, directive := range []string{"#Version:", "#Software:", "#Fields:", "#Date:"} {
		if bytes.HasPrefix(line, []byte(directive)) {
			return true
		}
	}
	return false
}

// withoutComments returns a script from its first line that is not a comment.
func withoutComments(text []byte) []byte {
	for bytes.HasPrefix(text, []byte("#")) {
		_, text, _ = bytes.Cut(text, []byte("\n"))
		text = bytes.TrimLeft(text, " \t\r\n")
	}
	return text
}

// isPcap knows pcap in both orders of bytes, with times in µs and ns and in
// Kuznetzov's variant, and pcapng.
func isPcap(head []byte) bool {
	for _, magic := range []string{"\xd4\xc3\xb2\xa1", "\xa1\xb2\xc3\xd4", "\x4d\x3c\xb2\xa1", "\xa1\xb2\x3c\x4d", "\x34\xcd\xb2\xa1", "\xa1\xb2\xcd\x34", "\x0a\x0d\x0d\x0a"} {
		if bytes.HasPrefix(head, []byte(magic)) {
			return true
		}
	}
	return false
}

// isText reports whether there is nothing in it that no text has. The last
// character may be cut.
func isText(head []byte) bool {
	for len(head) > 0 {
		r, size := utf8.DecodeRune(head)
		if r == utf8.RuneError && size == 1 && utf8.FullRune(head) || r < ' ' && r != '\n' && r != '\r' && r != '\t' && r != '\f' && r != 0x1b {
			return false
		}
		head = head[size:]
	}
	return true
}

// File tells what the file of that name is, also when it is compressed with gzip
// or zstd. It is for regular files: what is read from a pipe is gone.
func File(name string) (Kind, error) {
	f, err := os.Open(name)
	if err != nil {
		return Empty, err
	}
	defer f.Close()
	return Reader(f)
}

// Reader tells what r holds, from its beginning.
func Reader(r io.Reader) (Kind, error) {
	in := bufio.NewReaderSize(r, Head)
	magic, err := in.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return Empty, err
	}
	plain := io.Reader(in)
	switch {
	case bytes.HasPrefix(magic, []byte("\x1f\x8b\x08")): // RFC 1952 section 2.3.1
		z, err := gzip.NewReader(in)
		if err != nil {
			return Packed, nil
		}
		plain = z
	case bytes.HasPrefix(magic, []byte("\x28\xb5\x2f\xfd")): // RFC 8878 section 3.1.1
		z, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return Packed, nil
		}
		defer z.Close()
		plain = z
	}
	head := make([]byte, Head)
	n, err := io.ReadFull(plain, head)
	if n == 0 && err != nil && !errors.Is(err, io.EOF) {
		if plain != in {
			return Packed, nil
		}
		return Empty, err
	}
	return Of(head[:n]), nil
}

// Prefixed is the name of a file of that kind with which its messages are replayed:
// with the form before it, where names need not tell it. It is "" when there is no
// such name.
func (k Kind) Prefixed(name string) string {
	switch k {
	case Recording:
		return name
	case HAR:
		return "har:" + name
	case Log:
		return "log:" + name
	case Curl:
		return "curl:" + name
	case JSONLines:
		return "jsonl:" + name
	}
	return ""
}
