//go:build !linux

package main

import "os"

// growPipe needs Linux.
func growPipe(*os.File, int) {}
