package payload

import (
	"bytes"
	"encoding/hex"
)

// Keys of the attributes that are known here. What a value means stands in docs/recordings.md.
const (
	AttrTarget   = "t"  // type 3: label of the target that answered
	AttrError    = "e"  // type 3: there was no answer, and why; the payload is empty
	AttrOrigin   = "o"  // types 1 and 2: built from something else than packets
	AttrClient   = "a"  // type 1: the client's address and port
	AttrSecurity = "s"  // types 1 and 2: how TLS was decrypted; reserved
	AttrVersion  = "v"  // the protocol that the message was carried by; reserved
	AttrStream   = "x"  // its stream; reserved
	AttrScheme   = "sc" // its scheme; reserved
	AttrRedacted = "r"  // id of the redaction key; reserved
)

// maxKey bounds an attribute's key, in bytes.
const maxKey = 8

// knownAttribute reports whether key is one of those above.
func knownAttribute(key []byte) bool {
	switch string(key) {
	case AttrTarget, AttrError, AttrOrigin, AttrClient, AttrSecurity, AttrVersion, AttrStream, AttrScheme, AttrRedacted:
		return true
	}
	return false
}

// cutField splits the first field off list, which is as Meta.Attributes. The field is empty when there is none.
// Both refer to list.
func cutField(list []byte) (field, rest []byte) {
	field, rest, _ = bytes.Cut(bytes.TrimLeft(list, " "), []byte{' '})
	return field, rest
}

// keyOf returns what is before the "=" of a field, all of it when there is none.
func keyOf(field []byte) []byte {
	key, _, _ := bytes.Cut(field, []byte{'='})
	return key
}

// Attribute returns the value of an attribute as it stands in the header; [Unescape] gives what it stands for.
// ok is false when there is none of that key. Of two with one key the first counts. The result refers to m.
func (m *Meta) Attribute(key string) (value []byte, ok bool) {
	for field, rest := cutField(m.Attributes); len(field) > 0; field, rest = cutField(rest) {
		if k, value, ok := bytes.Cut(field, []byte{'='}); ok && string(k) == key {
			return value, true
		}
	}
	return nil, false
}

// Attribute returns the value of an attribute in the header of msg as Meta.Attribute does. The result refers
// to msg.
func Attribute(msg []byte, key string) (value []byte, ok bool) {
	m := Meta{Attributes: attributesOf(msg)}
	return m.Attribute(key)
}

// attributesOf returns what is behind the length in the header of msg. Most messages have nothing there, which
// is found without reading the header.
func attributesOf(msg []byte) []byte {
	i := bytes.IndexByte(msg[:min(len(msg), maxHeader)], '\n')
	if i < 0 || bytes.IndexByte(msg[:i], '=') < 0 {
		return nil
	}
	m, _, _ := parseMeta(msg[:i])
	return m.Attributes
}

// Newer reports whether the header has a type or an attribute that is not known here, as a later version of
// Gor may write it. Such a record is intact. A reader leaves out the types that it does not know, and passes on
// the attributes.
func (m *Meta) Newer() bool {
	if m.newerType() {
		return true
	}
	for field, rest := cutField(m.Attributes); len(field) > 0; field, rest = cutField(rest) {
		if !knownAttribute(keyOf(field)) {
			return true
		}
	}
	return false
}

func (m *Meta) newerType() bool { return m.Type > ReplayResponse }

// AppendAttribute appends an attribute to dst, which is as Meta.Attributes or empty. The value is escaped. A
// key that is not one to eight lower-case letters panics: it is a constant of the caller's. What does not fit
// in a header line, AppendMeta leaves out.
func AppendAttribute(dst []byte, key, value string) []byte {
	if !isKey(key) {
		panic("payload: attribute key " + key)
	}
	if len(dst) > 0 {
		dst = append(dst, ' ')
	}
	dst = append(dst, key...)
	dst = append(dst, '=')
	return AppendEscaped(dst, value)
}

func isKey(key string) bool {
	for i := range len(key) {
		if key[i] < 'a' || key[i] > 'z' {
			return false
		}
	}
	return len(key) >= 1 && len(key) <= maxKey
}

// AppendEscaped appends an attribute's value in the form that it has in a header: everything below 0x21, and
// "%", as "%" and two upper-case hexadecimal digits.
func AppendEscaped(dst []byte, value string) []byte {
	const digits = "0123456789ABCDEF"
	for i := range len(value) {
		if c := value[i]; c <= ' ' || c == '%' {
			dst = append(dst, '%', digits[c>>4], digits[c&0xF])
		} else {
			dst = append(dst, c)
		}
	}
	return dst
}

// Unescape appends what an attribute's value stands for. A "%" without two hexadecimal digits is itself.
func Unescape(dst, value []byte) []byte {
	for i := 0; i < len(value); i++ {
		c := value[i]
		if c == '%' && i+2 < len(value) {
			var b [1]byte
			if _, err := hex.Decode(b[:], value[i+1:i+3]); err == nil {
				c = b[0]
				i += 2
			}
		}
		dst = append(dst, c)
	}
	return dst
}

// appendAttributes appends to a header line that begins at start as many attributes of list as it has room for.
func appendAttributes(dst []byte, start int, list []byte) []byte {
	for field, rest := cutField(list); len(field) > 0; field, rest = cutField(rest) {
		if len(dst)-start+1+len(field) <= maxLine {
			dst = append(dst, ' ')
			dst = append(dst, field...)
		}
	}
	return dst
}
