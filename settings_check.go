package main

import (
	"errors"
	"fmt"
	"os/exec"

	"github.com/buger/gor/internal/address"
	"github.com/buger/gor/internal/disk"
	"github.com/buger/gor/internal/http1client"
	"github.com/buger/gor/internal/middleware"
	"github.com/buger/gor/internal/pace"
	"github.com/buger/gor/internal/wsclient"
)

// checkPlugins finds what would stop Gor at its start, for --check, as far as
// that can be told without opening, making or sending anything: addresses,
// limits, files. Whether a port is free or a host answers it cannot tell.
func (s *Settings) checkPlugins() error {
	var errs []error
	add := func(flag, value string, err error) {
		if err != nil {
			errs = append(errs, argError(flag, value, err))
		}
	}
	for _, arg := range s.Inputs {
		row, err := findInput(arg.Flag)
		if err == nil {
			err = row.checkArg(arg.Value, s)
		}
		add(arg.Flag, arg.Value, err)
	}
	for _, arg := range s.Outputs {
		row, err := findOutput(arg.Flag)
		if err == nil {
			err = row.checkArg(arg.Value, s)
		}
		add(arg.Flag, arg.Value, err)
	}
	if s.Middleware != "" {
		if words, err := middleware.Words(s.Middleware); err == nil { // else it has been said
			_, err = exec.LookPath(words[0])
			add("middleware", shownCommand(s.Middleware), err)
		}
	}
	for _, file := range [...]struct{ flag, name string }{{"cpuprofile", s.CPUProfile}, {"memprofile", s.MemProfile}, {"summary-json", s.SummaryJSON}} {
		if file.name != "" {
			add(file.flag, file.name, disk.MayOpen(file.name, disk.MayUse))
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
		logf("from %s %s", arg.Flag, address.Redact(arg.Value))
	}
	tellOfSpeeds(inputGroups(s.Inputs), logf)
	if s.Middleware != "" {
		logf("through middleware %s", shownCommand(s.Middleware))
	}
	for _, arg := range s.Outputs {
		logf("to %s %s", arg.Flag, address.Redact(arg.Value))
	}
	logf("the settings are right")
}

func unheard(string, ...any) {}

func checkRawInput(addr string, _ pace.Limit, s *Settings) error {
	a, err := rawAddress(addr, s)
	if err != nil || a.Live() || a.Path == "-" {
		return err
	}
	return disk.MayRead(a.Path)
}

func checkTCPInput(addr string, _ pace.Limit, s *Settings) error {
	_, err := receiverTLS(&s.tcpInput, unheard)
	return errors.Join(checkLinkAddr(addr), err)
}

func checkHTTPOutput(addr string, s *Settings) error {
	t, err := http1client.ParseTarget(addr)
	if err == nil {
		_, err = s.http.openTLS(t, unheard)
	}
	return err
}

func checkTCPOutput(addr string, s *Settings) error {
	host, err := linkHost(addr)
	errs := []error{err}
	if s.tcpOutput.Spill != "" {
		if err := disk.MayMake(s.tcpOutput.Spill); err != nil {
			errs = append(errs, fmt.Errorf("--output-tcp-spill %s: %w", s.tcpOutput.Spill, err))
		}
	}
	_, err = senderTLS(&s.tcpOutput, host, unheard)
	return errors.Join(append(errs, err)...)
}

func checkWSOutput(addr string, s *Settings) error {
	t, err := wsclient.Parse(addr)
	if err == nil {
		_, err = s.ws.TLS.open("output-ws", t.TLS(s.ws.TLS.SkipVerify), unheard)
	}
	return err
}
