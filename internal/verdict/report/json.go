package report

import (
	"encoding/json"
	"io"
)

// A jsonRow is a line of the JSON lines. docs/verdict.md describes the keys: they stay.
type jsonRow struct {
	Route          string       `json:"route"`
	Path           string       `json:"path"`
	Severity       string       `json:"severity"`
	Standing       string       `json:"standing"`
	Compared       uint64       `json:"compared"`
	Differs        uint64       `json:"differs"`
	Share          float64      `json:"share"`
	Control        uint64       `json:"control"`
	ControlDiffers uint64       `json:"control_differs"`
	P              *float64     `json:"p,omitempty"`
	Why            string       `json:"why"`
	Samples        []jsonSample `json:"samples"`
}

type jsonSample struct {
	ID  string `json:"id"`
	Old string `json:"old"`
	New string `json:"new"`
}

// writeJSON writes a line for each row, worst first.
func writeJSON(w io.Writer, v *Verdict) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for i := range v.Rows {
		r := &v.Rows[i]
		row := jsonRow{
			Route: r.Route, Path: r.Path, Severity: r.Severity.String(), Standing: r.Standing.String(),
			Compared: r.Compared, Differs: r.Differs, Share: r.Share(), Control: r.Control, ControlDiffers: r.ControlDiffers,
			Why: r.Why, Samples: make([]jsonSample, 0, len(r.Samples)),
		}
		if r.Control > 0 {
			row.P = &r.P
		}
		for _, s := range r.Samples {
			row.Samples = append(row.Samples, jsonSample{s.ID, s.Old, s.New})
		}
		if err := enc.Encode(row); err != nil {
			return err
		}
	}
	return nil
}
