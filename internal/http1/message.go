package http1

import "bytes"

// What a message keeps for the next one is bounded, as there may be one for
// each of hundreds of connections: room for more fields than any browser
// sends, and for the edits of an ordinary head. Both together are 13 KB.
const (
	keepFields = 128
	keepText   = 8 << 10
)

// message is the index of one head and the edits of it. Offsets of type int32
// are relative to msg[lead:], where a head is shorter than MaxHead.
type message struct {
	msg    []byte
	lead   int // bytes of empty lines before the head
	blank  int // offset of the empty line at the end of the head, from lead
	body   int // offset of the body, from lead
	fields []field
	text   []byte // names and values that are not in msg
	start  edit   // the part of the start line that is replaced
	edited bool
	bareLF bool    // the start line ends in LF alone
	names  nameSet // of the fields, deleted ones too
}

// field is one header line with what folds into it. A line without a name has
// nameEnd equal to start.
type field struct {
	start, nameEnd  int32
	value, valueEnd int32 // trimmed; not trimmed at its end when folded
	end             int32 // after the line end
	folded          bool
	how             change
	inText          bool // the value is text[from:to]
	from, to        int32
	nameFrom        int32 // of an added field, whose name is text[nameFrom:from]
}

type change uint8

const (
	kept change = iota
	set
	added
	deleted
)

// edit is the replacement of msg[from:to].
type edit struct {
	from, to int
	text     []byte
}

// startLine begins the index of msg, and returns its start line without line
// end and the offset after it.
func (m *message) startLine(msg []byte) (line []byte, pos int, err *Error) {
	m.reset(msg)
	for m.lead < len(msg) && (msg[m.lead] == '\r' || msg[m.lead] == '\n') {
		m.lead++
	}
	head := m.window()
	i := bytes.IndexByte(head, '\n')
	if i < 0 {
		return nil, 0, unfinished(head)
	}
	m.bareLF = head[i-1] != '\r'
	return cutCR(head[:i]), i + 1, nil
}

// index reads the fields of the head from offset pos on.
func (m *message) index(pos int) *Error {
	head := m.window()
	for {
		empty := emptyLine(head[pos:])
		if empty < 0 {
			return unfinished(head)
		}
		if empty > 0 {
			m.blank, m.body = pos, pos+empty
			return nil
		}
		if len(m.fields) == MaxFields {
			return errManyFields
		}
		next, lines, _ := fieldLine(head, pos)
		if next < 0 {
			return unfinished(head)
		}
		f := indexField(head, pos, next, lines > 1)
		m.fields = append(m.fields, f)
		m.names |= bitOf(head[f.start:f.nameEnd])
		pos = next
	}
}

// addPlain appends the field line msg[pos:end], which is neither folded nor
// without a name, and whose colon is at colon.
func (m *message) addPlain(pos, colon, end int) {
	value, valueEnd := colon+1, end
	for value < valueEnd && isBlank(m.msg[value]) {
		value++
	}
	for valueEnd > value && isBlank(m.msg[valueEnd-1]) {
		valueEnd--
	}
	m.fields = append(m.fields, field{
		start: int32(pos), nameEnd: int32(colon), value: int32(value), valueEnd: int32(valueEnd), end: int32(end + 2),
	})
	m.names |= bitOf(m.msg[pos:colon])
}

// window is where the head may lie.
func (m *message) window() []byte {
	head := m.msg[m.lead:]
	return head[:min(len(head), MaxHead)]
}

func unfinished(head []byte) *Error {
	if len(head) == MaxHead {
		return errHeadTooLarge
	}
	return errIncompleteHead
}

func (m *message) reset(msg []byte) {
	fields, text := m.fields[:0], m.text[:0]
	if cap(fields) > keepFields {
		fields = nil
	}
	if cap(text) > keepText {
		text = nil
	}
	*m = message{msg: msg, fields: fields, text: text}
}

// indexField finds the parts of the header line head[pos:next].
func indexField(head []byte, pos, next int, folded bool) field {
	f := field{start: int32(pos), nameEnd: int32(pos), end: int32(next), folded: folded}
	line := cutCR(head[pos : next-1])
	f.valueEnd = int32(pos + len(line))
	f.value = f.valueEnd
	colon := bytes.IndexByte(line, ':')
	if colon <= 0 || isBlank(line[0]) || folded && bytes.IndexByte(line[:colon], '\n') >= 0 {
		return f
	}
	name := colon
	for isBlank(line[name-1]) {
		name--
	}
	f.nameEnd += int32(name)
	value := colon + 1
	for value < len(line) && isBlank(line[value]) {
		value++
	}
	f.value = int32(pos + value)
	if !folded {
		for f.valueEnd > f.value && isSpace(head[f.valueEnd-1]) {
			f.valueEnd--
		}
	}
	return f
}

// name returns the name of f, empty for a line that has none.
func (m *message) name(f *field) []byte {
	if f.how == added {
		return m.text[f.nameFrom:f.from]
	}
	return m.msg[m.lead+int(f.start) : m.lead+int(f.nameEnd)]
}

// valueOf returns the value of f, and makes it one line when it is folded:
// each line break with the blanks around it becomes a space (RFC 9112 section
// 5.2).
func (m *message) valueOf(f *field) []byte {
	if !f.inText {
		raw := m.msg[m.lead+int(f.value) : m.lead+int(f.valueEnd)]
		if !f.folded {
			return raw
		}
		f.from = int32(len(m.text))
		for {
			var line []byte
			var more bool
			line, raw, more = bytes.Cut(raw, []byte{'\n'})
			line = trim(line)
			if len(line) > 0 && len(m.text) > int(f.from) {
				m.text = append(m.text, ' ')
			}
			m.text = append(m.text, line...)
			if !more {
				break
			}
		}
		f.inText, f.to = true, int32(len(m.text))
	}
	return m.text[f.from:f.to:f.to]
}

// find returns the first field of that name at or after i, or -1.
func (m *message) find(name string, i int) int {
	if m.names&bitOf(name) == 0 {
		return -1
	}
	for ; i < len(m.fields); i++ {
		f := &m.fields[i]
		if f.how == deleted {
			continue
		}
		if f.how != added && int(f.nameEnd-f.start) != len(name) {
			continue
		}
		if equalFold(m.name(f), name) && name != "" {
			return i
		}
	}
	return -1
}

// Header returns the value of the first header of that name, without regard
// to case, and whether there is one. The value is trimmed, and a folded one
// is made one line. It is valid until the next Parse, or until the caller
// changes the message that was parsed, and must not be changed.
func (m *message) Header(name string) (value []byte, ok bool) {
	i := m.find(name, 0)
	if i < 0 {
		return nil, false
	}
	return m.valueOf(&m.fields[i]), true
}

// Headers calls yield with the name and value of each header, edits included,
// in order, until it returns false. Values are as Header gives them.
func (m *message) Headers(yield func(name, value []byte) bool) {
	for i := range m.fields {
		f := &m.fields[i]
		if f.how == deleted || f.how != added && f.nameEnd == f.start {
			continue
		}
		if !yield(m.name(f), m.valueOf(f)) {
			return
		}
	}
}

// EachHeader calls yield with the value of each header of that name, in order,
// until it returns false. Values are as Header gives them.
func (m *message) EachHeader(name string, yield func(value []byte) bool) {
	for i := m.find(name, 0); i >= 0; i = m.find(name, i+1) {
		if !yield(m.valueOf(&m.fields[i])) {
			return
		}
	}
}

// Body returns what follows the head. It is part of the message that was
// parsed.
func (m *message) Body() []byte { return m.msg[m.lead+m.body:] }

// AppendTo appends the message with the edits to dst and returns the extended
// slice. All other bytes are as they were. dst must not overlap the message
// that was parsed.
func (m *message) AppendTo(dst []byte) []byte { return m.appendUpTo(dst, len(m.msg)-m.lead) }

// AppendHead is AppendTo without the body: for one that is too long to copy.
func (m *message) AppendHead(dst []byte) []byte { return m.appendUpTo(dst, m.body) }

// appendUpTo appends the message with the edits up to end, an index behind
// the lead that lies behind all fields.
func (m *message) appendUpTo(dst []byte, end int) []byte {
	if !m.edited {
		return append(dst, m.msg[:m.lead+end]...)
	}
	dst = append(dst, m.msg[:m.lead]...)
	msg := m.msg[m.lead:]
	pos := 0
	if m.start.text != nil {
		dst = append(dst, msg[:m.start.from]...)
		dst = append(dst, m.start.text...)
		pos = m.start.to
	}
	for i := range m.fields {
		f := &m.fields[i]
		switch f.how {
		case set:
			dst = append(dst, msg[pos:f.value]...)
			dst = append(dst, m.text[f.from:f.to]...)
			pos = int(f.valueEnd)
		case deleted:
			dst = append(dst, msg[pos:f.start]...)
			pos = int(f.end)
		case added:
			dst = append(dst, msg[pos:m.blank]...)
			pos = m.blank
			dst = append(dst, m.text[f.nameFrom:f.from]...)
			dst = append(dst, ": "...)
			dst = append(dst, m.text[f.from:f.to]...)
			if m.bareLF {
				dst = append(dst, '\n')
			} else {
				dst = append(dst, "\r\n"...)
			}
		}
	}
	return append(dst, msg[pos:end]...)
}
