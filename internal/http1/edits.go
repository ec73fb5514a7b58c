package http1

import "slices"

// SetHeader replaces the value of the first header of that name in place,
// where its name keeps its spelling and its line the spacing and line end; a
// folded value is replaced whole. When there is none, the header is added at
// the end of the head. It returns an *Error and changes nothing when name or
// value could not stand in a head.
func (m *message) SetHeader(name, value string) error {
	_, err := setHeader(m, name, value)
	return err
}

// SetHeaderBytes is SetHeader for a value that is not a string. It copies value.
func (m *message) SetHeaderBytes(name string, value []byte) error {
	_, err := setHeader(m, name, value)
	return err
}

// SetOnlyHeader is SetHeader that also removes all other headers of that name: a
// reader that takes the last of several sees what was set too.
func (m *message) SetOnlyHeader(name, value string) error {
	i, err := setHeader(m, name, value)
	if err != nil {
		return err
	}
	for i = m.find(name, i+1); i >= 0; i = m.find(name, i) {
		m.remove(i)
	}
	return nil
}

// setHeader returns which field it has set.
func setHeader[T string | []byte](m *message, name string, value T) (i int, err error) {
	switch {
	case !ValidHeaderName(name):
		return -1, errFieldName
	case !ValidHeaderValue(value):
		return -1, errFieldValue
	}
	i = m.find(name, 0)
	if i < 0 {
		i = len(m.fields)
		m.fields = append(m.fields, field{how: added, nameFrom: int32(len(m.text))})
		m.names |= bitOf(name)
		m.text = append(m.text, name...)
		m.fields[i].from = int32(len(m.text))
	}
	setValue(m, i, value)
	return i, nil
}

// setValue replaces the value of field i by one that may stand in a head.
func setValue[T string | []byte](m *message, i int, value T) {
	f := &m.fields[i]
	if f.how == added {
		// Name and value of an added field lie side by side.
		from := int32(len(m.text))
		m.text = append(m.text, m.text[f.nameFrom:f.from]...)
		f.nameFrom = from
	} else {
		f.how = set
	}
	f.inText, f.from = true, int32(len(m.text))
	m.text = append(m.text, value...)
	f.to = int32(len(m.text))
	m.edited = true
}

// A HeaderEdit is what becomes of one header.
type HeaderEdit uint8

// The edits of EditHeaders.
const (
	KeepHeader HeaderEdit = iota
	ReplaceHeader
	RemoveHeader
)

// EditHeaders calls edit with the value of each header of that name, in order,
// and does what it says; with ReplaceHeader the header gets a copy of what it
// returns, in place, as SetHeader would. edit must neither keep nor change value. A
// replacement that could not stand in a head is not made, and the error says so;
// the others are.
func (m *message) EditHeaders(name string, edit func(value []byte) ([]byte, HeaderEdit)) error {
	var failed error
	for i := m.find(name, 0); i >= 0; i = m.find(name, i) {
		value, how := edit(m.valueOf(&m.fields[i]))
		switch {
		case how == RemoveHeader:
			m.remove(i)
			continue // what was next may be at i
		case how == KeepHeader:
		case !ValidHeaderValue(value):
			failed = errFieldValue
		default:
			setValue(m, i, value)
		}
		i++
	}
	return failed
}

// remove takes field i out.
func (m *message) remove(i int) {
	if m.fields[i].how == added {
		m.fields = slices.Delete(m.fields, i, i+1)
	} else {
		m.fields[i].how = deleted
	}
	m.edited = true
}

// DelHeader removes all headers of that name.
func (m *message) DelHeader(name string) {
	for i := m.find(name, 0); i >= 0; i = m.find(name, i) {
		m.remove(i)
	}
}

// Changed reports whether there was an edit since Parse.
func (m *message) Changed() bool { return m.edited }
