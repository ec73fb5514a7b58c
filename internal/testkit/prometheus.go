package testkit

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A Scraped is a page of metrics: the value of each series, named as in the
// text but with its labels unescaped and quoted as in Go.
type Scraped map[string]string

var (
	metricName = regexp.MustCompile(`^[a-zA-Z_:][a-zA-Z0-9_:]*`)
	labelName  = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*`)
	helpLine   = regexp.MustCompile(`^# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) \S.*\.$`)
	typeLine   = regexp.MustCompile(`^# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram)$`)
)

// ParseMetrics reads the text format 0.0.4 and refuses what the format or
// Prometheus's conventions do not allow.
func ParseMetrics(text string) (Scraped, error) {
	if !utf8.ValidString(text) || !strings.HasSuffix(text, "\n") {
		return nil, fmt.Errorf("not UTF-8, or the last line does not end")
	}
	out := Scraped{}
	families := map[string]bool{}
	type bucket struct {
		bound float64
		n     uint64
	}
	buckets := map[string]bucket{} // the last of each series
	family, kind := "", ""
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		if m := helpLine.FindStringSubmatch(line); m != nil {
			family, kind = m[1], ""
			if families[family] {
				return nil, fmt.Errorf("the family %s stands in two places", family)
			}
			families[family] = true
			continue
		}
		if m := typeLine.FindStringSubmatch(line); m != nil {
			if kind != "" || m[1] != family {
				return nil, fmt.Errorf("a type without its help: %q", line)
			}
			kind = m[2]
			if (kind == "counter") != strings.HasSuffix(family, "_total") {
				return nil, fmt.Errorf("%s is called as no %s is", family, kind)
			}
			continue
		}
		name := metricName.FindString(line)
		base := name
		if kind == "histogram" {
			for _, suffix := range [...]string{"_bucket", "_sum", "_count"} {
				base = strings.TrimSuffix(base, suffix)
			}
		}
		if name == "" || base != family || kind == "" || kind == "histogram" && base == name {
			return nil, fmt.Errorf("no sample of %s: %q", family, line)
		}
		labels, value, err := parseLabels(line[len(name):])
		if err != nil {
			return nil, fmt.Errorf("%w: %q", err, line)
		}
		if n, err := strconv.ParseFloat(value, 64); err != nil || n < 0 || kind == "counter" && strings.Trim(value, "0123456789") != "" && !strings.HasSuffix(name, "_seconds_total") {
			return nil, fmt.Errorf("the value of %q", line)
		}
		if _, twice := out[name+labels]; twice {
			return nil, fmt.Errorf("%s%s twice", name, labels)
		}
		out[name+labels] = value
		if strings.HasSuffix(name, "_bucket") && kind == "histogram" {
			series, le, _ := strings.Cut(name+labels, ` le="`)
			bound, err := strconv.ParseFloat(strings.TrimSuffix(le, `"`), 64)
			n, _ := strconv.ParseUint(value, 10, 64)
			before, again := buckets[series]
			if err != nil || again && (bound <= before.bound || n < before.n) {
				return nil, fmt.Errorf("the buckets do not rise at %q", line)
			}
			buckets[series] = bucket{bound, n}
		}
	}
	for series, last := range buckets {
		count := strings.Replace(series, "_bucket", "_count", 1)
		if out[count] != strconv.FormatUint(last.n, 10) || !math.IsInf(last.bound, 1) || out[strings.Replace(series, "_bucket", "_sum", 1)] == "" {
			return nil, fmt.Errorf("%s ends with %+v, and its count is %q", series, last, out[count])
		}
	}
	return out, nil
}

// parseLabels reads what stands behind the name.
func parseLabels(rest string) (labels, value string, err error) {
	if !strings.HasPrefix(rest, "{") {
		value, found := strings.CutPrefix(rest, " ")
		if !found {
			return "", "", fmt.Errorf("no space before the value")
		}
		return "", value, nil
	}
	seen := map[string]bool{}
	for sep := "{"; ; sep = "," {
		rest = strings.TrimPrefix(rest, sep)
		name := labelName.FindString(rest)
		rest = rest[len(name):]
		if name == "" || seen[name] || !strings.HasPrefix(rest, `="`) {
			return "", "", fmt.Errorf("no label at %q", rest)
		}
		seen[name] = true
		var text strings.Builder
		rest = rest[2:]
		for !strings.HasPrefix(rest, `"`) {
			switch {
			case rest == "":
				return "", "", fmt.Errorf("a label without end")
			case strings.HasPrefix(rest, `\\`), strings.HasPrefix(rest, `\"`):
				text.WriteByte(rest[1])
				rest = rest[2:]
			case strings.HasPrefix(rest, `\n`):
				text.WriteByte('\n')
				rest = rest[2:]
			case rest[0] == '\\':
				return "", "", fmt.Errorf("an escape that is none")
			default:
				text.WriteByte(rest[0])
				rest = rest[1:]
			}
		}
		labels += fmt.Sprintf(" %s=%q", name, text.String())
		rest = rest[1:]
		if strings.HasPrefix(rest, "} ") {
			return labels, rest[2:], nil
		}
		if !strings.HasPrefix(rest, ",") {
			return "", "", fmt.Errorf("no end of the labels at %q", rest)
		}
	}
}
