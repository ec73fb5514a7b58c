//go:build !linux

package disk

import (
	"io/fs"
	"os"
)

// Elsewhere than on Linux Gor captures nothing, and needs no sudo.
func makeFile(name string, flag int, mode fs.FileMode) (*os.File, error) {
	return os.OpenFile(name, flag|os.O_CREATE|os.O_EXCL, mode)
}

func makeFolder(name string, mode fs.FileMode) error { return os.Mkdir(name, mode) }
