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

// munmap fails for nothing that mapMemory returned.
func munmap(b []byte) { _ = syscall.Munmap(b) }
