package formats

import "fmt"

// A NotRecordingError says that a name asks for another form than a recording's.
type NotRecordingError struct {
	Kind Kind
	Path string // the name without its prefix
}

func (e *NotRecordingError) Error() string {
	return fmt.Sprintf("writes recordings; record x.gor and convert it: gor convert x.gor -o %s", e.target())
}

// target is what gor convert has to be given to write it.
func (e *NotRecordingError) target() string {
	if e.Kind == Log {
		return "x.har" // no log is written
	}
	if kind, _, _ := Split(e.Path); kind == e.Kind {
		return e.Path
	}
	for prefix, kind := range prefixes() {
		if kind == e.Kind {
			return prefix + ":" + e.Path
		}
	}
	return e.Path
}

// RecordingPath returns the name of a file that messages are appended to, without
// the prefix gor:. One that asks for another form is a *NotRecordingError. A suffix
// that is a log's asks for nothing: there is no form of logs to write, and readers
// know a recording of such a name by what it holds.
func RecordingPath(name string) (string, error) {
	kind, path, certain := Split(name)
	switch {
	case kind == Recording, kind == Log && !certain:
		return path, nil
	case path == "":
		path = "x"
	}
	return path, &NotRecordingError{kind, path}
}
