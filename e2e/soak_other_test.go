//go:build !linux

package e2e

import "github.com/buger/gor/internal/testkit"

func soakMain([]string) int { return testkit.RoleFailed("packets are forged on Linux only") }
