package curl

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
)

// options are what a command line says of its request.
type options struct {
	urls              []string
	method            string
	headers           []string
	cookie            string
	data              []byte
	hasData           bool
	json              bool
	form              []part
	get               bool
	head              bool
	user              string
	agent             string
	hasAgent          bool
	referer           string
	bearer, byteRange string
	encoded           bool // --compressed
	http10            bool
	globOff           bool     // braces and brackets in URLs stand for themselves
	pathAsIs          bool     // dots stay in the path
	uploads           [][]byte // of -T: the first is for the first URL
}

// A part is one of -F.
type part struct {
	name, file, kind string
	value            []byte
}

// An OptionError names an option that is not known here.
type OptionError struct{ Option string }

func (e *OptionError) Error() string {
	return fmt.Sprintf("the option %s is not known here; take it out, or say what it does with -H, -X or --data-raw", e.Option)
}

// withValue maps options that have a value, long and short, to their names.
func withValue(option string) string {
	names := map[string]string{
		"-X": "--request", "-H": "--header", "-b": "--cookie", "-d": "--data", "--data-ascii": "--data", "-F": "--form",
		"-u": "--user", "-A": "--user-agent", "-e": "--referer", "-T": "--upload-file", "-r": "--range",
		// These change where or how the answer goes, or the connection, not the request.
		"-o": "--output", "-m": "--max-time", "-w": "--write-out", "-x": "--proxy", "-D": "--dump-header", "-c": "--cookie-jar", "-E": "--cert",
	}
	if long, ok := names[option]; ok {
		return long
	}
	switch option {
	case "--request", "--header", "--cookie", "--data", "--data-raw", "--data-binary", "--data-urlencode", "--json", "--form", "--form-string",
		"--user", "--user-agent", "--referer", "--url", "--upload-file", "--oauth2-bearer", "--range",
		"--output", "--max-time", "--connect-timeout", "--write-out", "--proxy", "--dump-header", "--cookie-jar", "--cert", "--key", "--cacert",
		"--resolve", "--connect-to", "--retry", "--max-redirs", "--interface", "--limit-rate", "--ciphers", "--tls-max":
		return option
	}
	return ""
}

// parse gives the requests that the words behind curl ask for: one for each URL, with
// the options on its side of every --next.
func parse(words []string, read func(string) ([]byte, error)) (requests []request, err error) {
	for more := true; more; {
		o := new(options)
		n, err := o.parse(words, read)
		if err != nil {
			return nil, err
		}
		if len(o.urls) == 0 {
			return nil, errors.New("there is no URL")
		}
		if more = n < len(words); more {
			n++ // the --next
		}
		words = words[n:]
		for i, url := range o.urls {
			urls := []string{url}
			if !o.globOff {
				if urls, err = expandGlob(url); err != nil {
					return nil, err
				}
			}
			for _, url := range urls {
				r := request{options: o, url: url}
				if i < len(o.uploads) {
					r.upload = &o.uploads[i]
				}
				requests = append(requests, r)
			}
		}
	}
	return requests, nil
}

// parse reads words up to a --next, and returns how many that were.
func (o *options) parse(words []string, read func(string) ([]byte, error)) (n int, err error) {
	for i := 0; i < len(words); i++ {
		word := words[i]
		switch {
		case word == "--next", word == "-:":
			return i, nil
		case word == "--":
			o.urls = append(o.urls, words[i+1:]...)
			return len(words), nil
		case strings.HasPrefix(word, "--"):
			if name := withValue(word); name != "" {
				i++
				if i == len(words) {
					return 0, fmt.Errorf("%s has no value", word)
				}
				if err := o.value(name, words[i], read); err != nil {
					return 0, err
				}
			} else if err := o.flag(word); err != nil {
				return 0, err
			}
		case len(word) > 1 && word[0] == '-':
			for at := 1; at < len(word); at++ { // -sSL, -XPOST
				short := "-" + word[at:at+1]
				name := withValue(short)
				if name == "" {
					if err := o.flag(short); err != nil {
						return 0, err
					}
					continue
				}
				text := word[at+1:]
				if text == "" {
					i++
					if i == len(words) {
						return 0, fmt.Errorf("%s has no value", short)
					}
					text = words[i]
				}
				if err := o.value(name, text, read); err != nil {
					return 0, err
				}
				break
			}
		default:
			o.urls = append(o.urls, word)
		}
	}
	return len(words), nil
}

func (o *options) flag(word string) error {
	switch word {
	case "-G", "--get":
		o.get = true
	case "-I", "--head":
		o.head = true
	case "--compressed":
		o.encoded = true
	case "-g", "--globoff":
		o.globOff = true
	case "--path-as-is":
		o.pathAsIs = true
	case "-0", "--http1.0":
		o.http10 = true
	case "-s", "--silent", "-S", "--show-error", "-L", "--location", "-k", "--insecure", "-v", "--verbose", "-i", "--include", "-f", "--fail",
		"--http1.1", "--http2", "--http2-prior-knowledge", "-N", "--no-buffer", "-4", "--ipv4", "-6", "--ipv6", "-O", "--remote-name",
		"-#", "--progress-bar", "--basic", "--no-keepalive", "--tlsv1.2", "--tlsv1.3", "-q", "--disable", "-j", "--fail-with-body", "--no-progress-meter":
		// They say nothing of the request as Gor sends it.
	default:
		return &OptionError{word}
	}
	return nil
}

func (o *options) value(name, text string, read func(string) ([]byte, error)) error {
	switch name {
	case "--request":
		o.method = text
	case "--header":
		file, isFile := strings.CutPrefix(text, "@")
		if !isFile {
			o.headers = append(o.headers, text)
			return nil
		}
		b, err := read(file)
		if err != nil {
			return err
		}
		for line := range strings.Lines(string(b)) {
			if line = strings.TrimRight(line, "\r\n"); line != "" {
				o.headers = append(o.headers, line)
			}
		}
	case "--oauth2-bearer":
		o.bearer = text
	case "--range":
		o.byteRange = text
	case "--cookie":
		if !strings.Contains(text, "=") {
			return fmt.Errorf("-b %s names a file of cookies, which is not known here; write NAME=VALUE", text)
		}
		o.cookie = text
	case "--data", "--data-raw", "--data-binary", "--json", "--data-urlencode":
		return o.addData(name, text, read)
	case "--form", "--form-string":
		return o.addForm(name, text, read)
	case "--user":
		o.user = text
	case "--user-agent":
		o.agent, o.hasAgent = text, true
	case "--referer":
		o.referer, _, _ = strings.Cut(text, ";")
	case "--url":
		o.urls = append(o.urls, text)
	case "--upload-file":
		b, err := read(text)
		o.uploads = append(o.uploads, b)
		return err
	}
	return nil
}

// addData joins what is posted with "&", as curl does.
func (o *options) addData(name, text string, read func(string) ([]byte, error)) error {
	b := []byte(text)
	file, isFile := strings.CutPrefix(text, "@")
	switch {
	case name == "--data-urlencode":
		var err error
		if b, err = urlencode(text, read); err != nil {
			return err
		}
	case name == "--data-raw":
	case isFile:
		var err error
		if b, err = read(file); err != nil {
			return err
		}
		if name == "--data" { // curl takes line ends out of a file, and stops at a zero
			b, _, _ = bytes.Cut(b, []byte{0})
			b = []byte(strings.NewReplacer("\r", "", "\n", "").Replace(string(b)))
		}
	}
	if name == "--json" {
		o.json = true
	} else if o.hasData {
		o.data = append(o.data, '&')
	}
	o.data, o.hasData = append(o.data, b...), true
	return nil
}

func urlencode(text string, read func(string) ([]byte, error)) ([]byte, error) {
	name, value, i := "", text, strings.IndexAny(text, "=@")
	if i >= 0 {
		name, value = text[:i], text[i+1:]
		if text[i] == '@' {
			b, err := read(value)
			if err != nil {
				return nil, err
			}
			value = string(b)
		}
	}
	value = url.QueryEscape(value)
	if name != "" {
		value = name + "=" + value
	}
	return []byte(value), nil
}

// typeOf is what curl takes a file for, by its suffix.
func typeOf(file string) string {
	types := map[string]string{".gif": "image/gif", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".svg": "image/svg+xml",
		".txt": "text/plain", ".htm": "text/html", ".html": "text/html", ".pdf": "application/pdf", ".xml": "application/xml"}
	if t, ok := types[strings.ToLower(filepath.Ext(file))]; ok {
		return t
	}
	return "application/octet-stream"
}
