package accesslog

import (
	"bytes"
	"fmt"
	"strings"
	"time"
)

// compileEnvoy reads a text_format of Envoy
// (envoyproxy.io, "Access logging", command operators).
func compileEnvoy(text string) ([]part, error) {
	var c compiler
	text = strings.TrimSuffix(strings.TrimSuffix(text, "\n"), `\n`)
	for i := 0; i < len(text); {
		if text[i] != '%' {
			c.text(text[i])
			i++
			continue
		}
		if strings.HasPrefix(text[i:], "%%") {
			c.text('%')
			i += 2
			continue
		}
		end := operatorEnd(text[i+1:])
		if end < 0 {
			return nil, fmt.Errorf("%q has a %% without another", text)
		}
		f, err := envoyField(text[i+1 : i+1+end])
		if err != nil {
			return nil, err
		}
		c.field(f)
		i += 1 + end + 1
		if i < len(text) && text[i] == ':' { // a length after the operator: %REQ(X):20%
			continue
		}
	}
	return c.parts, nil
}

// operatorEnd returns where the operator ends: at the next % outside of
// parentheses, since START_TIME(%s) has some of its own.
func operatorEnd(s string) int {
	depth := 0
	for i := range len(s) {
		switch {
		case s[i] == '(':
			depth++
		case s[i] == ')':
			depth--
		case s[i] == '%' && depth <= 0:
			return i
		}
	}
	return -1
}

func envoyField(operator string) (field, error) {
	f := field{escape: escapeNone}
	name, arg, _ := strings.Cut(operator, "(")
	arg, _, _ = strings.Cut(arg, ")")
	switch name {
	case "START_TIME", "EMIT_TIME":
		f.role, f.stamp.kind = startRole, stampISO
		if name == "EMIT_TIME" {
			f.role = endRole
		}
		if arg != "" {
			parts, err := parsePattern(arg)
			if err != nil {
				return f, err
			}
			f.stamp = stamp{kind: stampPattern, parts: parts}
		}
	case "PROTOCOL":
		f.role = protoRole
	case "DURATION":
		f.role, f.unit = elapsedRole, int64(time.Millisecond)
	case "DOWNSTREAM_REMOTE_ADDRESS", "DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT":
		f.role = clientRole
	case "REQ":
		first, second, _ := strings.Cut(arg, "?")
		if second == "" {
			second = first
		}
		switch strings.ToLower(second) {
		case ":path":
			f.role = targetRole
		case ":method":
			f.role = methodRole
		case ":scheme":
			f.role = schemeRole
		default:
			f = headerNamed(first)
			f.escape = escapeNone
			f.list = true
		}
	}
	return f, nil
}

// envoyDuration finds the duration in "FLAGS DETAILS … RECEIVED SENT DURATION
// UPSTREAM" of the default format, in ns: the last number but one.
func envoyDuration(v []byte) int64 {
	words := bytes.Fields(v)
	if len(words) < 4 {
		return -1
	}
	n, width, _, ok := readNumber(words[len(words)-2], int64(time.Millisecond))
	if !ok || width != len(words[len(words)-2]) {
		return -1
	}
	return n
}
