package payload

import (
	"fmt"
	"strings"
)

// Reason is why a record was skipped, or is suspect.
type Reason uint8

// The reasons, in the order in which Damage.String names them.
const (
	Damaged  Reason = iota // the header, or the end, does not fit: skipped
	TooLarge               // larger than the limit: skipped
	Stale                  // the length does not fit, but HTTP framing says that the message is whole: kept
	Torn                   // the source ends inside: skipped
	reasons
)

// maxSpots bounds the places that a Damage remembers. Who mends a file looks at the first few.
const maxSpots = 16

// A Spot is one place of damage.
type Spot struct {
	Reason Reason
	Offset int64 // bytes from the beginning of the source, after decompression
}

// Damage is what a reader could not give back as it was written. The zero value is an intact source.
type Damage struct {
	Damaged  int64  // records
	TooLarge int64  // records
	Stale    int64  // records; these were returned
	Torn     int64  // records: 0 or 1
	Newer    int64  // records with a type, left out, or an attribute, passed on, of a newer version; intact
	Skipped  int64  // bytes that belong to no record that was returned
	From, To int64  // the range in which those bytes lie, after decompression; To is 0 without any
	Spots    []Spot // the first places, at most 16
}

// Any reports whether a record was skipped or is suspect. What a newer version wrote is neither.
func (d Damage) Any() bool {
	return d.Damaged != 0 || d.TooLarge != 0 || d.Stale != 0 || d.Torn != 0
}

// String is one line for people, such as "2 damaged records skipped (first at byte 1034), 1 torn at the end";
// empty when Any is false.
func (d Damage) String() string {
	var b strings.Builder
	for reason := range reasons {
		n := *d.count(reason)
		if n == 0 {
			continue
		}
		if b.Len() > 0 {
			b.WriteString(", ")
		}
		records := "records"
		if n == 1 {
			records = "record"
		}
		switch reason {
		case Damaged:
			fmt.Fprintf(&b, "%d damaged %s skipped", n, records)
		case TooLarge:
			fmt.Fprintf(&b, "%d %s larger than the limit skipped", n, records)
		case Stale:
			fmt.Fprintf(&b, "%d %s kept in spite of a wrong length", n, records)
		case Torn:
			fmt.Fprintf(&b, "%d torn at the end", n)
			continue
		}
		for _, s := range d.Spots {
			if s.Reason == reason {
				if n > 1 {
					fmt.Fprintf(&b, " (first at byte %d)", s.Offset)
				} else {
					fmt.Fprintf(&b, " (at byte %d)", s.Offset)
				}
				break
			}
		}
	}
	return b.String()
}

// Extent says how much was passed over and where, such as "12 kB from byte 0", or, with intact records between,
// "12 kB between bytes 0 and 99000"; empty when nothing was.
func (d Damage) Extent() string {
	switch {
	case d.Skipped == 0 || d.To == 0:
		return ""
	case d.Skipped == d.To-d.From:
		return fmt.Sprintf("%s from byte %d", BytesText(d.Skipped), d.From)
	}
	return fmt.Sprintf("%s between bytes %d and %d", BytesText(d.Skipped), d.From, d.To)
}

// BytesText is a count of bytes for people, in powers of 1000.
func BytesText(n int64) string {
	switch {
	case n < 1000:
		return fmt.Sprintf("%d bytes", n)
	case n < 1_000_000:
		return fmt.Sprintf("%.3g kB", float64(n)/1e3)
	case n < 1_000_000_000:
		return fmt.Sprintf("%.3g MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.3g GB", float64(n)/1e9)
}

// skip counts n bytes at offset that belong to no record.
func (d *Damage) skip(offset, n int64) {
	if n == 0 {
		return
	}
	if d.To == 0 {
		d.From = offset
	}
	d.Skipped += n
	d.To = offset + n
}

// note counts one record at offset.
func (d *Damage) note(reason Reason, offset int64) {
	*d.count(reason)++
	if len(d.Spots) < maxSpots {
		d.Spots = append(d.Spots, Spot{reason, offset})
	}
}

func (d *Damage) count(reason Reason) *int64 {
	switch reason {
	case TooLarge:
		return &d.TooLarge
	case Stale:
		return &d.Stale
	case Torn:
		return &d.Torn
	}
	return &d.Damaged
}

// end turns the torn end of a part into damage when the source goes on after it, and counts an end that came
// too early at offset where no record was torn by it.
func (d *Damage) end(reason Reason, offset int64) {
	if d.Torn == 0 {
		d.note(reason, offset)
		return
	}
	if reason == Torn {
		return
	}
	d.Torn--
	*d.count(reason)++
	for i := range d.Spots {
		if d.Spots[i].Reason == Torn {
			d.Spots[i].Reason = reason
		}
	}
}

// add counts all of e, which was found in a part that began at offset base.
func (d *Damage) add(e Damage, base int64) {
	d.Damaged += e.Damaged
	d.TooLarge += e.TooLarge
	d.Stale += e.Stale
	d.Torn += e.Torn
	d.Newer += e.Newer
	if e.To > 0 {
		if d.To == 0 {
			d.From = base + e.From
		}
		d.To = base + e.To
	}
	d.Skipped += e.Skipped
	for _, s := range e.Spots {
		if len(d.Spots) == maxSpots {
			break
		}
		s.Offset += base
		d.Spots = append(d.Spots, s)
	}
}
