package disk

import (
	"io/fs"
	"os"
	"strconv"
	"syscall"
)

// noFollow refuses a link that was put there since follow looked.
const noFollow = syscall.O_NOFOLLOW

// owner is the user that a file belongs to.
func owner(info fs.FileInfo) (uid uint32, known bool) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return st.Uid, true
}

// links is how many names a file has.
func links(info fs.FileInfo) uint64 {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 1
	}
	return uint64(st.Nlink)
}

func privileged() bool { return os.Geteuid() == 0 }

// ours reports whether what belongs to a user was put there by root, by the
// user of this process, or by the one that called it by sudo(8), which sets the
// variable.
func ours(uid uint32) bool {
	if uid == 0 || int(uid) == os.Geteuid() {
		return true
	}
	caller, err := strconv.ParseUint(os.Getenv("SUDO_UID"), 10, 32)
	return err == nil && privileged() && uint32(caller) == uid
}
