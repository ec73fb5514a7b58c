package disk

import (
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// sudoCaller is the user whom sudo(8) runs this process for, and the group. It
// has none for a process that is not root, or whom root called.
func sudoCaller() (uid, gid int, ok bool) {
	if os.Getuid() != 0 || os.Geteuid() != 0 {
		return 0, 0, false
	}
	u, uerr := strconv.ParseUint(os.Getenv("SUDO_UID"), 10, 31)
	g, gerr := strconv.ParseUint(os.Getenv("SUDO_GID"), 10, 31)
	return int(u), int(g), uerr == nil && gerr == nil && u != 0
}

// makeFile makes a new file. Under sudo it belongs to the user who called it, who
// could not read it otherwise, where he could have made it himself: in a folder
// that is his, or that everybody may write to. Anywhere else, as in /etc/cron.d,
// to own a file is more than he may have. The folder is held open, so that it is
// the one that the file was made in and not what was put in its place.
func makeFile(name string, flag int, mode fs.FileMode) (*os.File, error) {
	uid, gid, ok := sudoCaller()
	if !ok {
		return os.OpenFile(name, flag|os.O_CREATE|os.O_EXCL, mode)
	}
	folder, err := os.Open(filepath.Dir(name))
	if err != nil {
		return nil, err
	}
	defer folder.Close()
	fd, err := unix.Openat(int(folder.Fd()), filepath.Base(name), flag|unix.O_CREAT|unix.O_EXCL|unix.O_CLOEXEC, uint32(mode.Perm()))
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	f := os.NewFile(uintptr(fd), name)
	if couldMake(folder, uid) {
		_ = f.Chown(uid, gid) // a file system without owners: then it is as it is
	}
	return f, nil
}

// couldMake reports whether a user can make files in a folder.
func couldMake(folder *os.File, uid int) bool {
	info, err := folder.Stat()
	if err != nil {
		return false
	}
	has, known := owner(info)
	return known && int(has) == uid || info.Mode()&0o002 != 0
}

// makeFolder makes one folder, which belongs to the same user as a file would.
func makeFolder(name string, mode fs.FileMode) error {
	uid, gid, ok := sudoCaller()
	if !ok {
		return os.Mkdir(name, mode)
	}
	above, err := os.Open(filepath.Dir(name))
	if err != nil {
		return err
	}
	defer above.Close()
	base := filepath.Base(name)
	if err := unix.Mkdirat(int(above.Fd()), base, uint32(mode.Perm())); err != nil {
		return &fs.PathError{Op: "mkdir", Path: name, Err: err}
	}
	if !couldMake(above, uid) {
		return nil
	}
	// No link is followed: whoever may write above could have put one there.
	fd, err := unix.Openat(int(above.Fd()), base, unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return &fs.PathError{Op: "open", Path: name, Err: err}
	}
	folder := os.NewFile(uintptr(fd), name)
	defer folder.Close()
	_ = folder.Chown(uid, gid) // likewise
	return nil
}
