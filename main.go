// Gor copies live HTTP traffic from production to where it can do no harm:
// another host, a staging server, a file. README.md shows how it is used and
// docs/architecture.md how it is built.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/buger/gor/internal/answers"
	"github.com/buger/gor/internal/buffers"
	"github.com/buger/gor/internal/console"
	"github.com/buger/gor/internal/disk"
	"github.com/buger/gor/internal/http1client"
	"github.com/buger/gor/internal/ledger"
	"github.com/buger/gor/internal/outbound"
	"github.com/buger/gor/internal/pace"
	"github.com/buger/gor/internal/plugin"
	"github.com/buger/gor/internal/process"
	"github.com/buger/gor/internal/queue"
	"github.com/buger/gor/internal/signals"
)

// Exit codes. exitThreshold says that a condition of --fail-on is true.
// exitInterrupted is what a shell gives a process that SIGINT ended: 128 + 2.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitThreshold   = 3
	exitInterrupted = 130
)

// interruptDrain bounds the drain after a signal.
const interruptDrain = 5 * time.Second

func main() {
	os.Exit(run(os.Args[1:], os.Environ(), os.Stdin, os.Stdout, os.Stderr))
}

// run is the whole program. It returns the exit code.
func run(args, environ []string, stdin io.Reader, stdout, stderr io.Writer) int {
	log := console.New(stderr)
	defer log.Close()
	log.SetTerminal(environ)
	printed := &console.Printed{W: stdout} // what is printed and no message
	if c, found := findCommand(args); found {
		if code := c.run(args[1:], stdin, printed, log); code == exitFailed || printed.Err == nil {
			return code // what was wrong has been said
		}
		return printedCode(printed, log)
	}
	s, err := parseSettings(args, environ, printed)
	if errors.Is(err, errHelp) || printed.Err != nil {
		return printedCode(printed, log)
	}
	if s != nil {
		log.SetFormat(console.Format(s.LogFormat))
	}
	if s != nil && s.Check {
		err = errors.Join(err, s.checkPlugins())
	}
	switch {
	case err != nil:
		for line := range strings.Lines(err.Error()) { // one for each mistake
			log.Printf("%s", strings.TrimRight(line, "\n"))
		}
		return exitUsage
	case s.Version:
		fmt.Fprintln(printed, "gor", versionString())
		return printedCode(printed, log)
	}
	for _, note := range s.Notes {
		log.Printf("%s", note)
	}
	if s.Check {
		s.sayRight(log.Printf)
		return exitOK
	}
	if s.fileInput.DryRun {
		if err := dryRun(s, &plugin.Env{Logf: log.Printf}, printed); err != nil {
			log.Printf("%v", err)
			return codeOf(err)
		}
		return printedCode(printed, log)
	}
	if err := supervise(s, log, stdin, stdout); err != nil {
		var code exitCode
		if errors.As(err, &code) {
			return int(code)
		}
		log.Printf("%v", err)
		return codeOf(err)
	}
	return exitOK
}

// printedCode says what was wrong with standard output, if anything was, and returns
// the exit code.
func printedCode(p *console.Printed, log *console.Console) int {
	if p.Err != nil {
		log.Printf("%v", p.Err)
		return exitFailed
	}
	return exitOK
}

// A usageError is about what was typed, not about what was met when it was
// used.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// asUsage marks an error as one, and leaves nil alone.
func asUsage(err error) error {
	if err == nil {
		return nil
	}
	return usageError{err}
}

func codeOf(err error) int {
	if errors.As(err, new(usageError)) {
		return exitUsage
	}
	return exitFailed
}

// exitCode ends run with that code; what had to be said was said.
type exitCode int

func (c exitCode) Error() string { return fmt.Sprintf("exit %d", int(c)) }

// supervise opens the plugins, carries messages until the inputs end or
// somebody says stop, drains the outputs, and says what became of it all.
func supervise(s *Settings, log *console.Console, stdin io.Reader, stdout io.Writer) (err error) {
	stopProfiles, err := process.StartProfiles(
		process.ProfileFile{Label: "--cpuprofile", Name: s.CPUProfile}, process.ProfileFile{Label: "--memprofile", Name: s.MemProfile})
	if err != nil {
		return err
	}
	defer func() {
		if perr := stopProfiles(); err == nil {
			err = perr
		}
	}()
	if s.SummaryJSON != "" {
		// Not at the end of a long replay that the name was a mistake.
		if err := disk.Touch(s.SummaryJSON, 0o600); err != nil {
			return fmt.Errorf("--summary-json: %w", err)
		}
	}
	process.Tune(process.Tuning{
		LargerBy: s.MessageLimit - defaultMessageLimit,
		OnTime:   s.replaysOnTime(),
		GivesWay: s.captures() == len(s.Inputs) && !s.latencyMatters(),
	})

	// The signals are taken before anything is opened, so that none ends Gor
	// between a recording's first byte and its last.
	taken := signals.Take(signals.Config{HangUp: !s.reopens()}) // it opens recordings again
	defer taken.Stop()

	page, err := openPage(s, log.Printf)
	if err != nil {
		return err
	}
	defer page.Close()

	var em *emitter
	done := make(chan struct{})
	var background sync.WaitGroup
	env := &plugin.Env{
		Stdin: stdin, Stdout: stdout, Stderr: log,
		Logf:           log.Printf,
		Own:            outbound.New(s.captures() > 0),
		QueueBytes:     buffers.QueueShare(s.queues()),
		Answers:        buffers.NewBudget(answers.Total),
		Places:         buffers.NewPlaces(http1client.AnswerPlaces),
		Large:          buffers.NewCopies(buffers.NewBudget(buffers.LargeTotal(s.MessageLimit))),
		LatencyMatters: s.latencyMatters(),
		OnTime:         s.replaysOnTime(),
		Forecast:       new(pace.Forecast),
		Background:     &background,
		Done:           done,
	}
	if s.captures() > 0 {
		env.Yield = process.Yield
	}
	finish := make(chan string, 1)
	env.Finish = func(why string) {
		select {
		case finish <- why:
		default: // it ends already
		}
	}
	ready := make(chan struct{})
	env.Settle = func(cancel <-chan struct{}) error {
		select { // an input may settle before the emitter stands
		case <-ready:
			return em.settle(cancel)
		case <-cancel:
			return queue.ErrCancelled
		}
	}
	plugs, err := openInterruptibly(s, env, taken.Requests())
	if err != nil {
		return err
	}
	defer background.Wait()
	defer close(done)
	defer plugs.close()
	em = newEmitter(plugs, s, log.Printf)
	em.large = env.Large
	close(ready)
	page.Serve(func() ledger.Ledger { return takeLedger(em) })
	sayPlan(s, log, plugs)

	r := &runner{s: s, log: log, stdout: stdout, plugs: plugs, em: em, signals: taken.Requests(), finish: finish, unreached: make(chan string, 1), started: time.Now(), over: make(chan struct{})}
	if s.Stats {
		background.Go(func() { r.printStats(done) })
	}
	if s.raw.Stats {
		background.Go(func() { r.printCaptures(done) })
	}
	background.Go(func() { r.showProgress(r.over) })
	background.Go(func() { r.watchPeers(done) })
	return r.run()
}
