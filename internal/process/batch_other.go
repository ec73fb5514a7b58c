//go:build !linux

package process

// GiveWay needs Linux.
func GiveWay() {}

// Yield needs Linux.
func Yield() {}
