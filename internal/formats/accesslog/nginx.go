package accesslog

import (
	"strings"
	"time"
)

// nginxField is what a variable of nginx means
// (nginx.org/en/docs/http/ngx_http_core_module.html#variables).
func nginxField(name string, escape escaping) field {
	f := field{escape: escape}
	second := int64(time.Second)
	switch name {
	case "remote_addr", "realip_remote_addr", "binary_remote_addr":
		f.role = clientRole
		if name != "remote_addr" {
			f.role = ignored
		}
	case "remote_port":
		f.role = portRole
	case "remote_user":
		f.role = userRole
	case "time_local":
		f.role = endRole
	case "time_iso8601":
		f.role, f.stamp.kind = endRole, stampISO
	case "msec":
		f.role, f.stamp = endRole, stamp{kind: stampNumber, unit: second}
	case "request":
		f.role = requestRole
	case "request_method":
		f.role = methodRole
	case "request_uri":
		f.role = targetRole
	case "uri", "document_uri":
		f.role = pathRole
	case "args", "query_string":
		f.role = queryRole
	case "server_protocol":
		f.role = protoRole
	case "host", "http_host":
		f.role = hostRole
	case "server_name":
		f.role = serverRole
	case "scheme":
		f.role = schemeRole
	case "request_time":
		f.role, f.unit = elapsedRole, second
	case "content_length", "http_content_length":
		f.role = lengthRole
	case "content_type":
		f.role, f.name = headerRole, "Content-Type"
	case "request_body":
		f.role = bodyRole
	default:
		if header, ok := strings.CutPrefix(name, "http_"); ok && header != "" {
			f = headerNamed(strings.ReplaceAll(header, "_", "-"))
			f.escape = escape
		}
		f.list = strings.HasPrefix(name, "upstream_") || name == "http_x_forwarded_for" || name == "proxy_add_x_forwarded_for"
	}
	return f
}

// compileNginx reads the string of a log_format.
func compileNginx(text string, escape escaping) []part {
	var c compiler
	for i := 0; i < len(text); {
		if i+1 < len(text) && text[i] == '\\' { // as nginx reads its configuration
			if at := strings.IndexByte("trn", text[i+1]); at >= 0 {
				c.text("\t\r\n"[at])
				i += 2
				continue
			}
		}
		if text[i] != '$' {
			c.text(text[i])
			i++
			continue
		}
		j := i + 1
		braced := j < len(text) && text[j] == '{'
		if braced {
			j++
		}
		from := j
		for j < len(text) && (isLetter(text[j]) || text[j] >= '0' && text[j] <= '9' || text[j] == '_') {
			j++
		}
		name := text[from:j]
		if braced && j < len(text) && text[j] == '}' {
			j++
		}
		if name == "" {
			c.text('$')
			i++
			continue
		}
		if name == "is_args" { // "?", before the arguments, or nothing
			if rest, ok := strings.CutPrefix(text[j:], "$args"); ok && !strings.HasPrefix(rest, "_") {
				name, j = "args", j+len("$args")
			}
		}
		c.field(nginxField(name, escape))
		i = j
	}
	return c.parts
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// A compiler gathers the parts of a format.
type compiler struct{ parts []part }

func (c *compiler) text(b byte) {
	if n := len(c.parts); n > 0 && !c.parts[n-1].isField {
		c.parts[n-1].literal += string([]byte{b})
		return
	}
	c.parts = append(c.parts, part{literal: string([]byte{b})})
}

func (c *compiler) field(f field) { c.parts = append(c.parts, part{field: f, isField: true}) }
