package files

import (
	"fmt"
	"io"
	"os"

	"github.com/buger/gor/internal/disk"
	"github.com/buger/gor/internal/verdict"
	"github.com/buger/gor/internal/verdict/rules"
)

// ReadRules reads files of rules; nil when there is none.
func ReadRules(names []string) (*rules.Set, error) {
	if len(names) == 0 {
		return nil, nil
	}
	set := &rules.Set{}
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		text, err := io.ReadAll(io.LimitReader(f, rules.MostText+1))
		f.Close()
		if err != nil {
			return nil, fmt.Errorf("read %q: %w", name, err)
		}
		if err := set.Parse(name, text); err != nil {
			return nil, err
		}
	}
	return set, nil
}

// WriteLearnt writes what differs in a verdict over two runs of one version to a file
// of rules, in place of one that is there.
func WriteLearnt(name string, res *verdict.Result) error {
	text, err := rules.Write("What two runs of one version differ in, for gor verdict --rules.\n"+
		"Statuses, removals and changes of type are never learnt.", res.Learnt())
	if err != nil {
		return err
	}
	return disk.Replace(name, text)
}
