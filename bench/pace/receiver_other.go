//go:build !linux

package main

import (
	"errors"
	"time"
)

// A receiver needs a thread that blocks in read(2), and the control the
// kernel's absolute sleep.
type receiver struct{}

func newReceiver(int, time.Duration) (*receiver, error) { return nil, errors.ErrUnsupported }
func (*receiver) addr() string                          { return "" }
func (*receiver) stamps() []int64                       { return nil }
func (*receiver) close()                                {}

func controlMain([]string) error { return errors.ErrUnsupported }
