package http1client

import (
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/buger/gor/internal/plugin"
)

// Statuses counts answers by their status. The zero value has none. Its methods
// are safe for concurrent use.
type Statuses struct {
	n [1000]atomic.Uint64 // package http1 takes 100 to 999
}

// Add counts an answer of that status, 100 to 999.
func (s *Statuses) Add(status int) { s.n[status].Add(1) }

// Report says which statuses there were, if any.
func (s *Statuses) Report(r *plugin.Report) {
	if line := s.line(r); line != "" {
		r.Line("statuses: %s", line)
	}
}

// statusesShown is how many different statuses the report lists; when there
// are more it sums them up by their first digit.
const statusesShown = 12

func (s *Statuses) line(r *plugin.Report) string {
	var each, classes []string
	var sum uint64
	byStatus, byClass, numbers := map[string]uint64{}, map[string]uint64{}, map[int]uint64{}
	r.Statuses(numbers)
	r.Value("statuses", byStatus)
	r.Value("status_classes", byClass)
	for status := range s.n {
		n := s.n[status].Load()
		if n > 0 {
			each = append(each, fmt.Sprintf("%d x %d", status, n))
			byStatus[strconv.Itoa(status)], numbers[status] = n, n
		}
		sum += n
		if status%100 == 99 && sum > 0 {
			classes = append(classes, fmt.Sprintf("%dxx x %d", status/100, sum))
			byClass[fmt.Sprintf("%dxx", status/100)] = sum
			sum = 0
		}
	}
	if len(each) > statusesShown {
		return fmt.Sprintf("%s (%d different)", strings.Join(classes, ", "), len(each))
	}
	return strings.Join(each, ", ")
}
