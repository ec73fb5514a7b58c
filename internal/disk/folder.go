package disk

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// MakeFolder makes a folder for the user of this process alone, and those above
// it, unless they are there. It refuses one that a stranger has put into a
// folder that everybody may write to, at any level: its owner can read what is
// in it, and put another in its place.
func MakeFolder(name string) error {
	name, err := filepath.Abs(name)
	if err != nil {
		return err
	}
	if err := trustFolders(name); err != nil { // what is there already
		return err
	}
	if err := MakeFolders(name, 0o700); err != nil {
		return err
	}
	return trustFolders(name) // nobody was faster
}

// trustFolders looks at a folder and at those above it, as far as they are there.
func trustFolders(name string) error {
	for {
		last, err := follow(name)
		if err != nil {
			return err
		}
		above := filepath.Dir(last)
		if above == last {
			return nil
		}
		info, err := os.Lstat(last)
		if err == nil {
			err = trustFolder(last, above, info)
			if err != nil {
				return err
			}
		}
		name = above
	}
}

func trustFolder(name, above string, info fs.FileInfo) error {
	uid, known := owner(info)
	if !known || ours(uid) {
		return nil
	}
	folder, err := os.Stat(above)
	if err != nil {
		return err
	}
	if folder.Mode()&0o002 == 0 {
		return nil
	}
	return &Untrusted{Name: name, What: "a folder", UID: uid}
}

// MakeFolders is os.MkdirAll: it makes a folder and those above it, unless they
// are there. Under sudo they belong to the user who called it, as files do.
func MakeFolders(name string, mode fs.FileMode) error {
	if info, err := os.Stat(name); err == nil {
		if !info.IsDir() {
			return &fs.PathError{Op: "mkdir", Path: name, Err: syscall.ENOTDIR}
		}
		return nil
	}
	if above := filepath.Dir(name); above != name {
		if err := MakeFolders(above, mode); err != nil {
			return err
		}
	}
	err := makeFolder(name, mode)
	if errors.Is(err, fs.ErrExist) {
		if info, serr := os.Stat(name); serr == nil && info.IsDir() {
			return nil // another process was faster
		}
	}
	return err
}
