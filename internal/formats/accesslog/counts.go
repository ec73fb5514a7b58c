package accesslog

import (
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/stats"
)

// Damage returns how many lines did not fit.
func (l *Reader) Damage() payload.Damage { return l.damage }

// Format is "access log" and the format of its lines.
func (l *Reader) Format() string { return "access log (" + l.formatName() + ")" }

// Counts gives what was logged and is not a request here, and what was made up.
func (l *Reader) Counts() []stats.Count {
	return []stats.Count{
		{Name: "requests whose body was not logged, left out", Kind: stats.Note, N: l.bodies},
		{Name: "requests whose body was not logged, given without", Kind: stats.Note, N: l.empty},
		{Name: "request lines that were cut or empty", Kind: stats.Note, N: l.cut},
		{Name: "request lines that are binary", Kind: stats.Note, N: l.binary},
		{Name: "CONNECT requests, left out", Kind: stats.Note, N: l.connects},
		{Name: "times of whole seconds, spread evenly", Kind: stats.Note, N: l.spreadOver},
	}
}
