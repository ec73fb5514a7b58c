//go:build fence

package buffers

// LargeFrom is one byte with the build tag fence: every message lies in a Block
// of its own, and whoever uses one after its Free faults at once (make
// test-fence), where it would otherwise take a message of half a megabyte and
// an unlucky moment.
const LargeFrom = 1

// unmapMemory makes what mapMemory returned unusable for ever: its addresses
// are never given to another Block, which would hide a late use.
func unmapMemory(b []byte) { forbid(b) }
