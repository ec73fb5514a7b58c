package buffers

import "syscall"

// mapMemory returns at least n bytes from the kernel, nil when it has none.
func mapMemory(n int) []byte {
	b, err := syscall.Mmap(-1, 0, n, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_PRIVATE|syscall.MAP_ANON)
	if err != nil {
		return nil
	}
	return b
}

// unmapMemory gives back what mapMemory returned. It fails for nothing else.
func unmapMemory(b []byte) { _ = syscall.Munmap(b) }
