//go:build !linux

package netns

import "errors"

func enter(string) error { return errors.New("only Linux has network namespaces") }
