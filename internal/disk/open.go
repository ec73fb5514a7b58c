// Package disk opens the files that Gor writes. Gor often runs as root and
// writes into folders such as /tmp, where anybody may have put something under
// the name before: a file that they can read, a pipe, or a link that leads to
// /etc. What strangers put there is refused.
//
// It also tells beforehand whether a file can be opened, keeps two processes from
// writing one, and says how much room a disk has.
package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// maxLinks bounds the links that are followed, as the kernel does
// (path_resolution(7)).
const maxLinks = 40

// An Untrusted error is about what somebody else has put where Gor is to write.
type Untrusted struct {
	Name string
	What string // "a file", "a pipe", "a link"
	UID  uint32 // whose it is
	Why  string // "" when it is whose it is
}

func (u *Untrusted) Error() string {
	if u.Why != "" {
		return fmt.Sprintf("%s is %s %s; remove it, or name a file in a folder of your own", u.Name, u.What, u.Why)
	}
	return fmt.Sprintf("%s is %s that belongs to another user (uid %d), who put it there; remove it, or name a file in a folder of your own", u.Name, u.What, u.UID)
}

// Is lets errors.Is find fs.ErrPermission.
func (u *Untrusted) Is(target error) bool { return target == fs.ErrPermission }

// Append opens a file for reading and for appending, or makes it with exactly
// that mode. A link is followed when it belongs to root, to the user of this
// process, or to the one that sudo was called by; a file or a pipe that is there
// already must belong to one of these, or to the owner of a folder that not
// everybody may write to. Devices are not looked at: only root makes them.
func Append(name string, mode fs.FileMode) (*os.File, error) {
	return open(name, os.O_RDWR|os.O_APPEND, mode)
}

// Rewrite opens a file for writing, as Append does, and empties it when it is a
// regular one.
func Rewrite(name string, mode fs.FileMode) (*os.File, error) {
	f, err := open(name, os.O_WRONLY, mode)
	if err != nil {
		return nil, err
	}
	if info, serr := f.Stat(); serr == nil && info.Mode().IsRegular() {
		if err := f.Truncate(0); err != nil {
			f.Close()
			return nil, err
		}
	}
	return f, nil
}

// WriteFile is Rewrite, and writes b into the file.
func WriteFile(name string, b []byte, mode fs.FileMode) error {
	f, err := Rewrite(name, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Close())
}

// Touch makes a file that is not there yet, and opens one that is there to see
// whether that may be done. It changes nothing in it.
func Touch(name string, mode fs.FileMode) error {
	if err := Check(name); err != nil {
		return err
	}
	if info, err := os.Stat(name); err == nil && info.Mode()&fs.ModeNamedPipe != 0 {
		return nil // opening it would wait for a reader
	}
	f, err := open(name, os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	return f.Close() // nothing was written
}

// Create makes a new file with exactly that mode, for appending and reading.
// The error is fs.ErrExist when there is anything of that name, a link too.
func Create(name string, mode fs.FileMode) (*os.File, error) {
	return create(name, os.O_RDWR|os.O_APPEND, mode)
}

func create(name string, flag int, mode fs.FileMode) (*os.File, error) {
	f, err := makeFile(name, flag, mode)
	if err != nil {
		return nil, err
	}
	if err := f.Chmod(mode); err != nil && !errors.Is(err, fs.ErrPermission) && !errors.Is(err, errors.ErrUnsupported) {
		f.Close()
		return nil, err
	}
	return f, nil
}

// Replace puts a file with these bytes and mode 0600 in place of another, in one
// step. What lies under the temporary name, after a crash or because somebody
// put it there, is removed and never written to.
func Replace(name string, b []byte) error {
	temp := name + ".new"
	if err := os.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := create(temp, os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Close()); err != nil {
		os.Remove(temp)
		return err
	}
	return os.Rename(temp, name)
}

// Check returns an error when Append would not write to what has that name now.
// It opens nothing.
func Check(name string) error {
	last, err := follow(name)
	if err != nil {
		return err
	}
	info, err := os.Lstat(last)
	if err != nil || special(last) {
		return nil // opening it will say why
	}
	return trust(last, info)
}

// open opens the file that name leads to, or makes it.
func open(name string, flag int, mode fs.FileMode) (*os.File, error) {
	last, err := follow(name)
	if err != nil {
		return nil, err
	}
	if special(last) {
		return os.OpenFile(last, flag, 0)
	}
	for {
		f, err := os.OpenFile(last, flag|noFollow, 0)
		if errors.Is(err, fs.ErrNotExist) {
			f, err = create(last, flag, mode)
			if errors.Is(err, fs.ErrExist) {
				if _, serr := os.Stat(last); serr == nil {
					continue // another process was faster
				}
			}
		}
		if err != nil {
			return nil, err
		}
		info, err := f.Stat()
		if err == nil {
			err = trust(last, info)
		}
		if err != nil {
			f.Close()
			return nil, err
		}
		return f, nil
	}
}

// follow returns where the links that name is lead to. What is behind the last
// one need not be there.
func follow(name string) (string, error) {
	for range maxLinks {
		if special(name) {
			return name, nil
		}
		info, err := os.Lstat(name)
		if err != nil || info.Mode()&fs.ModeSymlink == 0 {
			return name, nil
		}
		if uid, known := owner(info); known && !ours(uid) {
			return "", &Untrusted{Name: name, What: "a link", UID: uid}
		}
		to, err := os.Readlink(name)
		if err != nil {
			return "", err
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(filepath.Dir(name), to)
		}
		name = to
	}
	return "", fmt.Errorf("%s: too many links", name)
}

// special reports whether a name stands for an open file of a process, which
// only looks like a link.
func special(name string) bool {
	return strings.HasPrefix(filepath.Clean(name), "/proc/") || strings.HasPrefix(filepath.Clean(name), "/dev/fd/")
}

// trust returns an error when a stranger may have put the file there.
func trust(name string, info fs.FileInfo) error {
	what := "a file"
	switch {
	case info.Mode()&fs.ModeNamedPipe != 0:
		what = "a pipe"
	case !info.Mode().IsRegular():
		return nil
	}
	uid, known := owner(info)
	if !known {
		return nil
	}
	folder, err := os.Stat(filepath.Dir(name))
	if err != nil {
		return err
	}
	open := folder.Mode()&0o002 != 0
	above, _ := owner(folder)
	switch {
	case !ours(uid) && (open || privileged() && uid != above):
		return &Untrusted{Name: name, What: what, UID: uid}
	case open && links(info) > 1:
		return &Untrusted{Name: name, What: what, UID: uid, Why: "that has another name elsewhere, in a folder that everybody may write to"}
	}
	return nil
}
