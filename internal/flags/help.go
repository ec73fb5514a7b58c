package flags

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// HelpAll and HelpObsolete are the topics of every flag and of those that do
// nothing any more; HelpMan is all of it as a man page.
const (
	HelpAll      = "all"
	HelpObsolete = "obsolete"
	HelpMan      = "man"
)

// helpColumns is the width of the narrowest terminal that people still have.
const helpColumns = 80

// A HelpRequest is the error of Parse when -h was asked for. Topic is the word
// behind it, "" when there was none.
type HelpRequest struct{ Topic string }

func (h HelpRequest) Error() string { return ErrHelp.Error() }

// Is makes it an ErrHelp.
func (h HelpRequest) Is(target error) bool { return target == ErrHelp }

// WriteHelp writes what -h shows: for "" one page with the flags that stand on
// it, else what topic is about. An error that it is about no topic, and names
// some.
func (t *Table) WriteHelp(w io.Writer, topic string) error {
	topic = strings.ToLower(strings.ReplaceAll(strings.Trim(topic, "-"), "_", "-"))
	var b strings.Builder
	switch topic {
	case "":
		t.writeFront(&b)
	case HelpAll:
		b.WriteString(t.Head + t.Notation)
		for _, group := range t.Groups {
			group.write(&b, group.current())
		}
	case HelpObsolete:
		t.writeObsolete(&b)
	case HelpMan:
		t.writeMan(&b)
	default:
		if !t.writeTopic(&b, topic) {
			return t.noTopic(topic)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// writeFront writes the one page: what the program is for, its everyday
// commands, a line for each flag that belongs on it, and where the rest is.
func (t *Table) writeFront(b *strings.Builder) {
	b.WriteString(t.Head)
	for _, group := range t.Groups {
		defs := slices.DeleteFunc(group.current(), func(d Def) bool { return !d.Front })
		if len(defs) > 0 {
			writeTitle(b, group.Title)
		}
		for _, def := range defs {
			fmt.Fprintf(b, "  %-24s %s\n", def.usage(), clip(brief(def.Help), helpColumns-27))
		}
	}
	b.WriteString(t.Tail)
}

func (t *Table) writeObsolete(b *strings.Builder) {
	b.WriteString("These flags are accepted for older command lines, and do nothing:\n")
	for _, group := range t.Groups {
		for _, def := range group.Flags {
			if why := traitsOf(def.Value).obsolete; why != "" {
				fmt.Fprintf(b, "  %s\n", def.usage())
				writeWrapped(b, why, helpIndent)
			}
		}
	}
}

// write writes the title of the group and the whole help of some of its flags.
func (g Group) write(b *strings.Builder, defs []Def) {
	if len(defs) == 0 {
		return
	}
	writeTitle(b, g.Title)
	for _, def := range defs {
		def.write(b)
	}
}

func writeTitle(b *strings.Builder, title string) {
	b.WriteString("\n" + strings.Join(wrap(title, helpColumns-1), "\n") + ":\n")
}

// Indentation of a flag's help and of its example.
const (
	helpIndent    = 6
	exampleIndent = 8
)

func (d Def) write(b *strings.Builder) {
	fmt.Fprintf(b, "  %s\n", d.usage())
	help := plain(d.Help)
	if def := d.byDefault(); def != "" {
		help += " (default " + def + ")"
	}
	writeWrapped(b, help, helpIndent)
	for i, line := range wrapCommand(d.Example, helpColumns-exampleIndent-2) {
		indent := exampleIndent
		if i > 0 {
			indent += 2
		}
		fmt.Fprintf(b, "%*s%s\n", indent, "", line)
	}
}

// usage is the flag as it is typed.
func (d Def) usage() string {
	if d.Arg == "" {
		return "--" + d.Name
	}
	return "--" + d.Name + " " + d.Arg
}

// byDefault is the value that the flag has when it is not given, "" when that
// goes without saying.
func (d Def) byDefault() string {
	switch def := d.Value.String(); def {
	case "false", "0", "0s":
		return ""
	default:
		return def
	}
}

// plain is a flag's help without the quotes that mark its argument.
func plain(help string) string { return strings.ReplaceAll(help, "`", "") }

// brief is the first clause of a flag's help.
func brief(help string) string {
	help = plain(help)
	for _, end := range [...]string{": ", "; ", ". "} {
		help, _, _ = strings.Cut(help, end)
	}
	return help
}

// clip cuts a text that is longer than width between two words.
func clip(text string, width int) string {
	lines := wrap(text, width)
	if len(lines) == 1 {
		return text
	}
	return strings.TrimRight(wrap(text, width-4)[0], ",") + " ..."
}

func writeWrapped(b *strings.Builder, text string, indent int) {
	for _, line := range wrap(text, helpColumns-indent-2) {
		fmt.Fprintf(b, "%*s%s\n", indent, "", line)
	}
}

// wrap breaks text into lines of at most width bytes, at spaces.
func wrap(text string, width int) []string { return fill(strings.Fields(text), width, "") }

// wrapCommand breaks a command into lines that a shell reads as one. An
// argument in quotes stays whole.
func wrapCommand(command string, width int) []string {
	if command == "" {
		return nil
	}
	var words []string
	quote := byte(0)
	begin := 0
	for i := range len(command) {
		switch c := command[i]; {
		case c == quote:
			quote = 0
		case quote != 0:
		case c == '"' || c == '\'':
			quote = c
		case c == ' ':
			words = append(words, command[begin:i])
			begin = i + 1
		}
	}
	return fill(keepValues(append(words, command[begin:]), width-2), width, ` \`)
}

// keepValues joins a flag and its value, which are read together, where both
// have room in a line.
func keepValues(words []string, width int) []string {
	var joined []string
	for _, word := range words {
		if n := len(joined); n > 0 && strings.HasPrefix(joined[n-1], "--") && !strings.HasPrefix(word, "-") && !strings.Contains(joined[n-1], " ") && len(joined[n-1])+1+len(word) <= width {
			joined[n-1] += " " + word
			continue
		}
		joined = append(joined, word)
	}
	return joined
}

// fill puts words into lines of at most width bytes; goesOn ends all but the
// last.
func fill(words []string, width int, goesOn string) []string {
	var lines []string
	line := ""
	for i, word := range words {
		end := len(goesOn)
		if i == len(words)-1 {
			end = 0
		}
		if line != "" && len(line)+1+len(word)+end > width {
			lines = append(lines, line+goesOn)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}
