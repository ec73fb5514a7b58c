package accesslog

import (
	"errors"
	"fmt"
	"strings"
)

// Formats that need no string. The load balancers' are those of Amazon's
// documentation, Envoy's is what it writes by default.
const (
	combinedText = `%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i"`
	nginxText    = `$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"`
	envoyText    = `[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% `
	envoyTail    = `"%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%"`
	albText      = `$type $time_iso8601 $elb $remote_addr $target $t1 $t2 $t3 $status $target_status $received $sent "$request" "$http_user_agent" $ssl_cipher $ssl_protocol $target_group "$trace" "$domain" "$cert" $rule $created `
	clbText      = `$time_iso8601 $elb $remote_addr $backend $t1 $t2 $t3 $status $backend_status $received $sent "$request" "$http_user_agent"`
)

// Presets are the names that stand for a format, in the order in which a file
// is tried for them.
func Presets() []string {
	return []string{"alb", "clb", "cloudfront", "caddy", "nginx-json", "envoy", "haproxy", "vhost_combined", "combined", "common"}
}

// preset returns a format by its name, nil when there is none of that name, or
// when it is one of JSON or W3C logs.
func preset(name string) *format {
	f := &format{name: name}
	switch name {
	case "combined":
		f.parts, _ = compileApache(combinedText)
	case "common":
		f.parts, _ = compileApache(`%h %l %u %t "%r" %>s %b`)
	case "vhost_combined":
		f.parts, _ = compileApache("%v:%p " + combinedText)
	case "envoy":
		f.parts = envoyDefault()
	case "haproxy":
		f.parts, f.syslog = haproxy(), true
	case "clb":
		f.parts = loadBalancer(clbText)
		f.parts[0].field.role = startRole
	case "alb":
		f.parts = loadBalancer(albText)
		for i := range f.parts {
			if p := &f.parts[i]; p.isField && p.field.name == "created" {
				p.field.role, p.field.stamp.kind = startRole, stampISO
			}
		}
	default:
		return nil
	}
	return f
}

// envoyDefault has flags, details and counts between the status and the quoted
// values, more of them in each version: they are passed over as one.
func envoyDefault() []part {
	head, err := compileEnvoy(envoyText)
	if err != nil {
		return nil
	}
	tail, err := compileEnvoy(envoyTail)
	if err != nil {
		return nil
	}
	between := field{role: envoyCounts, escape: escapeNone}
	return append(append(head, part{isField: true, field: between}, part{literal: " "}), tail...)
}

// loadBalancer compiles a format of Amazon's, written with nginx's variables.
func loadBalancer(text string) []part {
	c := compiler{parts: compileNginx(text, escapeBackslash)}
	names := variables(text)
	n := 0
	for i := range c.parts {
		if c.parts[i].isField {
			if c.parts[i].field.role == ignored {
				c.parts[i].field.name = names[n]
			}
			n++
		}
	}
	if last := len(c.parts) - 1; !c.parts[last].isField {
		c.parts[last].literal = strings.TrimSuffix(c.parts[last].literal, " ")
		if c.parts[last].literal == "" {
			c.parts = c.parts[:last]
		}
	}
	return c.parts
}

func variables(text string) (names []string) {
	for _, piece := range strings.Split(text, "$")[1:] {
		end := strings.IndexFunc(piece, func(r rune) bool { return r != '_' && !isLetter(byte(r)) && (r < '0' || r > '9') })
		if end < 0 {
			end = len(piece)
		}
		names = append(names, piece[:end])
	}
	return names
}

// compile reads what the user gave: the name of a preset, the string of a
// log_format, a LogFormat or a text_format, or the whole directive.
func compile(text string) (*format, error) {
	text = strings.TrimSpace(text)
	if f := preset(text); f != nil {
		return f, nil
	}
	escape := escapeBackslash
	if rest, ok := cutWord(text, "log_format"); ok {
		var err error
		if text, escape, err = nginxDirective(rest); err != nil {
			return nil, err
		}
	} else if rest, ok := cutWord(text, "LogFormat"); ok {
		text = apacheDirective(rest)
	}
	f := &format{name: "log", strict: true}
	var err error
	switch {
	case hasVariable(text):
		f.parts = compileNginx(text, escape)
	case hasOperator(text):
		f.parts, err = compileEnvoy(text)
	case strings.Contains(text, "%"):
		f.parts, err = compileApache(text)
	default:
		return nil, fmt.Errorf("%q is neither a preset (%s) nor the string of a log_format, LogFormat or text_format", text, strings.Join(Presets(), ", "))
	}
	if err != nil {
		return nil, err
	}
	f.joinQuery()
	return f, f.check()
}

// joinQuery makes one value of a path with the query right behind it: %U%q.
func (f *format) joinQuery() {
	for i := 0; i+1 < len(f.parts); i++ {
		a, b := &f.parts[i], &f.parts[i+1]
		if a.isField && b.isField && a.field.role == pathRole && b.field.role == queryRole {
			a.field.role = targetRole
			f.parts = append(f.parts[:i+1], f.parts[i+2:]...)
		}
	}
}

// check finds what a line could not be read by, or what no request could be
// made of.
func (f *format) check() error {
	has := map[role]bool{}
	for i, p := range f.parts {
		if !p.isField {
			continue
		}
		has[p.field.role] = true
		if i > 0 && f.parts[i-1].isField {
			return errors.New("two values of the format stand together with nothing between, and nobody can tell where the first ends")
		}
	}
	switch {
	case !has[startRole] && !has[endRole]:
		return errors.New("the format has no time, such as $time_local, %t or %START_TIME%")
	case !has[requestRole] && !has[targetRole] && !has[pathRole]:
		return errors.New("the format has no request, such as $request, %r or %REQ(:PATH)%")
	case !has[requestRole] && !has[methodRole]:
		return errors.New("the format has no method, such as $request_method, %m or %REQ(:METHOD)%")
	}
	return nil
}

func cutWord(text, word string) (rest string, ok bool) {
	rest, ok = strings.CutPrefix(text, word)
	return strings.TrimSpace(rest), ok && rest != strings.TrimLeft(rest, " \t\n")
}

// hasVariable reports whether text has a $name or ${name}.
func hasVariable(text string) bool {
	for i := 0; i+1 < len(text); i++ {
		if text[i] == '$' && (isLetter(text[i+1]) || text[i+1] == '{') {
			return true
		}
	}
	return false
}

// hasOperator reports whether text has a %OPERATOR% or %OPERATOR(…)%.
func hasOperator(text string) bool {
	for i := 0; i+2 < len(text); i++ {
		if text[i] == '%' && text[i+1] >= 'A' && text[i+1] <= 'Z' && text[i+2] >= 'A' && text[i+2] <= 'Z' {
			return true
		}
	}
	return false
}

// nginxDirective takes the format out of "name [escape=…] 'a' 'b';".
func nginxDirective(text string) (string, escaping, error) {
	i := strings.IndexAny(text, `'"`)
	if i < 0 {
		return "", 0, errors.New("log_format has no string in quotes")
	}
	escape := escapeBackslash
	if strings.Contains(text[:i], "escape=none") {
		escape = escapeNone
	}
	var b strings.Builder
	for text = text[i:]; text != "" && (text[0] == '\'' || text[0] == '"'); {
		quote, j := text[0], 1
		for ; j < len(text) && text[j] != quote; j++ {
			if text[j] == '\\' && j+1 < len(text) && (text[j+1] == quote || text[j+1] == '\\') {
				j++
			}
			b.WriteByte(text[j])
		}
		if j == len(text) {
			return "", 0, errors.New("a quote in log_format is not closed")
		}
		text = strings.TrimLeft(text[j+1:], " \t\r\n")
	}
	return b.String(), escape, nil
}

// apacheDirective takes the format out of `"format" nickname`.
func apacheDirective(text string) string {
	if !strings.HasPrefix(text, `"`) {
		return text
	}
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return text[1:i]
		}
	}
	return text[1:]
}
