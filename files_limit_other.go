//go:build !linux

package main

// openFilesLimit is unknown.
func openFilesLimit() uint64 { return 0 }
