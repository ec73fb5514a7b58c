package main

import (
	"fmt"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/buger/gor/internal/testkit"
)

// TestMain makes this binary the Gor that its tests start.
func TestMain(m *testing.M) {
	testkit.PlayRole(map[string]testkit.Role{
		"gor":  func(args []string) int { return run(args, os.Environ(), os.Stdin, os.Stdout, os.Stderr) },
		"soak": soakMain,
	})
	self, err := os.Executable()
	if err == nil {
		err = testkit.UseProgram(self)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	testscript.Main(m, map[string]func(){"gor": main})
}
