package flags

import (
	"fmt"
	"io"
	"strings"
)

// Completion writes what a shell (bash, zsh or fish) reads to complete the
// flags with. It reports false for any other shell, and has then written
// nothing.
func (t *Table) Completion(w io.Writer, shell string) (known bool, err error) {
	var b strings.Builder
	switch shell {
	case "bash":
		writeBash(&b, t.completions())
	case "zsh":
		writeZsh(&b, t.completions())
	case "fish":
		writeFish(&b, t.completions())
	default:
		return false, nil
	}
	_, err = io.WriteString(w, b.String())
	return true, err
}

// A completion is what a shell has to know of a flag.
type completion struct {
	name    string
	help    string
	value   bool     // a value follows
	file    bool     // it is a file's name
	folder  bool     // it is a folder's
	choices []string // what it can be; nil: anything
}

func (t *Table) completions() []completion {
	var list []completion
	for _, group := range t.Groups {
		for _, def := range group.Flags {
			c := completion{
				name: def.Name, help: brief(def.Help), // beside the flag is no room for all of it
				value: def.Arg != "", file: def.Arg == "FILE", folder: def.Arg == "DIR",
				choices: choices(def.Value),
			}
			list = append(list, c)
		}
	}
	return list
}

func writeBash(w *strings.Builder, list []completion) {
	var flags, files, folders, free []string
	w.WriteString("# bash completion for gor: source <(gor completion bash)\n_gor() {\n")
	w.WriteString("\tlocal word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n\tCOMPREPLY=()\n")
	w.WriteString("\tcase \"--${before#\"${before%%[!-]*}\"}\" in\n")
	for _, c := range list {
		flag := "--" + c.name
		flags = append(flags, flag)
		switch {
		case c.choices != nil:
			fmt.Fprintf(w, "\t%s)\n\t\tmapfile -t COMPREPLY < <(compgen -W '%s' -- \"$word\")\n\t\treturn\n\t\t;;\n", flag, strings.Join(c.choices, " "))
		case c.file:
			files = append(files, flag)
		case c.folder:
			folders = append(folders, flag)
		case c.value:
			free = append(free, flag)
		}
	}
	fmt.Fprintf(w, "\t%s)\n\t\tcompopt -o filenames 2>/dev/null\n\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$word\")\n\t\treturn\n\t\t;;\n", strings.Join(files, "|"))
	fmt.Fprintf(w, "\t%s)\n\t\tcompopt -o filenames 2>/dev/null\n\t\tmapfile -t COMPREPLY < <(compgen -d -- \"$word\")\n\t\treturn\n\t\t;;\n", strings.Join(folders, "|"))
	fmt.Fprintf(w, "\t%s)\n\t\treturn\n\t\t;;\n", strings.Join(free, "|"))
	fmt.Fprintf(w, "\tesac\n\tmapfile -t COMPREPLY < <(compgen -W '%s' -- \"$word\")\n}\ncomplete -F _gor gor\n", strings.Join(flags, " "))
}

func writeZsh(w *strings.Builder, list []completion) {
	w.WriteString("#compdef gor\n# zsh completion for gor: gor completion zsh > a file _gor in one of $fpath, or source <(gor completion zsh)\n_gor() {\n\t_arguments \\\n")
	quote := strings.NewReplacer("'", `'\''`, "[", `\[`, "]", `\]`, ":", `\:`)
	for _, c := range list {
		fmt.Fprintf(w, "\t\t'*--%s[%s]", c.name, quote.Replace(c.help))
		switch {
		case c.choices != nil:
			fmt.Fprintf(w, ":value:(%s)", strings.Join(c.choices, " "))
		case c.file:
			w.WriteString(":file:_files")
		case c.folder:
			w.WriteString(":folder:_files -/")
		case c.value:
			w.WriteString(":value: ")
		}
		w.WriteString("' \\\n")
	}
	w.WriteString("\t\t&& return 0\n}\nif [ \"$funcstack[1]\" = _gor ]; then _gor \"$@\"; else compdef _gor gor; fi\n")
}

func writeFish(w *strings.Builder, list []completion) {
	w.WriteString("# fish completion for gor: gor completion fish | source\ncomplete -c gor -f\n")
	quote := strings.NewReplacer(`\`, `\\`, "'", `\'`)
	for _, c := range list {
		fmt.Fprintf(w, "complete -c gor -l %s -d '%s'", c.name, quote.Replace(c.help))
		switch {
		case c.choices != nil:
			fmt.Fprintf(w, " -x -a '%s'", strings.Join(c.choices, " "))
		case c.file:
			w.WriteString(" -r -F")
		case c.folder:
			w.WriteString(" -x -a '(__fish_complete_directories)'")
		case c.value:
			w.WriteString(" -x")
		}
		w.WriteString("\n")
	}
}
