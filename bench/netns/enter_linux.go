package netns

import (
	"os"

	"golang.org/x/sys/unix"
)

// enter moves the calling thread into a namespace.
func enter(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return unix.Setns(int(f.Fd()), unix.CLONE_NEWNET)
}
