package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/buger/gor/internal/pace"
)

// checkPlugins finds what would stop Gor at its start, for --check, as far as
// that can be told without opening, making or sending anything: addresses,
// limits, files. Whether a port is free or a host answers it cannot tell.
func (s *Settings) checkPlugins() error {
	var errs []error
	add := func(flag, value string, err error) {
		if err != nil {
			errs = append(errs, fmt.Errorf("--%s %s: %w", flag, value, err))
		}
	}
	for _, arg := range s.Inputs {
		for _, row := range inputPlugins() {
			if row.name == arg.Flag {
				add(arg.Flag, arg.Value, row.checkArg(arg.Value, s))
			}
		}
	}
	for _, arg := range s.Outputs {
		for _, row := range outputPlugins() {
			if row.name == arg.Flag {
				add(arg.Flag, arg.Value, row.checkArg(arg.Value, s))
			}
		}
	}
	if s.Middleware != "" {
		if words, err := middlewareWords(s.Middleware); err == nil { // else it has been said
			_, err = exec.LookPath(words[0])
			add("middleware", s.Middleware, err)
		}
	}
	for _, file := range [...]struct{ flag, name string }{{"cpuprofile", s.CPUProfile}, {"memprofile", s.MemProfile}, {"summary-json", s.SummaryJSON}} {
		if file.name != "" {
			add(file.flag, file.name, mayMake(filepath.Dir(file.name)))
		}
	}
	return errors.Join(errs...)
}

func (row inputPlugin) checkArg(value string, s *Settings) error {
	addr, limit, err := splitLimit(value)
	if err != nil {
		return err
	}
	if err := row.limitFits(limit); err != nil || row.check == nil {
		return err
	}
	return row.check(addr, limit, s)
}

func (row outputPlugin) checkArg(value string, s *Settings) error {
	addr, limit, err := splitLimit(value)
	if err != nil {
		return err
	}
	if err := limit.Share(); err != nil || row.check == nil {
		return err
	}
	return row.check(addr, s)
}

// sayRight ends --check: what would run.
func (s *Settings) sayRight(logf func(format string, args ...any)) {
	for _, arg := range s.Inputs {
		logf("from %s %s", arg.Flag, arg.Value)
	}
	if s.Middleware != "" {
		logf("through middleware %s", s.Middleware)
	}
	for _, arg := range s.Outputs {
		logf("to %s %s", arg.Flag, arg.Value)
	}
	logf("the settings are right")
}

func unheard(string, ...any) {}

func checkRawInput(addr string, _ pace.Limit, s *Settings) error {
	a, err := rawAddress(addr, s)
	if err != nil || a.Live() || a.Path == "-" {
		return err
	}
	return mayRead(a.Path)
}

func checkTCPInput(addr string, _ pace.Limit, s *Settings) error {
	_, err := receiverTLS(&s.TCP, unheard)
	return errors.Join(checkLinkAddr(addr), err)
}

func checkFileInput(pattern string, limit pace.Limit, s *Settings) error {
	f, err := openReplay(pattern, limit, s, &pluginEnv{logf: unheard})
	if err != nil {
		return err
	}
	return f.Close()
}

func checkHTTPOutput(addr string, _ *Settings) error {
	_, err := parseTarget(addr)
	return err
}

func checkTCPOutput(addr string, s *Settings) error {
	host, err := linkHost(addr)
	if err != nil {
		return err
	}
	if s.TCP.Spill != "" {
		if err := mayMake(s.TCP.Spill); err != nil {
			return fmt.Errorf("--output-tcp-spill %s: %w", s.TCP.Spill, err)
		}
	}
	_, err = senderTLS(&s.TCP, host, unheard)
	return err
}

func checkWSOutput(addr string, _ *Settings) error {
	_, err := parseWSTarget(addr)
	return err
}

func checkFileOutput(pattern string, _ *Settings) error {
	if pattern == "" {
		return errNoRecordingName
	}
	n := newFileName(pattern)
	now := time.Now()
	if err := mayMake(n.folder(now)); err != nil {
		return explainOpen(err)
	}
	if n.perMessage {
		return nil
	}
	switch info, err := os.Stat(string(n.at(now, nil))); {
	case err == nil && info.IsDir():
		return explainOpen(&fs.PathError{Op: "open", Path: pattern, Err: syscall.EISDIR})
	default:
		return nil // it is there, or will be made
	}
}

// mayRead returns an error when a file cannot be read.
func mayRead(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	return f.Close()
}

// mayMake returns an error when files cannot be made in a folder, or the folder
// not in the nearest one above it that there is.
func mayMake(folder string) error {
	for {
		switch info, err := os.Stat(folder); {
		case err == nil && info.IsDir():
			return mayWrite(folder)
		case err == nil:
			return &fs.PathError{Op: "open", Path: folder, Err: syscall.ENOTDIR}
		case !errors.Is(err, fs.ErrNotExist) || folder == filepath.Dir(folder):
			return err
		}
		folder = filepath.Dir(folder)
	}
}
