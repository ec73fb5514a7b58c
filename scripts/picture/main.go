// Picture draws what a terminal would show of its stdin, as an SVG on stdout:
// make demo-picture.
package main

import (
	"bufio"
	"fmt"
	"html"
	"io"
	"os"
	"strings"
	"unicode/utf8"
)

// A character of the font is cellWidth wide in every browser: each line is told
// how long it has to be.
const (
	cellWidth, lineHeight, margin, fontSize = 7.8, 17, 14, 13

	background, plain, step, command, ledger = "#0d1117", "#c9d1d9", "#f0f6fc", "#7ee787", "#8b949e"
)

func main() {
	if err := draw(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "picture:", err)
		os.Exit(1)
	}
}

func draw(r io.Reader, w io.Writer) error {
	var lines []string
	columns := 0
	in := bufio.NewScanner(r)
	for in.Scan() {
		line := strings.TrimRight(in.Text(), " ")
		lines = append(lines, line)
		columns = max(columns, utf8.RuneCountInString(line))
	}
	if err := in.Err(); err != nil {
		return err
	}
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %d" font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace" font-size="%d">`+"\n",
		2*margin+float64(columns)*cellWidth, 2*margin+len(lines)*lineHeight, fontSize)
	fmt.Fprintf(out, `<rect width="100%%" height="100%%" rx="8" fill="%s"/>`+"\n", background)
	for i, line := range lines {
		text := strings.TrimLeft(line, " ")
		if text == "" {
			continue
		}
		indent := len(line) - len(text)
		fmt.Fprintf(out, `<text x="%.1f" y="%d" fill="%s" textLength="%.1f" xml:space="preserve">%s</text>`+"\n",
			margin+float64(indent)*cellWidth, margin+(i+1)*lineHeight-4, colour(indent, text), float64(utf8.RuneCountInString(text))*cellWidth, html.EscapeString(text))
	}
	fmt.Fprintln(out, "</svg>")
	return out.Flush()
}

// colour tells the steps, the commands and Gor's own words apart.
func colour(indent int, text string) string {
	switch {
	case indent == 0:
		return step
	case strings.HasPrefix(text, "$ "):
		return command
	case indent > 3:
		return ledger
	}
	return plain
}
