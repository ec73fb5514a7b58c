//go:build !linux

package outbound

// openFilesLimit is unknown.
func openFilesLimit() uint64 { return 0 }
