package http1

import "bytes"

// lineState says where in a line a scan for the empty line stopped.
type lineState uint8

const (
	lineStart lineState = iota // no byte of the line seen
	lineCR                     // a CR at the start of the line
	lineIn                     // a line that is not empty
)

// blankLine looks for the empty line that ends a head or trailer, CR LF or LF
// at the start of a line, and returns the index after it, or -1 and where the
// scan stopped.
func blankLine(b []byte, st lineState) (int, lineState) {
	pos := 0
	for pos < len(b) {
		switch {
		case st == lineIn:
			i := bytes.IndexByte(b[pos:], '\n')
			if i < 0 {
				return -1, lineIn
			}
			pos += i + 1
			st = lineStart
		case b[pos] == '\n':
			return pos + 1, lineStart
		case st == lineStart && b[pos] == '\r':
			pos++
			st = lineCR
		default:
			st = lineIn
		}
	}
	return -1, st
}

// lineEnd is the state in which b, which holds no empty line, ends.
func lineEnd(b []byte) lineState {
	switch last := bytes.LastIndexByte(b, '\n'); {
	case last < 0:
		return lineIn
	case last == len(b)-1:
		return lineStart
	case last == len(b)-2 && b[len(b)-1] == '\r':
		return lineCR
	}
	return lineIn
}

// cutCR cuts the CR that belongs to the line end off a line that was cut at
// LF.
func cutCR(line []byte) []byte {
	if n := len(line); n > 0 && line[n-1] == '\r' {
		return line[:n-1]
	}
	return line
}

// fieldLine finds the end of the header line, or of the several lines of a
// folded one, that starts at pos in b. It returns the index after it, how many
// lines it takes, and how many of those end in LF without CR. Whether a line
// is folded shows in the byte after it: next is -1 when b ends before that.
func fieldLine(b []byte, pos int) (next, lines, bare int) {
	for {
		i := bytes.IndexByte(b[pos:], '\n')
		if i < 0 || pos+i+1 == len(b) {
			return -1, lines, bare
		}
		pos += i
		lines++
		if b[pos-1] != '\r' {
			bare++
		}
		pos++
		if !isBlank(b[pos]) {
			return pos, lines, bare
		}
	}
}

// emptyLine returns the length of the empty line that b begins with, 0 when
// it begins with another, -1 when b is too short to tell.
func emptyLine(b []byte) int {
	switch {
	case len(b) == 0:
		return -1
	case b[0] == '\n':
		return 1
	case b[0] != '\r':
		return 0
	case len(b) == 1:
		return -1
	case b[1] == '\n':
		return 2
	}
	return 0
}
