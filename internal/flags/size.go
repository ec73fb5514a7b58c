package flags

import (
	"flag"
	"fmt"
	"math"
	"strconv"
	"strings"
)

type sizeValue struct {
	p           *int
	least, most int
}

// Size takes a size from least to most bytes, as ParseSize reads it.
func Size(p *int, least, most int) flag.Value { return &sizeValue{p, least, most} }
func (v *sizeValue) String() string {
	if v.p == nil {
		return ""
	}
	return FormatSize(*v.p)
}
func (v *sizeValue) Set(s string) error {
	n, err := ParseSize(s)
	if err != nil {
		return err
	}
	if n < v.least || n > v.most {
		return fmt.Errorf("want a size from %s to %s", FormatSize(v.least), FormatSize(v.most))
	}
	*v.p = n
	return nil
}

// ParseSize reads a size in bytes such as 1024, 64k, 64kb, 32mb or 1gb, in binary
// units and in any case.
func ParseSize(s string) (int, error) {
	text := strings.TrimSuffix(strings.ToLower(strings.TrimSpace(s)), "b")
	shift := 0
	if n := len(text); n > 0 {
		if i := strings.IndexByte("kmgt", text[n-1]); i >= 0 {
			shift = 10 * (i + 1)
			text = text[:n-1]
		}
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64>>shift {
		return 0, fmt.Errorf("want a size such as 1024, 64kb, 32mb or 1gb")
	}
	return int(n << shift), nil
}

// FormatSize is a size as ParseSize reads it, in the largest unit that is exact.
func FormatSize(n int) string {
	units := []string{"", "kb", "mb", "gb"}
	i := 0
	for n >= 1<<10 && n%(1<<10) == 0 && i < len(units)-1 {
		n >>= 10
		i++
	}
	return strconv.Itoa(n) + units[i]
}
