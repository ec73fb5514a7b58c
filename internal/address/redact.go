// Package address reads the addresses of targets, and shows them and other
// values of flags without the secrets that they hold.
package address

import (
	"errors"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Mask stands for a secret, as in net/url's Redacted.
const Mask = "xxxxx"

// secretWords are what names of parameters and header fields that hold a secret
// have in them, in lower case.
var secretWords = [...]string{"token", "key", "secret", "passw", "pwd", "signature", "credential", "session", "auth", "cookie", "jwt"}

// secretNames are such names as a whole.
var secretNames = [...]string{"sig", "pass", "sid", "code"}

// A parameter begins a text, or follows a separator of URLs. Its value ends
// with the next one; a space, a quote and a bar are in none that is encoded as
// it should be.
var (
	parameter = regexp.MustCompile(`(^|[?&;#])([A-Za-z0-9_.~%\[\]-]+)(=)([^&;#\s"|]*)`)
	field     = regexp.MustCompile(`^(\s*)([A-Za-z0-9_-]+)(\s*:\s*)([^/\s].*|/[^/].*)$`)
)

// Redact returns the value of a flag as it may be shown: an address without its
// password, or without its user where that is all there is, parameters of a
// query without their value when their name tells of a secret (token, key,
// signature), and header fields such as Authorization without theirs.
func Redact(value string) string {
	shown, _ := redact(value)
	return shown
}

// redact is Redact, which returns the secrets too.
func redact(value string) (shown string, secrets []string) {
	if m := field.FindStringSubmatch(value); m != nil && isSecret(m[2]) {
		return m[1] + m[2] + m[3] + Mask, []string{m[4]}
	}
	shown, secrets = redactUser(value)
	shown = parameter.ReplaceAllStringFunc(shown, func(s string) string {
		m := parameter.FindStringSubmatch(s)
		if !isSecret(m[2]) || m[4] == "" || m[4] == Mask {
			return s
		}
		secrets = append(secrets, m[4])
		return m[1] + m[2] + m[3] + Mask
	})
	return shown, secrets
}

// redactUser masks what stands before the @ of an address. Passwords that were
// not encoded as they should be hold any character: where the address cannot be
// read, all up to the last @ counts.
func redactUser(value string) (shown string, secrets []string) {
	scheme, rest := cutScheme(value)
	end := strings.LastIndexByte(rest, '@')
	if end < 0 || scheme == "" && (strings.HasPrefix(rest, "/") || !strings.Contains(rest[:end], ":")) {
		return value, nil // of the rest, what has no scheme is the name of a file or of a user
	}
	u, err := url.Parse("http://" + rest)
	if err == nil && u.User == nil {
		return value, nil // it belongs to the path or the query
	}
	if err == nil {
		authority := rest
		if i := strings.IndexAny(authority, "/?#"); i >= 0 {
			authority = authority[:i]
		}
		end = strings.LastIndexByte(authority, '@')
	}
	user, password, found := strings.Cut(rest[:end], ":")
	if !found {
		return scheme + Mask + rest[end:], []string{user}
	}
	return scheme + user + ":" + Mask + rest[end:], []string{password}
}

// cutScheme parts a scheme from what follows it, also one that is mistyped: of
// http:/user:password@host and //user:password@host the password is none the less
// secret.
func cutScheme(value string) (scheme, rest string) {
	if i := strings.Index(value, "://"); i >= 0 {
		return value[:i+3], value[i+3:]
	}
	for _, short := range [...]string{"//", "http:/", "https:/", "ws:/", "wss:/"} {
		if len(value) > len(short) && strings.EqualFold(value[:len(short)], short) {
			return value[:len(short)], value[len(short):]
		}
	}
	return "", value
}

func isSecret(name string) bool {
	name = strings.ToLower(name)
	if slices.Contains(secretNames[:], name) {
		return true
	}
	return slices.ContainsFunc(secretWords[:], func(w string) bool { return strings.Contains(name, w) })
}

// leastSecret is the shortest secret that is looked for in an error's text on
// its own: shorter ones would be found in words.
const leastSecret = 4

// RedactError returns an error about a value whose text has none of the value's
// secrets. It unwraps to err.
func RedactError(err error, value string) error {
	shown, secrets := redact(value)
	if err == nil || len(secrets) == 0 {
		return err
	}
	text := err.Error()
	text = strings.ReplaceAll(text, value, shown)
	text = strings.ReplaceAll(text, strconv.Quote(value), strconv.Quote(shown))
	for _, s := range secrets {
		if len(s) >= leastSecret {
			text = strings.ReplaceAll(text, s, Mask)
		}
	}
	if text == err.Error() {
		return err
	}
	return &redacted{text, err}
}

type redacted struct {
	text string
	err  error
}

func (r *redacted) Error() string { return r.text }
func (r *redacted) Unwrap() error { return r.err }

// Parse reads a URL, or a host with what may follow it, to which scheme is
// added. An error has nothing of the address in it that may be a secret.
func Parse(text, scheme string) (*url.URL, error) {
	if !strings.Contains(text, "://") {
		text = scheme + "://" + text
	}
	u, err := url.Parse(text)
	if err == nil {
		return u, nil
	}
	var parse *url.Error
	if errors.As(err, &parse) {
		err = parse.Err
	}
	if strings.Contains(text, "@") {
		// The reason quotes what it stumbled over, which may be of a password.
		return nil, errors.New("it cannot be read; in a user and a password write %2F for /, %3A for :, %40 for @, %23 for # and %25 for %")
	}
	return nil, err
}

// Command returns a command as it may be shown: its arguments may be secrets.
func Command(words []string) string {
	switch len(words) {
	case 0:
		return ""
	case 1:
		return words[0]
	}
	return words[0] + " ..."
}
