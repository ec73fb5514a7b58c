//go:build !linux

package main

func soakMain([]string) int { return fail("packets are forged on Linux only") }
