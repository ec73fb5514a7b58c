//go:build !linux

package outbound

import "syscall"

type rawConn = syscall.RawConn

// bindAnyPort does nothing where there is no capture either.
func bindAnyPort(string, rawConn) (uint16, error) { return 0, nil }
