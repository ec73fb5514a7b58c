package process

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"

	"github.com/buger/gor/internal/disk"
)

// A ProfileFile is where a profile goes. Label, such as the flag that named it,
// begins its errors.
type ProfileFile struct {
	Label string
	Name  string // "": no such profile
}

// StartProfiles starts the profiles that have a name. The function it returns
// ends them and writes them.
func StartProfiles(cpu, heap ProfileFile) (stop func() error, err error) {
	var f *os.File
	if cpu.Name != "" {
		if f, err = disk.Rewrite(cpu.Name, 0o600); err != nil {
			return nil, fmt.Errorf("%s: %w", cpu.Label, err)
		}
		if err := pprof.StartCPUProfile(f); err != nil {
			f.Close()
			return nil, fmt.Errorf("%s: %w", cpu.Label, err)
		}
	}
	return func() error {
		var errs []error
		if f != nil {
			pprof.StopCPUProfile()
			errs = append(errs, f.Close())
		}
		if heap.Name != "" {
			errs = append(errs, writeHeap(heap))
		}
		return errors.Join(errs...)
	}, nil
}

func writeHeap(heap ProfileFile) error {
	f, err := disk.Rewrite(heap.Name, 0o600)
	if err != nil {
		return fmt.Errorf("%s: %w", heap.Label, err)
	}
	runtime.GC() // the profile shows the last collection
	if err := pprof.WriteHeapProfile(f); err != nil {
		f.Close()
		return fmt.Errorf("%s: %w", heap.Label, err)
	}
	return f.Close()
}
