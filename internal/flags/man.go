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
	Text    string // the sections: "# Title" on a line of its own begins one
}

// optionsTitle is that of the section for which the flags stand.
const optionsTitle = "Options"

// sections divides the text at its titles.
func (m Manual) sections() []section {
	var list []section
	for line := range strings.Lines(m.Text) {
		if title, is := strings.CutPrefix(line, "# "); is {
			list = append(list, section{title: strings.TrimSpace(title)})
		} else if n := len(list); n > 0 {
			list[n-1].text += line
		}
	}
	return list
}

// A section is a part of a man page. In its text a blank line ends a
// paragraph, an indented line is shown as it is, and of a line "* term: text"
// the text stands beside its term.
type section struct{ title, text string }

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
	for _, section := range m.sections() {
		if section.title == optionsTitle {
			t.writeManOptions(b)
		} else {
			section.writeMan(b)
		}
	}
}

func (t *Table) writeManOptions(b *strings.Builder) {
	b.WriteString(".SH OPTIONS\n")
	for _, group := range t.Groups {
		defs := group.current()
		if len(defs) == 0 {
			continue
		}
		title, about, _ := strings.Cut(group.Title, ": ")
		title, more, _ := strings.Cut(title, " (")
		fmt.Fprintf(b, ".SS %s\n", roff(title))
		about += strings.TrimSuffix(more, ")")
		if about != "" {
			writeParagraph(b, upperFirst(about)+".")
		}
		for _, def := range defs {
			def.writeMan(b)
		}
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

func (s section) writeMan(b *strings.Builder) {
	fmt.Fprintf(b, ".SH %s\n", roff(strings.ToUpper(s.title)))
	verbatim := false
	paragraph := "" // what divides the next line from a text before it
	for line := range strings.Lines(strings.Trim(s.text, "\n")) {
		line = strings.TrimRight(line, "\n")
		shown := strings.HasPrefix(line, "  ")
		if verbatim && !shown {
			b.WriteString(".EE\n")
			verbatim = false
		}
		term, text, isTerm := strings.Cut(strings.TrimPrefix(line, "* "), ": ")
		switch {
		case line == "":
			paragraph = ".PP\n"
			continue
		case shown:
			if !verbatim {
				b.WriteString(".IP\n.EX\n")
			}
			verbatim = true
			line = strings.TrimPrefix(line, "  ")
		case isTerm && strings.HasPrefix(line, "* "):
			fmt.Fprintf(b, ".TP\n\\fB%s\\fR\n", roff(term))
			line = text
		default:
			b.WriteString(paragraph)
		}
		paragraph = ""
		b.WriteString(roffLine(line) + "\n")
	}
	if verbatim {
		b.WriteString(".EE\n")
	}
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

// upperFirst begins a sentence, unless the first word is a name.
func upperFirst(text string) string {
	word, _, _ := strings.Cut(text, " ")
	if word == "" || strings.ContainsFunc(word, func(r rune) bool { return r < 'a' || r > 'z' }) && !strings.ContainsAny(word[len(word)-1:], ",:;") {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}
