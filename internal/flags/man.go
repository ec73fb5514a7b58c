package flags

import (
	"fmt"
	"strings"
)

// A Manual is what a man page says beside the flags.
type Manual struct {
	Name    string // of the program
	Version string
	Date    string // of the version, as 2006-01-02
	Brief   string // what it does, in one line
	Usage   []string
	Before  []Section // before the options
	After   []Section
}

// A Section is a part of a man page. In its text a blank line ends a
// paragraph, an indented line is shown as it is, and of a line "* term: text"
// the text stands beside its term.
type Section struct{ Title, Text string }

// writeMan writes the flags as a page in the man macros (man(7)), which mandoc
// and groff both render.
func (t *Table) writeMan(b *strings.Builder) {
	m := t.Manual
	fmt.Fprintf(b, ".\\\" Made by go generate from the table of flags.\n.TH %s 1 %s \"%s %s\" \"User Commands\"\n", strings.ToUpper(m.Name), m.Date, m.Name, m.Version)
	fmt.Fprintf(b, ".SH NAME\n%s \\- %s\n.SH SYNOPSIS\n", m.Name, roff(m.Brief))
	for i, usage := range m.Usage {
		if i > 0 {
			b.WriteString(".br\n")
		}
		fmt.Fprintf(b, ".B %s\n", roff(usage))
	}
	for _, section := range m.Before {
		section.writeMan(b)
	}
	b.WriteString(".SH OPTIONS\n")
	for _, group := range t.Groups {
		defs := group.current()
		if len(defs) == 0 {
			continue
		}
		title, rest, _ := strings.Cut(group.Title, " (")
		title, more, _ := strings.Cut(title, ": ")
		fmt.Fprintf(b, ".SS %s\n", roff(title))
		if rest = strings.TrimSuffix(rest, ")") + more; rest != "" {
			writeParagraph(b, upperFirst(rest)+".")
		}
		for _, def := range defs {
			def.writeMan(b)
		}
	}
	for _, section := range m.After {
		section.writeMan(b)
	}
}

func (d Def) writeMan(b *strings.Builder) {
	fmt.Fprintf(b, ".TP\n\\fB\\-\\-%s\\fR", roff(d.Name))
	if d.Arg != "" {
		fmt.Fprintf(b, " \\fI%s\\fR", roff(d.Arg))
	}
	b.WriteByte('\n')
	help := plain(d.Help)
	if def := d.byDefault(); def != "" {
		help += " (default " + def + ")"
	}
	writeParagraph(b, upperFirst(help)+".")
	if d.Example != "" {
		b.WriteString(".IP\n.EX\n")
		for i, line := range wrapCommand(d.Example, helpColumns-16) {
			if i > 0 {
				line = "  " + line
			}
			b.WriteString(roffLine(line) + "\n")
		}
		b.WriteString(".EE\n")
	}
}

func (s Section) writeMan(b *strings.Builder) {
	fmt.Fprintf(b, ".SH %s\n", roff(strings.ToUpper(s.Title)))
	verbatim, fresh := false, true
	end := func() {
		if verbatim {
			b.WriteString(".EE\n")
		}
		verbatim = false
	}
	for line := range strings.Lines(s.Text) {
		line = strings.TrimRight(line, "\n")
		term, text, isTerm := strings.Cut(strings.TrimPrefix(line, "* "), ": ")
		switch {
		case line == "":
			end()
			fresh = true
		case strings.HasPrefix(line, "  "):
			if !verbatim {
				b.WriteString(".IP\n.EX\n")
			}
			verbatim = true
			b.WriteString(roffLine(strings.TrimPrefix(line, "  ")) + "\n")
		case isTerm && strings.HasPrefix(line, "* "):
			end()
			fmt.Fprintf(b, ".TP\n\\fB%s\\fR\n%s\n", roff(term), roffLine(text))
		default:
			if end(); fresh && !strings.HasSuffix(b.String(), roff(strings.ToUpper(s.Title))+"\n") {
				b.WriteString(".PP\n")
			}
			fresh = false
			b.WriteString(roffLine(line) + "\n")
		}
	}
	end()
}

// writeParagraph writes text with a line for each sentence or so, so that a
// change of it is a small one.
func writeParagraph(b *strings.Builder, text string) {
	for _, line := range wrap(text, helpColumns-2) {
		b.WriteString(roffLine(line) + "\n")
	}
}

// roff escapes what troff would act upon: a hyphen that is typed is \-, and a
// backslash \e.
var roffEscapes = strings.NewReplacer(`\`, `\e`, "-", `\-`, "^", `\(ha`, "~", `\(ti`, "`", `\(ga`, "'", `\(aq`)

func roff(text string) string { return roffEscapes.Replace(text) }

// roffLine is roff for a whole line, which must not begin as a request does.
func roffLine(text string) string {
	line := roff(text)
	if strings.HasPrefix(line, ".") {
		return `\&` + line
	}
	return line
}

func upperFirst(text string) string {
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}
