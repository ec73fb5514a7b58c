package disk

import (
	"fmt"
	"math"
	"strconv"
)

// A MinFree is how much of a disk is left to others: what Gor writes to it
// stops before. Of two bounds the smaller holds; the zero value is none.
type MinFree struct {
	Bytes   int64
	Percent float64 // of the disk
}

// DefaultMinFree leaves what a system needs to live on: a gigabyte, which
// would be much of a small disk, and so never more than a twentieth.
func DefaultMinFree() MinFree { return MinFree{Bytes: 1 << 30, Percent: 5} }

// Check returns a *LowError when the disk of a folder or file has less room
// than that. What cannot be found out is not a reason to stop: a write will tell.
func (m MinFree) Check(path string) error {
	if m == (MinFree{}) {
		return nil
	}
	free, total, ok := Space(path)
	if !ok || free >= m.Of(total) {
		return nil
	}
	return &LowError{Path: path, Free: free, Total: total, Keep: m}
}

// Of returns the bytes to leave free on a disk of that size.
func (m MinFree) Of(total int64) int64 {
	least := int64(math.MaxInt64)
	if m.Bytes > 0 {
		least = m.Bytes
	}
	if m.Percent > 0 {
		least = min(least, int64(float64(total)*m.Percent/100))
	}
	return least
}

// A LowError says that a disk has too little room left.
type LowError struct {
	Path        string
	Free, Total int64 // bytes
	Keep        MinFree
}

func (l *LowError) Error() string {
	return fmt.Sprintf("the disk of %s has %s of %s left", l.Path, RoughSize(l.Free), RoughSize(l.Total))
}

// RoughSize is a size in bytes with the digits that a person reads.
func RoughSize(n int64) string {
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
