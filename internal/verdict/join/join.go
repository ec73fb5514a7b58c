// Package join makes pairs of records: what has one id belongs together, however far
// apart it lies. A window of them is held in memory; what does not find its other half
// within it goes to temporary files, and is joined at the end.
package join

import (
	"container/list"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/verdict"
)

const (
	// Window bounds the records that are held in memory, in bytes: a quarter of the
	// 64 MB that a comparison may take.
	Window = 16 << 20
	// overhead is what a record takes beside its bytes.
	overhead = 200
	// mostParts bounds the records of one id that are kept.
	mostParts = 16
)

// A Source says which recording a record came from, in the order in which the
// recordings are named.
type Source uint8

// A Part is one record.
type Part struct {
	Source Source
	Type   byte // as payload has it
	ID     string
	verdict.Answer
}

// PartOf takes a message apart. What it returns is a copy.
func PartOf(source Source, msg []byte) (p Part, err error) {
	m, body, err := payload.Split(msg)
	if err != nil {
		return p, err
	}
	p = Part{Source: source, Type: m.Type, ID: string(m.ID)}
	p.Bytes = append([]byte(nil), body...)
	p.Time, p.Took, p.Replayed = m.Time, time.Duration(m.Duration), m.Type == payload.ReplayResponse
	if v, ok := m.Attribute(payload.AttrTarget); ok {
		p.Label = string(payload.Unescape(nil, v))
	}
	if v, ok := m.Attribute(payload.AttrError); ok {
		p.Error = string(payload.Unescape(nil, v))
	}
	return p, nil
}

// A Joiner makes groups of parts with one id. It serves one goroutine.
type Joiner struct {
	dir   string // of the temporary files; made when it is needed
	above string
	emit  func(id string, parts []Part)
	whole func(parts []Part) bool

	groups map[string]*list.Element
	order  *list.List // of *group, the oldest first
	held   int
	files  *partitions // nil: nothing overflowed

	// Repeated counts the records that were left out because their id had as many.
	Repeated uint64
}

type group struct {
	id    string
	parts []Part
	size  int
}

// New returns a Joiner that gives each group to emit once. whole says whether a group
// has all that belongs to it: one that is not waits in a temporary file, below the
// folder tmp, for the rest. Close must be called.
func New(tmp string, whole func(parts []Part) bool, emit func(id string, parts []Part)) *Joiner {
	return &Joiner{above: tmp, emit: emit, whole: whole, groups: make(map[string]*list.Element), order: list.New()}
}

// Add takes a part, whose bytes it keeps.
func (j *Joiner) Add(p Part) error {
	at := j.groups[p.ID]
	if at == nil {
		at = j.order.PushBack(&group{id: p.ID})
		j.groups[p.ID] = at
	}
	g := at.Value.(*group)
	if len(g.parts) >= mostParts {
		j.Repeated++
		return nil
	}
	size := len(p.Bytes) + len(p.ID) + overhead
	g.parts = append(g.parts, p)
	g.size += size
	j.held += size
	for j.held > Window {
		if err := j.giveUp(j.order.Front()); err != nil {
			return err
		}
	}
	return nil
}

// giveUp makes room: the oldest group is done with, or waits on disk.
func (j *Joiner) giveUp(at *list.Element) error {
	g := j.order.Remove(at).(*group)
	delete(j.groups, g.id)
	j.held -= g.size
	if j.whole(g.parts) {
		j.emit(g.id, g.parts)
		return nil
	}
	if j.files == nil {
		dir, err := os.MkdirTemp(j.above, "gor-verdict-")
		if err != nil {
			return fmt.Errorf("make a folder for temporary files: %w", err)
		}
		j.dir = dir
		j.files = newPartitions(filepath.Join(dir, "part"), 0)
	}
	for i := range g.parts {
		if err := j.files.write(&g.parts[i]); err != nil {
			return err
		}
	}
	return nil
}

// End emits all that is left.
func (j *Joiner) End() error {
	for j.order.Len() > 0 {
		at := j.order.Front()
		if j.files != nil {
			if err := j.giveUp(at); err != nil {
				return err
			}
			continue
		}
		g := j.order.Remove(at).(*group)
		j.emit(g.id, g.parts)
	}
	clear(j.groups)
	if j.files == nil {
		return nil
	}
	return j.files.join(j.emit)
}

// Close removes the temporary files.
func (j *Joiner) Close() error {
	if j.dir == "" {
		return nil
	}
	j.files.close()
	return os.RemoveAll(j.dir)
}
