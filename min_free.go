package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/buger/gor/internal/flags"
)

// minFree is how much of a disk is left to others: what Gor writes to it stops
// before. Of two bounds the smaller holds; the zero value is none.
type minFree struct {
	bytes   int64
	percent float64 // of the disk
}

// defaultMinFree leaves what a system needs to live on: a gigabyte, which
// would be much of a small disk, and so never more than a twentieth.
func defaultMinFree() minFree { return minFree{bytes: 1 << 30, percent: 5} }

// check returns a *lowDisk when the disk of a folder or file has less room
// than that. What cannot be found out is no reason to stop: a write will tell.
func (m minFree) check(dir string) error {
	if m == (minFree{}) {
		return nil
	}
	free, total, ok := diskSpace(dir)
	if !ok || free >= m.of(total) {
		return nil
	}
	return &lowDisk{dir: dir, free: free, total: total, keep: m}
}

// of returns the bytes to leave free on a disk of that size.
func (m minFree) of(total int64) int64 {
	least := int64(math.MaxInt64)
	if m.bytes > 0 {
		least = m.bytes
	}
	if m.percent > 0 {
		least = min(least, int64(float64(total)*m.percent/100))
	}
	return least
}

// String is the value of --min-free.
func (m minFree) String() string {
	percent := strconv.FormatFloat(m.percent, 'g', -1, 64) + "%"
	switch {
	case m == minFree{}:
		return "0"
	case m.percent == 0:
		return flags.FormatSize(int(m.bytes))
	case m.bytes == 0:
		return percent
	}
	return fmt.Sprintf("%s or %s, the smaller", percent, flags.FormatSize(int(m.bytes)))
}

// A lowDisk says that a disk has too little room left.
type lowDisk struct {
	dir         string
	free, total int64 // bytes
	keep        minFree
}

func (l *lowDisk) Error() string {
	return fmt.Sprintf("the disk of %s has %s of %s left, less than --min-free %s", l.dir, roughSize(l.free), roughSize(l.total), l.keep)
}

// roughSize is a size with the digits that a person reads.
func roughSize(n int64) string {
	const units = "kmgtpe"
	if n < 1<<10 {
		return strconv.FormatInt(n, 10) + "b"
	}
	f, i := float64(n)/(1<<10), 0
	for f >= 1<<10 {
		f /= 1 << 10
		i++
	}
	return strconv.FormatFloat(f, 'f', 1, 64) + units[i:i+1] + "b"
}

// minFreeValue is the flag.
type minFreeValue struct{ p *minFree }

func minFreeFlag(p *minFree) *minFreeValue { return &minFreeValue{p} }

func (v *minFreeValue) String() string {
	if v.p == nil {
		return ""
	}
	return v.p.String()
}

func (v *minFreeValue) Set(s string) error {
	if text, ok := strings.CutSuffix(strings.TrimSpace(s), "%"); ok {
		percent, err := strconv.ParseFloat(text, 64)
		if err != nil || percent < 0 || percent >= 100 || math.IsNaN(percent) {
			return fmt.Errorf("want a percentage of the disk from 0 to 99, such as 5%%")
		}
		*v.p = minFree{percent: percent}
		return nil
	}
	n, err := flags.ParseSize(s)
	if err != nil {
		return fmt.Errorf("want a size such as 500mb or 2gb, or a percentage of the disk such as 5%%")
	}
	*v.p = minFree{bytes: int64(n)}
	return nil
}
