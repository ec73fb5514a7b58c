//go:build !linux

package rawsocket

import (
	"context"
	"errors"
)

func (s *survey) look(context.Context) error { return errors.ErrUnsupported }
