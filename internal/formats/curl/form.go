package curl

import (
	"fmt"
	"path/filepath"
	"strings"
)

// addForm reads -F NAME=VALUE, as curl's "MIME form" syntax has it: @FILE and <FILE,
// words in double quotes, and ;type=, ;filename= behind.
func (o *options) addForm(option, text string, read func(string) ([]byte, error)) error {
	name, rest, ok := strings.Cut(text, "=")
	if !ok {
		return fmt.Errorf("-F %s: want NAME=VALUE", text)
	}
	p := part{name: name, value: []byte(rest)}
	if option == "--form-string" {
		o.form = append(o.form, p)
		return nil
	}
	from := byte(0)
	if rest != "" && (rest[0] == '@' || rest[0] == '<') {
		from, rest = rest[0], rest[1:]
	}
	word, rest := formWord(rest)
	if from == '@' && strings.HasPrefix(rest, ",") {
		return fmt.Errorf("-F %s: several files in one part are not known here", text)
	}
	p.value = []byte(word)
	if from != 0 {
		b, err := read(word)
		if err != nil {
			return err
		}
		p.value = b
	}
	if from == '@' {
		p.file = filepath.Base(word)
	}
	for rest != "" {
		key, behind, _ := strings.Cut(strings.TrimLeft(rest[1:], " \t"), "=")
		var value string
		switch value, rest = formWord(behind); strings.ToLower(key) {
		case "type":
			p.kind = value
			for rest != "" { // parameters of the type: text/plain;charset=utf-8
				next := strings.TrimLeft(rest[1:], " \t")
				if known, _, _ := strings.Cut(next, "="); known == "filename" || known == "type" || known == "headers" || known == "encoder" {
					break
				}
				word, more := formWord(next)
				p.kind, rest = p.kind+rest[:1]+word, more
			}
		case "filename":
			p.file = value
		default:
			return fmt.Errorf("-F %s: %q is not known here, only ;type= and ;filename= are", text, key)
		}
	}
	if p.kind == "" && p.file != "" {
		p.kind = typeOf(p.file)
	}
	o.form = append(o.form, p)
	return nil
}

// formWord is the word that text begins with, up to a semicolon, and the rest from
// there. In double quotes a semicolon is part of it, and a backslash goes before a
// quote or a backslash.
func formWord(text string) (word, rest string) {
	if strings.HasPrefix(text, `"`) {
		var b strings.Builder
		for i := 1; i < len(text); i++ {
			switch {
			case text[i] == '\\' && i+1 < len(text) && (text[i+1] == '"' || text[i+1] == '\\'):
				i++
				b.WriteByte(text[i])
			case text[i] == '"':
				if rest = strings.TrimLeft(text[i+1:], " \t"); rest == "" || rest[0] == ';' {
					return b.String(), rest
				}
				i = len(text) // what stands behind the quote: it was none
			default:
				b.WriteByte(text[i])
			}
		}
	}
	if i := strings.IndexByte(text, ';'); i >= 0 {
		return text[:i], text[i:]
	}
	return text, ""
}
