package curl

import "bytes"

// isCmd reports whether the first line of a command is for cmd.exe, as browsers copy
// it for Windows: it goes on after a caret, or has one before the first quote.
func isCmd(line []byte) bool {
	if bytes.HasSuffix(line, []byte(" ^")) {
		return true
	}
	_, behind, ok := bytes.Cut(line, []byte{' '})
	return ok && bytes.HasPrefix(behind, []byte(`^"`))
}

// splitCmd takes a command for cmd.exe apart: first the carets, which make the next
// character stand for itself, then quotes and backslashes as the C library of Windows
// reads them. open means that a quote is not closed.
func splitCmd(text []byte) (words []string, open bool) {
	var plain []byte
	for i := 0; i < len(text); i++ {
		if text[i] != '^' {
			plain = append(plain, text[i])
			continue
		}
		if i++; i < len(text) && text[i] == '\n' { // the line goes on; an empty one is a line end
			if i++; i < len(text) && text[i] == '\n' {
				plain = append(plain, '\n')
			} else {
				i--
			}
			continue
		}
		if i < len(text) {
			plain = append(plain, text[i])
		}
	}
	plain = bytes.TrimSpace(plain)
	plain = bytes.TrimSpace(bytes.TrimSuffix(plain, []byte("&"))) // between two commands
	var word []byte
	begun, quoted := false, false
	for i := 0; i < len(plain); i++ {
		switch c := plain[i]; {
		case c == '\\':
			n := i
			for n < len(plain) && plain[n] == '\\' {
				n++
			}
			count := n - i
			begun = true
			if n == len(plain) || plain[n] != '"' {
				word = append(word, plain[i:n]...)
				i = n - 1
				continue
			}
			word = append(word, bytes.Repeat([]byte{'\\'}, count/2)...)
			if i = n - 1; count%2 == 1 {
				word = append(word, '"')
				i = n
			}
		case c == '"':
			begun, quoted = true, !quoted
		case !quoted && (c == ' ' || c == '\t' || c == '\n'):
			if begun {
				words = append(words, string(word))
			}
			word, begun = word[:0], false
		default:
			word, begun = append(word, c), true
		}
	}
	if begun {
		words = append(words, string(word))
	}
	return words, quoted
}
