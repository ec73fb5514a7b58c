package disk

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// IsPipe reports whether a name is there and is not a regular file or folder:
// opening it may wait for another program, or take what is meant for later.
func IsPipe(name string) bool {
	info, err := os.Stat(name)
	return err == nil && !info.Mode().IsRegular() && !info.IsDir()
}

// MayRead returns an error when a file cannot be read.
func MayRead(name string) error {
	if IsPipe(name) {
		return nil
	}
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	return f.Close()
}

// MayOpen returns an error when a file cannot be written to, or, when there is
// none, when folder refuses the one that it would be made in.
func MayOpen(name string, folder func(string) error) error {
	if err := Check(name); err != nil {
		return err
	}
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return folder(filepath.Dir(name))
	case err != nil:
		return err
	case info.IsDir():
		return &fs.PathError{Op: "open", Path: name, Err: syscall.EISDIR}
	}
	return mayChange(name)
}

// MayUse returns an error when files cannot be made in a folder.
func MayUse(folder string) error {
	info, err := os.Stat(folder)
	switch {
	case err != nil:
		return err
	case !info.IsDir():
		return &fs.PathError{Op: "open", Path: folder, Err: syscall.ENOTDIR}
	}
	return MayWrite(folder)
}

// MayMake returns an error when files cannot be made in a folder, or the folder
// not in the nearest one above it that there is.
func MayMake(folder string) error {
	for {
		err := MayUse(folder)
		above := filepath.Dir(folder)
		if !errors.Is(err, fs.ErrNotExist) || folder == above {
			return err
		}
		folder = above
	}
}
