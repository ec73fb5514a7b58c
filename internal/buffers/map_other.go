//go:build !linux

package buffers

func mapMemory(int) []byte { return nil }
func munmap([]byte)        {}
