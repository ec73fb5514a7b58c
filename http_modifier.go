package main

import (
	"flag"
	"slices"
	"sync/atomic"

	"github.com/buger/gor/internal/address"
	"github.com/buger/gor/internal/flags"
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/plugin"
	"github.com/buger/gor/internal/pretty"
	"github.com/buger/gor/internal/recent"
	"github.com/buger/gor/internal/rules"
	"github.com/buger/gor/internal/stats"
)

// tooManyFieldsRow names the row of requests that rules could not be applied
// to: to pass them on as they are could pass on what a rule was to take out.
const tooManyFieldsRow = "too many header fields"

// modifierSettings is what the command line says of the wrappers below.
type modifierSettings struct {
	Rules        []ruleArg // filters and rewrites, in the order of the command line
	OriginalHost bool      // leave the recorded Host as it is
	Prettify     bool      // decode bodies
}

// ruleArg is one filter or rewrite: as the command line names it, and what that
// means.
type ruleArg struct {
	Flag  string
	Value string
	rule  rules.Rule
}

// modifiedInput drops the requests that a filter drops, their responses with
// them, and rewrites the others.
type modifiedInput struct {
	plugin.Input
	rules         *rules.Set
	dropped       *recent.IDs // requests that do not pass; nil: there are no responses
	filtered      atomic.Uint64
	tooManyFields atomic.Uint64
	verbose       int
	logf          func(format string, args ...any)
	told          bool // an edit that could not be made was reported
	held          plugin.Held
}

// modifyInput wraps in with filters and rewrites, or returns it as it is when
// there are none. responses says that responses may follow the requests.
func modifyInput(in plugin.Input, s *Settings, responses bool, logf func(format string, args ...any)) plugin.Input {
	if len(s.modifier.Rules) == 0 {
		return in
	}
	list := make([]rules.Rule, len(s.modifier.Rules))
	for i, arg := range s.modifier.Rules {
		list[i] = arg.rule
	}
	m := &modifiedInput{Input: in, rules: rules.Compile(list), verbose: s.Verbose, logf: logf}
	if responses {
		m.dropped = recent.New()
	}
	return m
}

func (m *modifiedInput) Read(p []byte) (int, error) {
	if m.held != nil {
		return m.held.Give(p)
	}
	for {
		n, err := m.Input.Read(p)
		if err != nil {
			return n, err
		}
		msg := p[:n]
		if !m.pass(msg) {
			continue
		}
		if !payload.IsRequest(msg) {
			return n, nil
		}
		m.held = m.rewrite(msg)
		if m.held == nil {
			return n, nil
		}
		return m.held.Give(p)
	}
}

// rewrite returns the edited message, nil when it stays as it is.
func (m *modifiedInput) rewrite(msg []byte) []byte {
	edited, err := m.rules.Rewrite(msg)
	if err != nil && !m.told {
		m.told = true
		m.logf("a rewrite was not made, as it would break the request: %v", err)
	}
	return edited
}

// pass reports whether a message goes on, and counts it when it does not. A
// response shares its request's verdict.
func (m *modifiedInput) pass(msg []byte) bool {
	verdict := rules.Passed
	if payload.IsRequest(msg) {
		verdict = m.rules.Pass(msg)
		if verdict != rules.Passed {
			m.dropped.Put(msg, 1)
		}
	} else if _, dropped := m.dropped.Get(msg); dropped {
		verdict = rules.Filtered
	}
	switch verdict {
	case rules.Passed:
		return true
	case rules.TooManyFields:
		m.tooManyFields.Add(1)
		m.loss(tooManyFieldsRow, msg)
	default:
		m.filtered.Add(1)
		m.loss("filtered", msg)
	}
	return false
}

func (m *modifiedInput) loss(reason string, msg []byte) {
	if m.verbose >= verboseLosses {
		m.logf("%s: %s: %s", m, reason, payload.Describe(msg))
	}
}

func (m *modifiedInput) Counts() []stats.Count {
	rows := slices.Concat(m.Input.Counts(), []stats.Count{{Name: "filtered", Kind: stats.Filtered, N: m.filtered.Load()}})
	if n := m.tooManyFields.Load(); n > 0 {
		rows = append(rows, stats.Count{Name: tooManyFieldsRow, Kind: stats.Lost, N: n})
	}
	return rows
}

// prettifyInput wraps in for --prettify-http, or returns it as it is without.
func prettifyInput(in plugin.Input, s *Settings) plugin.Input {
	if !s.modifier.Prettify {
		return in
	}
	return pretty.Wrap(in, s.MessageLimit)
}

// describedInput names each message on stderr as it comes.
type describedInput struct {
	plugin.Input
	logf func(format string, args ...any)
}

// describeInput wraps in for --verbose 3, or returns it as it is below that.
func describeInput(in plugin.Input, s *Settings, logf func(format string, args ...any)) plugin.Input {
	if s.Verbose < verboseMessages {
		return in
	}
	return &describedInput{in, logf}
}

func (d *describedInput) Read(p []byte) (int, error) {
	n, err := d.Input.Read(p)
	if err == nil {
		d.logf("%s: %s", d, payload.Describe(p[:n]))
	}
	return n, err
}

// rule collects a kind of filters or rewrites. One that does not parse is refused
// at once, before anything is opened.
func (s *Settings) rule(name string, kind rules.Kind) flag.Value {
	return flags.Each(func(text string) error {
		rule, err := rules.Parse(kind, text)
		if err == nil {
			s.modifier.Rules = append(s.modifier.Rules, ruleArg{name, text, rule})
		}
		return err
	})
}

// filterFlags are the filters, under the names of both generations.
func (s *Settings) filterFlags() flagGroup {
	return flagGroup{"Filters: a request that does not pass is dropped, for every output", []string{"filters"}, []flagDef{
		{"http-allow-method", "METHOD", "pass only this method; may be given several times", "", s.rule("http-allow-method", rules.AllowMethod)},
		{"output-http-method", "METHOD", "older name of --http-allow-method",
			"gor --input-raw :80 --output-http staging.com --output-http-method GET --output-http-method OPTIONS", s.rule("output-http-method",
				rules.AllowMethod)},
		{"http-allow-url", "REGEXP", "pass only requests whose URL, or host and URL, match", "", s.rule("http-allow-url", rules.AllowURL)},
		{"http-disallow-url", "REGEXP", "drop them", "", s.rule("http-disallow-url", rules.DisallowURL)},
		{"output-http-url-regexp", "REGEXP", "pass only requests whose host and URL match",
			"gor --input-raw :8080 --output-http staging.com --output-http-url-regexp ^www.", s.rule("output-http-url-regexp", rules.AllowHostURL)},
		{"http-allow-header", "NAME:REGEXP", "pass only requests with a matching header", "", s.rule("http-allow-header", rules.AllowHeader)},
		{"http-disallow-header", "NAME:REGEXP", "drop requests with a matching header", "", s.rule("http-disallow-header", rules.DisallowHeader)},
		{"output-http-header-filter", "NAME:REGEXP", "older name of --http-allow-header",
			"gor --input-raw :8080 --output-http staging.com --output-http-header-filter api-version:^v1", s.rule("output-http-header-filter",
				rules.AllowHeader)},
		{"output-http-header-hash-filter", "NAME:N/D",
			"pass a fraction of the requests, always the same ones, by a hash of the header; D is a power of two. The hash (FNV-1a, of which the first " +
				"bits count) is that of Gor 0.9, so that old commands choose the same requests: short values such as numbers it spreads badly, " +
				"and 1/32 may be many more or fewer of them. For those use --http-header-limiter",
			"gor --input-raw :8080 --output-http staging.com --output-http-header-hash-filter user-id:1/4", s.rule("output-http-header-hash-filter",
				rules.SampleHeaderHash)},
		{"http-basic-auth-filter", "REGEXP", "pass only requests whose Basic auth user:password matches, or that have none", "",
			flags.Shown(s.rule("http-basic-auth-filter", rules.AllowBasicAuth), func(string) string { return address.Mask })},
		{"http-header-limiter", "NAME:P%", "pass so many percent of the requests, always the same ones, by a hash of the header (FNV-1a modulo 100, as in GoReplay), which spreads short values " +
			"evenly too; N/D means as many percent, rounded down; requests without the header pass", "gor --input-raw :80 --output-http staging.com --http-header-limiter user-id:3%", s.rule("http-header-limiter",
			rules.SampleHeader)},
		{"http-param-limiter", "NAME:P%", "the same by a query parameter", "", s.rule("http-param-limiter", rules.SampleParam)},
	}}
}

// rewriteFlags are the rewrites, under the names of both generations.
func (s *Settings) rewriteFlags() flagGroup {
	return flagGroup{"Rewrites: done after the filters, for every output", []string{"rewrites"}, []flagDef{
		{"http-set-header", "NAME: VALUE", "set a header", "", s.rule("http-set-header", rules.SetHeader)},
		{"output-http-header", "NAME: VALUE", "older name of --http-set-header",
			"gor --input-raw :8080 --output-http staging.com --output-http-header 'User-Agent: Gor'", s.rule("output-http-header", rules.SetHeader)},
		{"http-set-param", "NAME=VALUE", "set a query parameter", "", s.rule("http-set-param", rules.SetParam)},
		{"http-rewrite-url", "REGEXP:REPLACEMENT", "rewrite the URL; $1 is the first group; the first rule that matches wins", "", s.rule(
			"http-rewrite-url", rules.RewriteURL)},
		{"output-http-rewrite-url", "REGEXP:REPLACEMENT", "older name of --http-rewrite-url", "", s.rule("output-http-rewrite-url", rules.RewriteURL)},
		{"http-rewrite-header", "NAME: REGEXP,REPLACEMENT", "rewrite a header where it is present", "", s.rule("http-rewrite-header",
			rules.RewriteHeader)},
		{"http-original-host", "", "keep the recorded Host header instead of setting the target's; TLS then asks for that host too, see --output-http-sni", "",
			flags.Unless(flags.Bool(&s.modifier.OriginalHost), func() bool { return !s.has("output-http") }, "without --output-http; what other outputs get always keeps the recorded Host")},
	}}
}
