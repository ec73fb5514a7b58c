//go:build fence

package buffers

import (
	"fmt"
	"syscall"
)

// forbid keeps the addresses and gives back the memory. What it cannot protect
// would prove nothing.
func forbid(b []byte) {
	if err := syscall.Madvise(b, syscall.MADV_DONTNEED); err != nil {
		panic(fmt.Sprintf("buffers: madvise: %v", err))
	}
	if err := syscall.Mprotect(b, syscall.PROT_NONE); err != nil {
		panic(fmt.Sprintf("buffers: mprotect: %v", err))
	}
}
