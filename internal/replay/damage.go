package replay

import (
	"fmt"
	"slices"
	"strings"

	"github.com/buger/gor/internal/stats"
)

// account adds a file's damage to the sums, and tells of it once.
func (m *mergedFiles) account(r *recordedFile) {
	d := r.src.Damage()
	r.damage = d.String()
	m.mu.Lock()
	m.total.Damaged += d.Damaged
	m.total.TooLarge += d.TooLarge
	m.total.Stale += d.Stale
	m.total.Torn += d.Torn
	m.total.Newer += d.Newer
	told := m.note(r.src.Counts())
	m.mu.Unlock()
	if r.told {
		return
	}
	r.told = true
	if len(told) > 0 {
		m.cfg.Logf(m.cfg.Kind+": %s, %s: %s", r.name, r.src.Format(), strings.Join(told, ", "))
	}
	if d.Newer > 0 {
		m.cfg.Logf(m.cfg.Kind+": %s: %d records have a type or an attribute of a newer Gor; such types are left out", r.name, d.Newer)
	}
	if !d.Any() || len(m.files) == 1 && r.msg == nil { // then the error says what it is, see nothingIn
		return
	}
	hint := ""
	if extent := d.Extent(); extent != "" {
		hint = ": " + extent
	}
	if d.TooLarge > 0 {
		hint += "; " + m.cfg.Hints.MessageLimit + " is the limit"
	}
	m.cfg.Logf(m.cfg.Kind+": %s: %s%s", r.name, d, hint)
}

// newerRow names the row of records with a type or an attribute that a newer
// Gor wrote and this one does not know. They are not counted as lost.
const newerRow = "records of a newer Gor"

// counts gives what was passed over in the files that were read so far.
func (m *mergedFiles) counts() []stats.Count {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]stats.Count{
		{Name: "damaged records", Kind: stats.Lost, N: uint64(m.total.Damaged)},
		{Name: "records too large", Kind: stats.Lost, N: uint64(m.total.TooLarge)},
		{Name: "records with a stale length", Kind: stats.Note, N: uint64(m.total.Stale)},
		{Name: "torn records", Kind: stats.Lost, N: uint64(m.total.Torn)},
		{Name: newerRow, Kind: stats.Note, N: uint64(m.total.Newer)},
	}, m.notes...)
}

// note adds what a format left out or made up to the sums. It returns what is to
// be told.
func (m *mergedFiles) note(counts []stats.Count) (told []string) {
	for _, c := range counts {
		if c.N == 0 {
			continue
		}
		told = append(told, fmt.Sprintf("%d %s", c.N, c.Name))
		i := slices.IndexFunc(m.notes, func(o stats.Count) bool { return o.Name == c.Name })
		if i < 0 {
			m.notes = append(m.notes, c)
			continue
		}
		m.notes[i].N += c.N
	}
	return told
}
