package flags

import (
	"fmt"
	"io"
	"strings"
)

// Help is the text of -h: the flags by group, each with its help and a
// command.
func (t *Table) Help(w io.Writer) error {
	var b strings.Builder
	b.WriteString(t.Head)
	for _, group := range t.Groups {
		fmt.Fprintf(&b, "\n%s:\n", group.Title)
		for _, def := range group.Flags {
			def.writeUsage(&b)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// helpWidth is the longest line of a flag's help, without its indentation.
const helpWidth = 72

func (d Def) writeUsage(b *strings.Builder) {
	b.WriteString("  --" + d.Name)
	if d.Arg != "" {
		b.WriteString(" " + d.Arg)
	}
	b.WriteByte('\n')
	help := plain(d.Help)
	switch def := d.Value.String(); def {
	case "", "false", "0", "0s":
	default:
		help += " (default " + def + ")"
	}
	for _, line := range wrap(help, helpWidth) {
		b.WriteString("      " + line + "\n")
	}
	if d.Example != "" {
		b.WriteString("        " + d.Example + "\n")
	}
}

// plain is a flag's help without the quotes that mark its argument.
func plain(help string) string { return strings.ReplaceAll(help, "`", "") }

// wrap breaks text into lines of at most width bytes, at spaces.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}
