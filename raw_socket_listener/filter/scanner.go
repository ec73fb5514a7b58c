package filter

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A token is a word or a sign of an expression.
type token struct {
	kind  tokenKind
	text  string // as it was written, for wordEscaped without the backslash
	match int    // of an opening parenthesis: the index of the one that closes it
}

type tokenKind uint8

const (
	tokenEnd         tokenKind = iota // behind the last
	tokenSign                         // one of signs
	tokenWord                         // a keyword, name, number or address
	tokenWordEscaped                  // a word that is a name although it looks like a keyword
)

// signs are all signs, the longer ones before those that begin like them.
var signs = [...]string{"&&", "||", "<<", ">>", "<=", ">=", "!=", "==", "(", ")", "[", "]", ":", "/", "+", "-", "*", "%", "&", "|", "^", "<", ">", "=", "!"}

// is reports whether the token is this sign or this keyword.
func (t token) is(text string) bool {
	return t.text == text && (t.kind == tokenSign || t.kind == tokenWord)
}

func (t token) isAny(texts ...string) bool {
	return (t.kind == tokenSign || t.kind == tokenWord) && slices.Contains(texts, t.text)
}

// isNumber says that the token is a number, or a constant that has a name.
func (t token) isNumber() bool {
	if t.kind != tokenWord {
		return false
	}
	_, named := constant(t.text)
	return named || isNumeral(t.text)
}

func isNumeral(word string) bool {
	digits, all := word, "0123456789"
	if len(word) > 2 && (word[:2] == "0x" || word[:2] == "0X") {
		digits, all = word[2:], "0123456789abcdefABCDEF"
	}
	return digits != "" && strings.Trim(digits, all) == ""
}

// number reads the value of a token that is one. libpcap takes a leading zero
// for octal, which nobody means.
func (t token) number() (uint32, error) {
	if n, named := constant(t.text); named {
		return n, nil
	}
	if len(t.text) > 1 && t.text[0] == '0' && t.text[1] >= '0' && t.text[1] <= '9' {
		return 0, fmt.Errorf("%q begins with a zero: write it without", t.text)
	}
	n, err := strconv.ParseUint(t.text, 0, 32)
	if err != nil {
		return 0, fmt.Errorf("%q is more than 32 bits hold", t.text)
	}
	return uint32(n), nil
}

// scan divides an expression into tokens; the last is tokenEnd.
func scan(text string) ([]token, error) {
	var list []token
	var open []int // the parentheses and brackets that are not closed
	brackets := 0
	for {
		text = strings.TrimLeft(text, " \t\r\n")
		if text == "" {
			break
		}
		t, n, err := scanToken(text, brackets > 0)
		if err != nil {
			return nil, err
		}
		text = text[n:]
		switch {
		case t.kind != tokenSign:
		case t.text == "(", t.text == "[":
			open = append(open, len(list))
			if t.text == "[" {
				brackets++
			}
		case t.text == ")", t.text == "]":
			opener := map[string]string{")": "(", "]": "["}[t.text]
			if len(open) == 0 || !list[open[len(open)-1]].is(opener) {
				return nil, fmt.Errorf("%q has no %q before it", t.text, opener)
			}
			list[open[len(open)-1]].match = len(list)
			open = open[:len(open)-1]
			if t.text == "]" {
				brackets--
			}
		}
		list = append(list, t)
	}
	if len(open) > 0 {
		return nil, fmt.Errorf("%q is not closed", list[open[len(open)-1]].text)
	}
	return append(list, token{kind: tokenEnd}), nil
}

// scanToken reads the token that text begins with, and says how long it is.
// Within brackets a colon is a sign, elsewhere a part of an IPv6 address.
func scanToken(text string, bracket bool) (t token, n int, err error) {
	if text[0] == '\\' {
		word := scanWord(text[1:], bracket)
		if word == "" {
			return t, 0, fmt.Errorf("%q escapes no word", `\`)
		}
		return token{kind: tokenWordEscaped, text: word}, 1 + len(word), nil
	}
	if word := scanWord(text, bracket); word != "" {
		return token{kind: tokenWord, text: word}, len(word), nil
	}
	for _, s := range signs {
		if strings.HasPrefix(text, s) {
			return token{kind: tokenSign, text: s}, len(s), nil
		}
	}
	_, n = utf8.DecodeRuneInString(text)
	return t, 0, fmt.Errorf("%q is not part of an expression", text[:n])
}

// scanWord gives the word that text begins with, if it does. A word does not
// end with a dash, which is a minus then.
func scanWord(text string, bracket bool) string {
	n := 0
	for n < len(text) {
		c := text[n]
		alnum := c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !alnum && !(c == ':' && !bracket) && !(n > 0 && (c == '.' || c == '-' || c == '_')) {
			break
		}
		n++
	}
	return strings.TrimRight(text[:n], "-_")
}
