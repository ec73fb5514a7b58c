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
	// Window bounds the records that are held in memory, in bytes: an eighth of the
	// 64 MB that a comparison may take; a third of that is for counters and samples.
	Window = 8 << 20
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

// Joining says what a Joiner does with records.
type Joining struct {
	// Window bounds the records that are held in memory, in bytes; 0 means Window.
	Window int

	// Tmp is the folder for temporary files; empty for the system's.
	Tmp string

	// Room returns an error while nothing more may be written to a temporary file of
	// that name: a group that cannot wait there is done with as it is. Nil: all may.
	Room func(name string) error

	// DiskMost bounds the temporary files, in bytes; a group that has no room there is
	// done with as it is. 0: nothing bounds them but Room.
	DiskMost int64

	// Whole says whether a group has all that belongs to it: one that has not waits in
	// a temporary file for the rest.
	Whole func(parts []Part) bool

	// Early says that a group is done with as soon as it is whole, and not only when
	// its room in memory is needed: nothing with its id comes later.
	Early bool

	// Late is how long a group can be waited for: one whose first part came
	// before is done with as it is. 0: for ever.
	Late time.Duration

	// Emit takes each group once. Unless must is set it may return false and take
	// nothing: the group then waits in a temporary file.
	Emit func(id string, parts []Part, must bool) bool
}

// A Joiner makes groups of parts with one id. It serves one goroutine.
type Joiner struct {
	cfg    Joining
	dir    string // of the temporary files; made when it is needed
	groups map[string]*list.Element
	order  *list.List // of *waiting, the oldest first
	held   int
	files  *partitions // nil: nothing overflowed
	asked  bool        // whether there is room
	wrote  int         // bytes since then
	onDisk int64       // bytes in temporary files
	full   error       // what Room said then

	// Repeated counts the records that were left out because their id had as many.
	Repeated uint64
	// Apart counts the groups that were done with before they were whole for lack of
	// room.
	Apart uint64
}

// roomEvery is after how many bytes Room is asked again.
const roomEvery = 1 << 20

// waiting is a group in memory.
type waiting struct {
	id    string
	parts []Part
	size  int
	since time.Time // valid iff there is a Late
}

// New returns a Joiner. Close must be called.
func New(cfg Joining) *Joiner {
	if cfg.Window <= 0 {
		cfg.Window = Window
	}
	return &Joiner{cfg: cfg, groups: make(map[string]*list.Element), order: list.New()}
}

// Add takes a part, whose bytes it keeps.
func (j *Joiner) Add(p Part) error {
	at := j.groups[p.ID]
	if at == nil {
		g := &waiting{id: p.ID}
		if j.cfg.Late > 0 {
			g.since = time.Now()
		}
		at = j.order.PushBack(g)
		j.groups[p.ID] = at
	}
	g := at.Value.(*waiting)
	if len(g.parts) >= mostParts {
		j.Repeated++
		return nil
	}
	size := len(p.Bytes) + len(p.ID) + overhead
	g.parts = append(g.parts, p)
	g.size += size
	j.held += size
	if j.cfg.Early && j.cfg.Whole(g.parts) {
		if err := j.giveUp(at); err != nil {
			return err
		}
	}
	for j.held > j.cfg.Window {
		if err := j.giveUp(j.order.Front()); err != nil {
			return err
		}
	}
	return nil
}

// take takes a group out of memory.
func (j *Joiner) take(at *list.Element) *waiting {
	g := j.order.Remove(at).(*waiting)
	delete(j.groups, g.id)
	j.held -= g.size
	return g
}

// giveUp makes room: the oldest group is done with, or waits on disk.
func (j *Joiner) giveUp(at *list.Element) error {
	g := j.take(at)
	if (j.cfg.Whole(g.parts) || j.late(g)) && j.cfg.Emit(g.id, g.parts, false) {
		return nil
	}
	if j.files == nil {
		dir, err := os.MkdirTemp(j.cfg.Tmp, "gor-verdict-")
		if err != nil {
			return fmt.Errorf("make a folder for temporary files: %w", err)
		}
		j.dir = dir
		j.files = newPartitions(filepath.Join(dir, "part"), 0)
	}
	if !j.room(g.size) {
		if !j.cfg.Whole(g.parts) {
			j.Apart++
		}
		j.cfg.Emit(g.id, g.parts, true)
		return nil
	}
	j.onDisk += int64(g.size)
	for i := range g.parts {
		if err := j.files.write(&g.parts[i]); err != nil {
			return err
		}
	}
	return nil
}

// room reports whether so many bytes may be written.
func (j *Joiner) room(n int) bool {
	if j.cfg.DiskMost > 0 && j.onDisk+int64(n) > j.cfg.DiskMost {
		return false
	}
	if j.cfg.Room == nil {
		return true
	}
	if j.asked && j.full == nil && j.wrote+n < roomEvery {
		j.wrote += n
		return true
	}
	j.asked, j.wrote, j.full = true, 0, j.cfg.Room(j.dir)
	return j.full == nil
}

// late reports whether nothing more can come for a group. One that does not begin with
// its request is the rest of one that waits on disk.
func (j *Joiner) late(g *waiting) bool {
	return j.cfg.Late > 0 && g.parts[0].Type == payload.Request && time.Since(g.since) > j.cfg.Late
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
		g := j.take(at)
		j.cfg.Emit(g.id, g.parts, true)
	}
	if j.files == nil {
		return nil
	}
	return j.files.join(func(id string, parts []Part) { j.cfg.Emit(id, parts, true) })
}

// Close removes the temporary files.
func (j *Joiner) Close() error {
	if j.dir == "" {
		return nil
	}
	j.files.close()
	dir := j.dir
	j.dir = ""
	return os.RemoveAll(dir)
}
