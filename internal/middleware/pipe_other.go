//go:build !linux

package middleware

import "os"

// growPipe needs Linux.
func growPipe(*os.File, int) {}
