package flags

import "flag"

// A Source is where a flag can be given.
type Source uint8

const (
	FromLine Source = 1 << iota
	FromEnvironment
	FromFile
)

// traits are what a flag has beside its value.
type traits struct {
	flag.Value
	optional bool   // the value may be left out
	obsolete string // why it is no longer needed; "": it is
	only     Source // where it can be given; 0: everywhere
	alone    bool   // on the command line it makes all others unimportant

	shown func(value string) string // how a value is shown to others; nil: as an address, without secrets

	needs *condition // without this it does nothing; nil: there is none
	idle  []reason   // why it may do nothing as the others are
	also  *condition // with this it does something without its plugin; nil: never
}

// A condition is met when another flag has its effect.
type condition struct {
	flag string
	met  func() bool
}

// A reason is why a flag does nothing, if it is.
type reason struct {
	is  func() bool
	why string
}

func traitsOf(v flag.Value) traits {
	if t, ok := v.(*traits); ok {
		return *t
	}
	return traits{Value: v}
}

func with(v flag.Value, change func(*traits)) flag.Value {
	t := traitsOf(v)
	change(&t)
	return &t
}

// Optional makes a flag's value one that may be left out, which sets "". So do
// the words true and, without setting anything, false: newer versions of some
// programs switch such flags on and off.
func Optional(v flag.Value) flag.Value {
	return with(v, func(t *traits) { t.optional = true })
}

// Obsolete accepts a flag of older versions that is no longer needed. Why is
// reported once when it is given.
func Obsolete(v flag.Value, why string) flag.Value {
	return with(v, func(t *traits) { t.obsolete = why })
}

// Only limits where a flag can be given.
func Only(v flag.Value, sources Source) flag.Value {
	return with(v, func(t *traits) { t.only = sources })
}

// Alone makes a flag one with which, on the command line, nothing else is
// read, such as --version.
func Alone(v flag.Value) flag.Value {
	return with(v, func(t *traits) { t.alone = true })
}

// Shown makes show say how a flag's value is shown to others than who gave it,
// without what is secret in it.
func Shown(v flag.Value, show func(value string) string) flag.Value {
	return with(v, func(t *traits) { t.shown = show })
}

// Needs makes a flag one that does nothing without another one: met reports
// whether that has its effect.
func Needs(v flag.Value, other string, met func() bool) flag.Value {
	return with(v, func(t *traits) { t.needs = &condition{other, met} })
}

// Missing returns the flag without which this one does nothing, unless it is
// there; "" otherwise.
func Missing(v flag.Value) string {
	if c := traitsOf(v).needs; c != nil && !c.met() {
		return c.flag
	}
	return ""
}

// Unless makes a flag one that does nothing when idle reports true. why is the
// reason, as in "without --other". There may be several.
func Unless(v flag.Value, idle func() bool, why string) flag.Value {
	return with(v, func(t *traits) { t.idle = append(t.idle, reason{idle, why}) })
}

// Idle returns why a flag that was given does nothing, or "". One that is given as
// false is not meant to do anything.
func Idle(v flag.Value) string {
	t := traitsOf(v)
	if t.IsBoolFlag() && t.String() == "false" {
		return ""
	}
	for _, r := range t.idle {
		if r.is() {
			return r.why
		}
	}
	return ""
}

// HasCondition reports whether a flag may do nothing for want of others.
func HasCondition(v flag.Value) bool {
	t := traitsOf(v)
	return t.needs != nil || t.idle != nil
}

// AlsoWith makes a flag of a plugin one that does something without the plugin
// too: with another flag, if met.
func AlsoWith(v flag.Value, other string, met func() bool) flag.Value {
	return with(v, func(t *traits) { t.also = &condition{other, met} })
}

// Also returns that other flag, and whether it has its effect; "" where there is
// none.
func Also(v flag.Value) (other string, met bool) {
	if c := traitsOf(v).also; c != nil {
		return c.flag, c.met()
	}
	return "", false
}

func (t *traits) Set(value string) error {
	if t.optional {
		switch value {
		case "true":
			value = ""
		case "false":
			return nil
		}
	}
	return t.Value.Set(value)
}

// String may be called on the zero value, by package flag.
func (t *traits) String() string {
	if t.Value == nil {
		return ""
	}
	return t.Value.String()
}

func (t *traits) IsBoolFlag() bool {
	b, ok := t.Value.(interface{ IsBoolFlag() bool })
	return ok && b.IsBoolFlag()
}

func (t *traits) allows(s Source) bool { return t.only == 0 || t.only&s != 0 }
