package payload

import (
	"bytes"
	"fmt"
	"io"
)

// A Source gives the messages of one recording.
type Source interface {
	// Next returns the next message, "header LF payload" with four fields, or with a length and attributes
	// behind them. It belongs to the source and is valid until the next call; the caller may change it in
	// place. At the end it returns io.EOF.
	Next() ([]byte, error)
	// Damage returns what was skipped so far; after io.EOF it is final.
	Damage() Damage
	// Format names what the recording is: "text" or "gob", after "gzip " or "zstd " when compressed.
	Format() string
}

var (
	_ Source = (*Reader)(nil)
	_ Source = (*gobReader)(nil)
	_ Source = (*archive)(nil)
)

// gobSniff is how many bytes of a recording show the name that a gob stream begins with.
const gobSniff = 2*gobMaxUint + len(gobName)

// Open returns the messages of the recording in r, each of at most limit bytes, header line included; a limit
// of 0 or less means DefaultLimit. What the recording is, its content tells, not its name, which serves for
// errors. A recording of zero bytes is valid and has no messages. Open returns an error only when r does.
func Open(r io.Reader, name string, limit int) (Source, error) {
	limit = clampLimit(limit)
	w := newWindow(r, windowFor(limit))
	if err := w.ensure(magicSize); err != nil && err != io.EOF {
		return nil, fmt.Errorf("read recording %q: %w", name, err)
	}
	if c := compressionOf(w.bytes()); c != uncompressed {
		rest := io.MultiReader(bytes.NewReader(bytes.Clone(w.bytes())), r)
		return newArchive(rest, c, name, limit)
	}
	s, err := openPlain(w, limit)
	if err != nil {
		return nil, fmt.Errorf("read recording %q: %w", name, err)
	}
	return s, nil
}

// openPlain returns the messages of a recording that is not compressed.
func openPlain(w *window, limit int) (Source, error) {
	if err := w.ensure(gobSniff); err != nil && err != io.EOF {
		return nil, err
	}
	if isGob(w.bytes()) {
		return newGobReader(w, limit), nil
	}
	return newReader(w, limit), nil
}
