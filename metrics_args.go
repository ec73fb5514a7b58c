package main

import (
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/buger/gor/internal/address"
)

// shownArgs is a command line without its secrets.
func shownArgs(args []string) []string {
	shown := make([]string, len(args))
	before := ""
	for i, arg := range args {
		dashed := strings.HasPrefix(arg, "-")
		name, value, given := strings.Cut(arg, "=")
		switch {
		case dashed && given:
			shown[i] = name + "=" + shownValue(name, value)
		case dashed:
			shown[i] = address.Redact(arg)
		default:
			shown[i] = shownValue(before, arg)
		}
		before = ""
		if dashed {
			before = name
		}
	}
	return shown
}

// shownValue is the value of a flag without what is secret in it.
func shownValue(flag, value string) string {
	switch strings.ReplaceAll(strings.TrimLeft(flag, "-"), "_", "-") {
	case "middleware":
		return shownCommand(value)
	case "http-basic-auth-filter":
		return address.Mask
	}
	return address.Redact(value)
}

// serveCommandLine answers as net/http/pprof does, without the secrets.
func (p *statusPage) serveCommandLine(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	io.WriteString(w, strings.Join(shownArgs(os.Args), "\x00"))
}
