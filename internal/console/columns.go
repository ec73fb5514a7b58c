package console

import (
	"os"

	"golang.org/x/term"
)

// Columns is how wide the terminal is that f is, 0 when it is none.
func Columns(f *os.File) int {
	if !term.IsTerminal(int(f.Fd())) {
		return 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return width
}
