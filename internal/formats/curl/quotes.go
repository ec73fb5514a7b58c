package curl

// Quotes follow the quoting of a command line by line, so that a body of many lines is
// read once, and not with each line again: a parser of the shell cannot go on where a
// text was cut. They know what quotes are and nothing else.
type quotes struct {
	windows  bool // as cmd.exe and the C library of Windows read them, not as a shell
	quote    byte // what closes the quote that is open; 0: none is
	escapes  bool // a backslash in it goes before a character
	escaped  bool // the next character stands for itself
	dollar   bool // the last character was a $ that stood for itself
	inWord   bool // the last character was part of a word; a # is too
	less     bool // the last character was <
	comment  bool // until the end of the line
	strange  bool // there was something in which quotes follow other rules
	caretted bool // windows: the last character was a caret
	slashes  int  // windows: backslashes just before
}

// add goes on with text, which is whole lines.
func (q *quotes) add(text []byte) {
	for _, c := range text {
		if q.windows {
			q.addWindows(c)
		} else {
			q.addShell(c)
		}
	}
}

// open reports whether a quote is surely open behind what was added.
func (q *quotes) open() bool { return q.quote != 0 && !q.strange }

func (q *quotes) addShell(c byte) {
	dollar, less, inWord := q.dollar, q.less, q.inWord
	q.dollar, q.less = false, false
	switch {
	case q.comment:
		q.comment = c != '\n'
		q.inWord = q.comment
	case q.escaped:
		// A line that goes on ends no word.
		q.escaped = false
		q.inWord = q.inWord || c != '\n'
	case c == '\\' && (q.quote == 0 || q.escapes):
		q.escaped = true
	case q.quote != 0:
		switch {
		case c == q.quote:
			q.quote = 0
		case q.quote == '"':
			q.strange = q.strange || c == '`' || dollar && (c == '(' || c == '{' || c == '[')
			q.dollar = c == '$'
		}
	case c == '\'':
		q.quote, q.escapes, q.inWord = c, dollar, true
	case c == '"':
		q.quote, q.escapes, q.inWord = c, true, true
	case c == '#' && !inWord:
		q.comment = true
	case c == 0, c == '`', c == '(', c == ')', c == '<' && less, dollar && (c == '{' || c == '['):
		q.strange = true
	default:
		q.dollar, q.less = c == '$', c == '<'
		q.inWord = c != ' ' && c != '\t' && c != '\n' && c != '\r' && c != ';' && c != '&' && c != '|' && c != '<' && c != '>'
	}
}

func (q *quotes) addWindows(c byte) {
	switch {
	case c == '^' && !q.caretted:
		q.caretted = true
		return
	case c == '\n' && q.caretted: // the line goes on
	case c == '\\':
		q.slashes++
	case c == '"' && q.slashes%2 == 0:
		q.quote ^= '"'
		fallthrough
	default:
		q.slashes = 0
	}
	q.caretted = false
}
