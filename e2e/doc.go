// Package e2e holds the tests of the whole program. They see what its users see:
// the command line, what it prints and writes, what its targets are sent. TestMain
// builds it once, so nothing here can reach into package main; servers, traffic and
// the like are in internal/testkit.
package e2e
