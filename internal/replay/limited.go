package replay

import (
	"github.com/buger/gor/internal/stats"
)

// A Limiter decides which messages of one source go on, and counts the others.
// Admit is called by one goroutine.
type Limiter interface {
	Admit(msg []byte) bool
	Limited() uint64
}

// A Limited replay passes over what the limits of its sources do not let through.
type Limited struct {
	*Replay
	limits []Limiter // for each source, nil is none
}

// Limit wraps r. limits has one entry for each source, nil for one without a limit.
func Limit(r *Replay, limits []Limiter) *Limited { return &Limited{r, limits} }

func (l *Limited) Read(p []byte) (int, error) {
	for {
		n, err := l.Replay.Read(p)
		if err != nil {
			return n, err
		}
		if limit := l.limits[l.Source()]; limit == nil || limit.Admit(p[:n]) {
			return n, nil
		}
	}
}

func (l *Limited) Counts() []stats.Count {
	row := stats.Count{Name: stats.LimitedRow, Kind: stats.Limited}
	for _, limit := range l.limits {
		if limit != nil {
			row.N += limit.Limited()
		}
	}
	return append([]stats.Count{row}, l.Replay.Counts()...)
}
