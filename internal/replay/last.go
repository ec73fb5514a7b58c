package replay

import (
	"bytes"
	"io"
	"os"

	"github.com/buger/gor/internal/payload"
)

const (
	// wholeMost is the size of a recording that is read as a whole to find its
	// last record: a tenth of a second, if it is compressed.
	wholeMost = 4 << 20

	// tailFirst and tailMost bound how much is read of the end of a larger one.
	// In a plain recording the last record lies in it, unless it is larger; of
	// a compressed one the last member or frame that was flushed.
	tailFirst = 256 << 10
	tailMost  = 16 << 20

	// memberMost bounds the places where a member or frame may begin. What is
	// compressed has such bytes by chance every 16 MB.
	memberMost = 64

	// unpackedMost bounds what is looked at of messages.
	unpackedMost = 1 << 30
)

// lastTime returns the latest time among the last records of a regular file, in
// ns since 1970, and false when that would cost too much.
func lastTime(name string, limit int) (int64, bool) {
	f, err := os.Open(name)
	if err != nil {
		return 0, false
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, false
	}
	size := info.Size()
	if size <= wholeMost {
		return latest(f, limit)
	}
	src, err := payload.Open(io.NewSectionReader(f, 0, size), name, limit)
	if err != nil {
		return 0, false
	}
	begins := []byte(nil)
	switch src.Format() {
	case "text":
	case "gzip text":
		begins = []byte("\x1f\x8b\x08") // RFC 1952 section 2.3.1
	case "zstd text":
		begins = []byte("\x28\xb5\x2f\xfd") // RFC 8878 section 3.1.1
	default:
		return 0, false // gob cannot be read from its middle
	}
	for n := int64(tailFirst); ; n *= 4 {
		n = min(n, size)
		tail := make([]byte, n)
		if _, err := f.ReadAt(tail, size-n); err != nil {
			return 0, false
		}
		at, ok := int64(0), false
		if begins == nil {
			at, ok = lastOfText(tail, limit)
		} else {
			at, ok = lastOfMembers(tail, begins, limit)
		}
		if ok || n == size || 4*n > tailMost {
			return at, ok
		}
	}
}

// lastOfText reads a plain recording from its first separator on.
func lastOfText(tail []byte, limit int) (int64, bool) {
	i := bytes.Index(tail, []byte(payload.Separator))
	if i < 0 {
		return 0, false
	}
	return latest(bytes.NewReader(tail[i+len(payload.Separator):]), limit)
}

// lastOfMembers looks for the last place from which records can be read to the
// end.
func lastOfMembers(tail, begins []byte, limit int) (int64, bool) {
	end := len(tail)
	for range memberMost {
		i := bytes.LastIndex(tail[:end], begins)
		if i < 0 {
			return 0, false
		}
		if at, ok := latest(bytes.NewReader(tail[i:]), limit); ok {
			return at, true
		}
		end = i
	}
	return 0, false
}

// latest returns the latest time of a recording's records, and false when there
// are none.
func latest(r io.Reader, limit int) (at int64, ok bool) {
	src, err := payload.Open(r, "", limit)
	if err != nil {
		return 0, false
	}
	for unpacked := 0; ; {
		msg, err := src.Next()
		if err != nil {
			return at, ok && err == io.EOF
		}
		unpacked += len(msg)
		if unpacked > unpackedMost {
			return 0, false
		}
		if meta, _, err := payload.Split(msg); err == nil && (!ok || meta.Time > at) {
			at, ok = meta.Time, true
		}
	}
}
