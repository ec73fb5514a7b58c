package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/buger/gor/internal/address"
	"github.com/buger/gor/internal/admission"
	"github.com/buger/gor/internal/disk"
	"github.com/buger/gor/internal/ledger"
	"github.com/buger/gor/internal/status"
)

// openPage opens the page of --http-pprof, or returns nil when there is none.
func openPage(s *Settings, logf func(format string, args ...any)) (*status.Page, error) {
	flag, addr := "http-pprof", s.HTTPPprof
	if s.Metrics != "" {
		flag, addr = "metrics", s.Metrics
	}
	switch {
	case s.Metrics != "" && s.HTTPPprof != "":
		return nil, asUsage(fmt.Errorf("--metrics %s and --http-pprof %s are one flag; leave one out", s.Metrics, s.HTTPPprof))
	case addr == "":
		return nil, nil
	}
	listener, err := admission.Listen(addr)
	if err != nil {
		return nil, fmt.Errorf("--%s: %w", flag, err)
	}
	return status.New(listener, status.Config{Version: version, Build: versionString(), CommandLine: shownArgs(os.Args), Logf: logf}), nil
}

// rewrite puts b into a file, which only its owner may read when it is new.
func rewrite(name string, b []byte) error {
	f, err := disk.Rewrite(name, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Close())
}

// writeSummaryJSON writes the ledger to the file of --summary-json.
func writeSummaryJSON(name string, v ledger.Vars) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err == nil {
		err = rewrite(name, append(text, '\n'))
	}
	if err != nil {
		return fmt.Errorf("--summary-json: %w", err)
	}
	return nil
}

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

// checkListenAddr refuses what cannot be listened on.
func checkListenAddr(s string) (string, error) {
	if address.CheckListen(s) != nil {
		return "", errors.New("want an address to listen on, such as :8181 or 127.0.0.1:8181")
	}
	return s, nil
}
