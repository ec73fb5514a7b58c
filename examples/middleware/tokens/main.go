// Tokens is a middleware for Gor that lets recorded sessions go on at the
// replay target. Production answers a login with one token and staging answers
// the same login with another; requests that come later with production's get
// staging's in its place, in a header "Authorization: Bearer TOKEN" and in a
// query parameter token=TOKEN.
//
//	go build -o tokens ./examples/middleware/tokens
//	sudo gor --input-raw :80 --input-raw-track-response --middleware ./tokens \
//	    --output-http http://staging.com --output-http-track-response
//
// Until staging has answered the login, requests pass as they are.
package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
)

// What is remembered is bounded: of more logins the oldest are forgotten, and
// what is longer than a token may be is none.
const (
	maxLogins = 10_000
	maxToken  = 4096
	maxAnswer = 1 << 20 // bytes of a decoded answer that are looked at
)

var (
	bearer = regexp.MustCompile(`(?im)^(Authorization:[ \t]*Bearer[ \t]+)([^\s]+)`)
	query  = regexp.MustCompile(`([?&]token=)([^&\s]*)`)
)

func main() {
	pattern := flag.String("pattern", `"token"\s*:\s*"([^"]+)"`, "how an answer gives a token, as a regular expression with one group")
	flag.Parse()
	re, err := regexp.Compile(*pattern)
	if err == nil && re.NumSubexp() != 1 {
		err = errors.New("want one group, such as (.*), around the token")
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "tokens: -pattern %q: %v\n", *pattern, err)
		os.Exit(2)
	}
	if err := run(os.Stdin, os.Stdout, &rewriter{pattern: re, answers: newMemory(2 * maxLogins), tokens: newMemory(maxLogins)}); err != nil {
		fmt.Fprintln(os.Stderr, "tokens:", err)
		os.Exit(1)
	}
}

// run reads messages to the end of in, one on each line, and writes each to
// out, at once.
func run(in io.Reader, out io.Writer, r *rewriter) error {
	lines := bufio.NewReaderSize(in, 64<<10)
	told := false
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil // a line without its end was cut off
		}
		if err != nil {
			return err
		}
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			continue
		}
		answer, err := r.message(line)
		if err != nil {
			if !told {
				told = true
				fmt.Fprintf(os.Stderr, "tokens: a line is left out, and others like it: %v\n", err)
			}
			continue
		}
		if _, err := out.Write(append(answer, '\n')); err != nil {
			return err
		}
	}
}

type rewriter struct {
	pattern *regexp.Regexp
	answers memory // type and id of an answer to a login: its token
	tokens  memory // production's token: staging's
}

// message returns the line to print for a line that was read: the same one,
// unless a token was replaced.
func (r *rewriter) message(line []byte) ([]byte, error) {
	msg := make([]byte, hex.DecodedLen(len(line)))
	if _, err := hex.Decode(msg, line); err != nil {
		return nil, err
	}
	header, payload, ok := bytes.Cut(msg, []byte("\n"))
	fields := strings.Split(string(header), " ")
	if !ok || len(fields) < 3 {
		return nil, errors.New("it has no header with type, id and time")
	}
	switch kind, id := fields[0], fields[1]; kind {
	case "1":
		if changed := r.request(payload); !bytes.Equal(changed, payload) {
			return hex.AppendEncode(hex.AppendEncode(nil, append(header, '\n')), changed), nil
		}
	case "2", "3":
		r.answer(kind, id, payload)
	}
	return line, nil
}

// answer learns a token from production's answer (2) or staging's (3). Either
// may come first.
func (r *rewriter) answer(kind, id string, payload []byte) {
	found := r.pattern.FindSubmatch(readable(payload))
	if found == nil || len(found[1]) > maxToken {
		return
	}
	r.answers.put(kind+id, string(found[1]))
	productions, known := r.answers.values["2"+id]
	stagings, both := r.answers.values["3"+id]
	if known && both {
		r.tokens.put(productions, stagings)
	}
}

// request puts staging's tokens into a request, and leaves every other byte of
// it as it is.
func (r *rewriter) request(payload []byte) []byte {
	end := bytes.Index(payload, []byte("\r\n\r\n"))
	if end < 0 {
		return payload
	}
	head, body := payload[:end+2], payload[end+2:]
	line, headers, _ := bytes.Cut(head, []byte("\n"))
	line = r.replace(line, query, url.QueryUnescape, url.QueryEscape)
	headers = r.replace(headers, bearer, func(s string) (string, error) { return s, nil }, func(s string) string { return s })
	return bytes.Join([][]byte{line, append(headers, body...)}, []byte("\n"))
}

// replace exchanges the tokens that the second group of re finds.
func (r *rewriter) replace(text []byte, re *regexp.Regexp, decode func(string) (string, error), encode func(string) string) []byte {
	var out []byte
	last := 0
	for _, at := range re.FindAllSubmatchIndex(text, -1) {
		token, err := decode(string(text[at[4]:at[5]]))
		if replacement, ok := r.tokens.values[token]; ok && err == nil {
			out = append(append(out, text[last:at[4]]...), encode(replacement)...)
			last = at[5]
		}
	}
	return append(out, text[last:]...)
}

// readable is a response with its body decoded: chunks joined, gzip unpacked.
// Of a body that is damaged it has what comes before that.
func readable(payload []byte) []byte {
	answer, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(payload)), nil)
	if err != nil {
		return payload
	}
	defer answer.Body.Close()
	body := io.Reader(answer.Body)
	if strings.EqualFold(answer.Header.Get("Content-Encoding"), "gzip") {
		if body, err = gzip.NewReader(body); err != nil {
			return payload
		}
	}
	decoded, _ := io.ReadAll(io.LimitReader(body, maxAnswer))
	head, _, _ := bytes.Cut(payload, []byte("\r\n\r\n"))
	return bytes.Join([][]byte{head, decoded}, []byte("\r\n\r\n"))
}

// A memory is a map that forgets its oldest entries.
type memory struct {
	values map[string]string
	keys   []string // in the order of their coming, around and around
	next   int
}

func newMemory(size int) memory {
	return memory{values: map[string]string{}, keys: make([]string, size)}
}

func (m *memory) put(key, value string) {
	if _, known := m.values[key]; !known {
		delete(m.values, m.keys[m.next])
		m.keys[m.next] = key
		m.next = (m.next + 1) % len(m.keys)
	}
	m.values[key] = value
}
