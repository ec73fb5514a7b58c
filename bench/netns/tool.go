package netns

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Tool finds a program, also where only root's PATH leads.
func Tool(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	for _, dir := range []string{"/usr/sbin", "/sbin"} {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err == nil && info.Mode()&0o111 != 0 {
			return path, nil
		}
	}
	return "", fmt.Errorf("find the program %q: not installed", name)
}
