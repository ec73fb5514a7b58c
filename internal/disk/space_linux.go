package disk

import (
	"errors"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Space returns the bytes that an ordinary user may still write to the
// disk of a file or folder, and its size (statfs(2)). When there is no such
// file, its folder tells.
func Space(path string) (free, total int64, ok bool) {
	var st unix.Statfs_t
	err := unix.Statfs(path, &st)
	if errors.Is(err, unix.ENOENT) {
		err = unix.Statfs(filepath.Dir(path), &st)
	}
	if err != nil || st.Blocks == 0 { // 0: no disk, as /proc
		return 0, 0, false
	}
	unit := int64(st.Frsize) // what blocks are counted in
	if unit == 0 {
		unit = int64(st.Bsize)
	}
	return int64(st.Bavail) * unit, int64(st.Blocks) * unit, true
}
