package recording

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/buger/gor/internal/disk"
)

// chunkLimits say when a recording goes on in the next file. The zero value is
// one file for each name.
type chunkLimits struct {
	records int // 0: no limit
	bytes   int // in the file; 0: no limit
}

func (c chunkLimits) any() bool { return c != chunkLimits{} }

// full reports whether the chunk of t has no room for a record of that size
// beside what it holds and what waits to be written to it. A record that is too
// large for any chunk has one to itself.
func (c chunkLimits) full(t *target, size int) bool {
	count, bytes := len(t.held), int64(t.size()+size)
	if t.file != nil {
		count, bytes = count+t.file.count, bytes+t.file.size
	}
	return count > 0 && (c.records > 0 && count >= c.records ||
		c.bytes > 0 && bytes > int64(c.bytes) && t.exact())
}

// exact reports whether the records that t holds back are what its file will get.
func (t *target) exact() bool { return t.form == nil && packingOf(t.name) == packNone }

// enough reports whether what waits for a chunk that is compressed or no recording,
// and a record of that size, could fill one alone. Only once they are compressed or
// formed is it known what room they take beside what is there: see passed.
func (c chunkLimits) enough(t *target, size int) bool {
	return c.bytes > 0 && len(t.held) > 0 && !t.exact() && t.size()+size > c.bytes-packOverhead(c.bytes)
}

// passed reports whether so many bytes more would be too many for the file.
func (c chunkLimits) passed(r *file, n int) bool {
	return c.bytes > 0 && r.count > 0 && r.size+int64(n) > int64(c.bytes)
}

const (
	// maxChunkDigits keeps a date from being taken for an index.
	maxChunkDigits = 7

	// chunkAttempts bounds the search for an index that no other process
	// takes first.
	chunkAttempts = 1000
)

// openChunk makes the chunk of name that comes after that index, or after the
// highest that exists: below zero it is unknown, and when the next index is
// taken it was another process. It returns the index of the chunk.
func openChunk(name string, spec fileSpec, after int) (*file, int, error) {
	if err := disk.MakeFolders(filepath.Dir(name), 0o755); err != nil {
		return nil, after, err
	}
	index, err := after, error(nil)
	if after < 0 {
		if index, err = lastChunk(name); err != nil {
			return nil, after, err
		}
	}
	for range chunkAttempts {
		index++
		f, err := disk.Create(chunkName(name, index), spec.mode)
		if errors.Is(err, fs.ErrExist) {
			last, err := lastChunk(name)
			if err != nil {
				return nil, after, err
			}
			index = max(index, last)
			continue
		}
		if err != nil {
			return nil, after, err
		}
		r := &file{name: f.Name(), f: f, kind: packingOf(name), form: spec.form}
		err = r.prepare(spec.limit)
		if err == nil && r.size == 0 {
			return r, index, nil
		}
		r.close()
		var left *leftAlone
		if err != nil && !errors.As(err, &left) {
			return nil, after, err
		}
		// Another process has opened it by its name and written to it.
	}
	return nil, after, fmt.Errorf("chunks of %s: other processes take each name first", name)
}

// lastChunk returns the highest index of the chunks of name that exist, or -1.
func lastChunk(name string) (int, error) {
	folder, err := os.Open(filepath.Dir(name))
	if err != nil {
		return -1, err
	}
	defer folder.Close()
	stem, ext := splitExt(filepath.Base(name))
	last := -1
	for {
		// Unsorted and in parts: there may be very many.
		names, err := folder.Readdirnames(1024)
		for _, n := range names {
			last = max(last, chunkIndex(n, stem, ext))
		}
		if err == io.EOF {
			return last, nil
		}
		if err != nil {
			return -1, err
		}
	}
}

// chunkIndex returns the index in a chunk's name, or -1 when it is none.
func chunkIndex(name, stem, ext string) int {
	text, ok := strings.CutPrefix(name, stem+"_")
	if !ok {
		return -1
	}
	text, ok = strings.CutSuffix(text, ext)
	if !ok || text == "" || len(text) > maxChunkDigits {
		return -1
	}
	if strings.Trim(text, "0123456789") != "" {
		return -1
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return -1
	}
	return n
}

// chunkName puts an index before the extension: x.gor.gz is x_0.gor.gz.
func chunkName(name string, index int) string {
	dir, base := filepath.Split(name)
	stem, ext := splitExt(base)
	return fmt.Sprintf("%s%s_%d%s", dir, stem, index, ext)
}

// splitExt parts a file's name before its extension, to which the suffix of
// its compression belongs.
func splitExt(base string) (stem, ext string) {
	stem = base
	if packingOf(base) != packNone {
		ext = filepath.Ext(base)
		stem = strings.TrimSuffix(base, ext)
	}
	if e := filepath.Ext(stem); e != stem {
		stem, ext = strings.TrimSuffix(stem, e), e+ext
	}
	return stem, ext
}
