package rawsocket

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

// A RepeatedError says that two addresses read the same packets of a capture
// file. What two captures of interfaces both see is taken once (see Sights), but
// files are not read at the same time; and of standard input each would have a
// part.
type RepeatedError struct {
	First, Second string // the addresses
	Instead       string // one address for both
}

func (e *RepeatedError) Error() string {
	return fmt.Sprintf("%s and %s read the same packets; give one instead: %s", e.First, e.Second, e.Instead)
}

// CheckRepeated returns a *RepeatedError when two of the addresses are of one
// capture file and have ports in common, or both are standard input. It looks up
// no name.
func CheckRepeated(addresses []string) error {
	for i, text := range addresses {
		a, is := fileAddress(text)
		if !is {
			continue
		}
		for _, earlier := range addresses[:i] {
			b, is := fileAddress(earlier)
			if !is || a.Path != b.Path || a.Path != "-" && disjoint(a.Ports, b.Ports) {
				continue
			}
			return &RepeatedError{First: earlier, Second: text, Instead: both(a, b)}
		}
	}
	return nil
}

// fileAddress reads an address if it is that of a file that is there, or of
// standard input.
func fileAddress(text string) (a Address, is bool) {
	if strings.HasPrefix(text, ":") {
		return a, false
	}
	a, err := ParseFileAddress(text)
	if err != nil {
		return a, false
	}
	info, err := os.Stat(a.Path)
	return a, a.Path == "-" || err == nil && !info.IsDir()
}

func disjoint(a, b []uint16) bool {
	return len(a) > 0 && len(b) > 0 && !slices.ContainsFunc(a, func(port uint16) bool { return slices.Contains(b, port) })
}

// both is one address for the ports of both.
func both(a, b Address) string {
	if len(a.Ports) == 0 || len(b.Ports) == 0 {
		return a.Path
	}
	ports := slices.Concat(a.Ports, b.Ports)
	slices.Sort(ports)
	list := strings.ReplaceAll(strings.Trim(fmt.Sprint(slices.Compact(ports)), "[]"), " ", ",")
	return a.Path + ":" + list
}
