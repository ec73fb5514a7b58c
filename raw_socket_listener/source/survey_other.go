//go:build !linux

package source

import (
	"context"
	"errors"
)

func (s *Survey) Look(context.Context) error { return errors.ErrUnsupported }
