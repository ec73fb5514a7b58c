package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

// writeCompletion is gor completion: what a shell reads to complete Gor's flags
// with.
func writeCompletion(w io.Writer, args []string) error {
	var write func(io.Writer, []completion)
	if len(args) == 1 {
		switch args[0] {
		case "bash":
			write = writeBash
		case "zsh":
			write = writeZsh
		case "fish":
			write = writeFish
		}
	}
	if write == nil {
		return errors.New("want gor completion bash, gor completion zsh or gor completion fish; bash reads it with: source <(gor completion bash)")
	}
	write(w, completions())
	return nil
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

func completions() []completion {
	var list []completion
	for _, group := range defaultSettings().groups() {
		for _, def := range group.flags {
			c := completion{name: def.name, help: strings.ReplaceAll(def.help, "`", ""), value: def.arg != ""}
			// A line beside the flag has no room for the whole help.
			c.help, _, _ = strings.Cut(c.help, ": ")
			c.help, _, _ = strings.Cut(c.help, "; ")
			c.help, _, _ = strings.Cut(c.help, ". ")
			c.file = def.arg == "FILE"
			c.folder = def.arg == "DIR"
			switch v := def.value.(type) {
			case *choiceValue:
				c.choices = v.choices
			case *engineValue:
				c.choices = []string{engineRings, engineFile, engineVXLAN}
			case *levelValue:
				c.choices = []string{"0", "1", "2", "3"}
			}
			list = append(list, c)
		}
	}
	return list
}

func writeBash(w io.Writer, list []completion) {
	var flags, files, folders, free []string
	io.WriteString(w, "# bash completion for gor: source <(gor completion bash)\n_gor() {\n")
	io.WriteString(w, "\tlocal word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n\tCOMPREPLY=()\n")
	io.WriteString(w, "\tcase \"--${before#\"${before%%[!-]*}\"}\" in\n")
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

func writeZsh(w io.Writer, list []completion) {
	io.WriteString(w, "#compdef gor\n# zsh completion for gor: gor completion zsh > a file _gor in one of $fpath, or source <(gor completion zsh)\n_gor() {\n\t_arguments \\\n")
	quote := strings.NewReplacer("'", `'\''`, "[", `\[`, "]", `\]`, ":", `\:`)
	for _, c := range list {
		fmt.Fprintf(w, "\t\t'*--%s[%s]", c.name, quote.Replace(c.help))
		switch {
		case c.choices != nil:
			fmt.Fprintf(w, ":value:(%s)", strings.Join(c.choices, " "))
		case c.file:
			io.WriteString(w, ":file:_files")
		case c.folder:
			io.WriteString(w, ":folder:_files -/")
		case c.value:
			io.WriteString(w, ":value: ")
		}
		io.WriteString(w, "' \\\n")
	}
	io.WriteString(w, "\t\t&& return 0\n}\nif [ \"$funcstack[1]\" = _gor ]; then _gor \"$@\"; else compdef _gor gor; fi\n")
}

func writeFish(w io.Writer, list []completion) {
	io.WriteString(w, "# fish completion for gor: gor completion fish | source\ncomplete -c gor -f\n")
	quote := strings.NewReplacer(`\`, `\\`, "'", `\'`)
	for _, c := range list {
		fmt.Fprintf(w, "complete -c gor -l %s -d '%s'", c.name, quote.Replace(c.help))
		switch {
		case c.choices != nil:
			fmt.Fprintf(w, " -x -a '%s'", strings.Join(c.choices, " "))
		case c.file:
			io.WriteString(w, " -r -F")
		case c.folder:
			io.WriteString(w, " -x -a '(__fish_complete_directories)'")
		case c.value:
			io.WriteString(w, " -x")
		}
		io.WriteString(w, "\n")
	}
}
