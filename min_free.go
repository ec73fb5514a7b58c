package main

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/buger/gor/internal/disk"
	"github.com/buger/gor/internal/flags"
)

// keepFree returns an error when what is written to the disk of a folder or
// file would not leave what --min-free says.
func keepFree(m disk.MinFree, path string) error {
	err := m.Check(path)
	var low *disk.LowError
	if errors.As(err, &low) {
		return minFreeError{low}
	}
	return err
}

// minFreeError names the flag.
type minFreeError struct{ *disk.LowError }

func (e minFreeError) Error() string {
	return fmt.Sprintf("%v, less than --min-free %s", e.LowError, minFreeText(e.Keep))
}

func (e minFreeError) Unwrap() error { return e.LowError }

// minFreeText is the value of --min-free.
func minFreeText(m disk.MinFree) string {
	percent := strconv.FormatFloat(m.Percent, 'g', -1, 64) + "%"
	switch {
	case m == disk.MinFree{}:
		return "0"
	case m.Percent == 0:
		return flags.FormatSize(int(m.Bytes))
	case m.Bytes == 0:
		return percent
	}
	return fmt.Sprintf("%s or %s, the smaller", percent, flags.FormatSize(int(m.Bytes)))
}

// minFreeValue is the flag.
type minFreeValue struct{ p *disk.MinFree }

func minFreeFlag(p *disk.MinFree) *minFreeValue { return &minFreeValue{p} }

func (v *minFreeValue) String() string {
	if v.p == nil {
		return ""
	}
	return minFreeText(*v.p)
}

func (v *minFreeValue) Set(s string) error {
	if text, ok := strings.CutSuffix(strings.TrimSpace(s), "%"); ok {
		percent, err := strconv.ParseFloat(text, 64)
		if err != nil || percent < 0 || percent >= 100 || math.IsNaN(percent) {
			return fmt.Errorf("want a percentage of the disk from 0 to 99, such as 5%%")
		}
		*v.p = disk.MinFree{Percent: percent}
		return nil
	}
	n, err := flags.ParseSize(s)
	if err != nil {
		return fmt.Errorf("want a size such as 500mb or 2gb, or a percentage of the disk such as 5%%")
	}
	*v.p = disk.MinFree{Bytes: int64(n)}
	return nil
}
