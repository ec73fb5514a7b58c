package curl

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/buger/gor/internal/formats/message"
)

// options are what a command line says of its request.
type options struct {
	urls     []string
	method   string
	headers  []string
	cookie   string
	data     []byte
	hasData  bool
	json     bool
	form     []part
	get      bool
	head     bool
	user     string
	agent    string
	hasAgent bool
	referer  string
	encoded  bool // --compressed
	http10   bool
	upload   []byte
	uploads  bool
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
		"-u": "--user", "-A": "--user-agent", "-e": "--referer", "-T": "--upload-file",
		// These change where or how the answer goes, or the connection, not the request.
		"-o": "--output", "-m": "--max-time", "-w": "--write-out", "-x": "--proxy", "-D": "--dump-header", "-c": "--cookie-jar", "-E": "--cert",
	}
	if long, ok := names[option]; ok {
		return long
	}
	switch option {
	case "--request", "--header", "--cookie", "--data", "--data-raw", "--data-binary", "--data-urlencode", "--json", "--form", "--form-string",
		"--user", "--user-agent", "--referer", "--url", "--upload-file",
		"--output", "--max-time", "--connect-timeout", "--write-out", "--proxy", "--dump-header", "--cookie-jar", "--cert", "--key", "--cacert",
		"--resolve", "--connect-to", "--retry", "--max-redirs", "--interface", "--limit-rate", "--ciphers", "--tls-max":
		return option
	}
	return ""
}

// parse reads the words behind curl.
func (o *options) parse(words []string, read func(string) ([]byte, error)) error {
	for i := 0; i < len(words); i++ {
		word := words[i]
		switch {
		case word == "--":
			o.urls = append(o.urls, words[i+1:]...)
			return nil
		case strings.HasPrefix(word, "--"):
			if name := withValue(word); name != "" {
				if i++; i == len(words) {
					return fmt.Errorf("%s has no value", word)
				}
				if err := o.value(name, words[i], read); err != nil {
					return err
				}
			} else if err := o.flag(word); err != nil {
				return err
			}
		case len(word) > 1 && word[0] == '-':
			for at := 1; at < len(word); at++ { // -sSL, -XPOST
				short := "-" + word[at:at+1]
				name := withValue(short)
				if name == "" {
					if err := o.flag(short); err != nil {
						return err
					}
					continue
				}
				text := word[at+1:]
				if text == "" {
					if i++; i == len(words) {
						return fmt.Errorf("%s has no value", short)
					}
					text = words[i]
				}
				if err := o.value(name, text, read); err != nil {
					return err
				}
				break
			}
		default:
			o.urls = append(o.urls, word)
		}
	}
	return nil
}

func (o *options) flag(word string) error {
	switch word {
	case "-G", "--get":
		o.get = true
	case "-I", "--head":
		o.head = true
	case "--compressed":
		o.encoded = true
	case "-0", "--http1.0":
		o.http10 = true
	case "-s", "--silent", "-S", "--show-error", "-L", "--location", "-k", "--insecure", "-v", "--verbose", "-i", "--include", "-f", "--fail",
		"--http1.1", "--http2", "--http2-prior-knowledge", "-g", "--globoff", "-N", "--no-buffer", "-4", "--ipv4", "-6", "--ipv6", "-O", "--remote-name",
		"-#", "--progress-bar", "--path-as-is", "--basic", "--no-keepalive", "--tlsv1.2", "--tlsv1.3", "-q", "--disable", "-j", "--fail-with-body", "--no-progress-meter":
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
		if strings.HasPrefix(text, "@") {
			return errors.New("-H @FILE is not known here; write the headers")
		}
		o.headers = append(o.headers, text)
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
		o.upload, o.uploads = b, true
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
		if name == "--data" { // it takes line ends and zeros out of a file
			b = []byte(strings.NewReplacer("\r", "", "\n", "", "\x00", "").Replace(string(b)))
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
	value = strings.ReplaceAll(url.QueryEscape(value), "+", "%20")
	if name != "" {
		value = name + "=" + value
	}
	return []byte(value), nil
}

func (o *options) addForm(option, text string, read func(string) ([]byte, error)) error {
	name, value, ok := strings.Cut(text, "=")
	if !ok {
		return fmt.Errorf("-F %s: want NAME=VALUE", text)
	}
	p := part{name: name, value: []byte(value)}
	if option == "--form" {
		value, kind, _ := strings.Cut(value, ";type=")
		p.kind, p.value = kind, []byte(value)
		if len(value) > 0 && (value[0] == '@' || value[0] == '<') {
			b, err := read(value[1:])
			if err != nil {
				return err
			}
			p.value = b
			if value[0] == '@' {
				p.file = filepath.Base(value[1:])
				if p.kind == "" {
					p.kind = typeOf(p.file)
				}
			}
		}
	}
	o.form = append(o.form, p)
	return nil
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

// set reports whether a header was given, and its value.
func (o *options) set(name string) (string, bool) {
	for _, h := range o.headers {
		if n, v, ok := strings.Cut(h, ":"); ok && strings.EqualFold(strings.TrimSpace(n), name) {
			return strings.TrimSpace(v), true
		}
		if n, ok := strings.CutSuffix(h, ";"); ok && strings.EqualFold(n, name) {
			return "", true
		}
	}
	return "", false
}

// request builds what curl would send, in the order in which it does.
func (o *options) request(agent string) (req []byte, host string, err error) {
	if len(o.urls) != 1 {
		return nil, "", fmt.Errorf("want one URL, not %d", len(o.urls))
	}
	text := o.urls[0]
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	u, err := url.Parse(strings.ReplaceAll(text, " ", "%20"))
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, "", fmt.Errorf("the URL %.80q is none of http or https", o.urls[0])
	}
	target := u.EscapedPath()
	if target == "" {
		target = "/"
	}
	query := u.RawQuery
	body, contentType, err := o.body()
	if err != nil {
		return nil, "", err
	}
	if o.get && o.hasData {
		if query != "" {
			query += "&"
		}
		query += string(body)
		body, contentType = nil, ""
	}
	if query != "" || u.ForceQuery {
		target += "?" + query
	}
	method := o.method
	switch {
	case method != "":
	case o.head:
		method = "HEAD"
	case o.uploads:
		method = "PUT"
	case !o.get && (o.hasData || len(o.form) > 0):
		method = "POST"
	default:
		method = "GET"
	}
	var b message.Builder
	proto := "HTTP/1.1"
	if o.http10 {
		proto = "HTTP/1.0"
	}
	b.RequestLine([]byte(method), []byte(target), []byte(proto))
	host = strings.TrimSuffix(u.Host, map[string]string{"http": ":80", "https": ":443"}[u.Scheme])
	own := func(name, value string, send bool) {
		if v, given := o.set(name); given && v != "" {
			if name == "Host" { // the others stand where they were given
				b.Header(name, []byte(v))
			}
		} else if !given && send {
			b.Header(name, []byte(value))
		}
	}
	user := o.user
	if user == "" && u.User != nil {
		password, _ := u.User.Password()
		user = u.User.Username() + ":" + password
	}
	if o.hasAgent {
		agent = o.agent
	}
	own("Host", host, true)
	own("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(user)), user != "")
	own("User-Agent", agent, agent != "")
	own("Accept", map[bool]string{true: "application/json", false: "*/*"}[o.json], true)
	own("Accept-Encoding", "deflate, gzip", o.encoded)
	own("Referer", o.referer, o.referer != "")
	own("Cookie", o.cookie, o.cookie != "")
	for _, h := range o.headers {
		name, value, ok := strings.Cut(h, ":")
		if name = strings.TrimSpace(name); strings.EqualFold(name, "Host") || ok && strings.TrimSpace(value) == "" || strings.EqualFold(name, "Content-Length") {
			continue
		}
		if !ok {
			if name, ok = strings.CutSuffix(h, ";"); !ok {
				return nil, "", fmt.Errorf("-H %.60q: want NAME: VALUE", h)
			}
			value = ""
		}
		b.Header(name, []byte(value))
	}
	sends := o.hasData && !o.get || len(o.form) > 0 || o.uploads
	if sends {
		b.Length(len(body))
	}
	own("Content-Type", contentType, contentType != "")
	req, err = b.Body(body)
	return req, host, err
}

// boundary parts the pieces of a form. It is fixed, so that a line is the same
// request in every run.
const boundary = "------------------------gor0000000000000"

// body is what is sent, and its type.
func (o *options) body() (body []byte, contentType string, err error) {
	switch {
	case o.uploads:
		return o.upload, "", nil
	case len(o.form) > 0:
		var b strings.Builder
		quote := strings.NewReplacer(`"`, "%22", "\r", "%0D", "\n", "%0A").Replace
		for _, p := range o.form {
			fmt.Fprintf(&b, "--%s\r\nContent-Disposition: form-data; name=\"%s\"", boundary, quote(p.name))
			if p.file != "" {
				fmt.Fprintf(&b, "; filename=\"%s\"", quote(p.file))
			}
			if p.kind != "" {
				fmt.Fprintf(&b, "\r\nContent-Type: %s", quote(p.kind))
			}
			fmt.Fprintf(&b, "\r\n\r\n%s\r\n", p.value)
		}
		fmt.Fprintf(&b, "--%s--\r\n", boundary)
		return []byte(b.String()), "multipart/form-data; boundary=" + boundary, nil
	case o.json:
		return o.data, "application/json", nil
	case o.hasData:
		return o.data, "application/x-www-form-urlencoded", nil
	}
	return nil, "", nil
}
