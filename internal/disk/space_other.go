//go:build !linux

package disk

// Space knows nothing where there is no statfs(2) of Linux.
func Space(string) (free, total int64, ok bool) { return 0, 0, false }
