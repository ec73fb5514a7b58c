package outbound

import "golang.org/x/sys/unix"

// openFilesLimit is how many files this process may have open.
func openFilesLimit() uint64 {
	var r unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &r) != nil {
		return 0
	}
	return r.Cur
}
