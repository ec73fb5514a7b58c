//go:build !fence

package buffers

// LargeFrom is the size in bytes from which on memory is worth a call of the
// kernel: it comes and goes with its message, where the collector would keep
// the megabytes of several messages that are gone until its next cycle.
const LargeFrom = 512 << 10

// unmapMemory gives back what mapMemory returned.
func unmapMemory(b []byte) { munmap(b) }
