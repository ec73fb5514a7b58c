package flags

import (
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The values below refuse what they do not understand and say what they would
// have understood; the parser adds the flag's name and quotes the value.

type boolValue bool

// Bool is a switch. It takes true and false as the next argument too.
func Bool(p *bool) flag.Value         { return (*boolValue)(p) }
func (v *boolValue) IsBoolFlag() bool { return true }
func (v *boolValue) Words() []string  { return []string{"true", "false"} }
func (v *boolValue) String() string   { return strconv.FormatBool(bool(*v)) }
func (v *boolValue) Set(s string) error {
	switch s {
	case "true", "1":
		*v = true
	case "false", "0":
		*v = false
	default:
		return fmt.Errorf("want true or false")
	}
	return nil
}

type stringValue string

// String takes any text but the empty one: a name of a file, a command.
func String(p *string) flag.Value     { return (*stringValue)(p) }
func (v *stringValue) String() string { return string(*v) }
func (v *stringValue) Set(s string) error {
	if s == "" {
		return fmt.Errorf("want a name")
	}
	*v = stringValue(s)
	return nil
}

// Once takes a name that cannot be given twice: the first would be
// forgotten without a word.
func Once(p *string) flag.Value { return (*onceValue)(p) }

type onceValue string

func (v *onceValue) String() string { return string(*v) }
func (v *onceValue) Set(s string) error {
	if *v != "" {
		return fmt.Errorf("it is %q already, and can be given once", string(*v))
	}
	return (*stringValue)(v).Set(s)
}

type intValue struct {
	p        *int
	min, max int
}

// Int takes a whole number from least to most.
func Int(p *int, least, most int) flag.Value { return &intValue{p, least, most} }
func (v *intValue) String() string {
	if v.p == nil {
		return ""
	}
	return strconv.Itoa(*v.p)
}
func (v *intValue) Set(s string) error {
	n, err := strconv.Atoi(s)
	if err != nil || n < v.min || n > v.max {
		return fmt.Errorf("want a whole number from %d to %d", v.min, v.max)
	}
	*v.p = n
	return nil
}

type durationValue struct {
	p     *time.Duration
	least time.Duration
}

// Duration takes a duration of at least least, in package time's form.
func Duration(p *time.Duration, least time.Duration) flag.Value {
	return &durationValue{p, least}
}
func (v *durationValue) String() string {
	if v.p == nil {
		return ""
	}
	return v.p.String()
}
func (v *durationValue) Set(s string) error {
	d, err := time.ParseDuration(s)
	if err != nil {
		return fmt.Errorf("want a duration such as 500ms, 30s or 5m")
	}
	if d < v.least {
		return fmt.Errorf("want at least %s", v.least)
	}
	*v.p = d
	return nil
}

type percentValue int

// Percent takes 200 and 200%.
func Percent(p *int) flag.Value        { return (*percentValue)(p) }
func (v *percentValue) String() string { return strconv.Itoa(int(*v)) }
func (v *percentValue) Set(s string) error {
	n, err := strconv.Atoi(strings.TrimSuffix(s, "%"))
	if err != nil || n < 0 || n > 1_000_000 {
		return fmt.Errorf("want a percentage such as 200%%")
	}
	*v = percentValue(n)
	return nil
}

type modeValue uint32

// Mode takes the permissions of a file, in octal.
func Mode(p *uint32) flag.Value     { return (*modeValue)(p) }
func (v *modeValue) String() string { return fmt.Sprintf("%04o", uint32(*v)) }
func (v *modeValue) Set(s string) error {
	n, err := strconv.ParseUint(s, 8, 32)
	if err != nil || n > 0o777 {
		return fmt.Errorf("want permissions in octal such as 0640")
	}
	*v = modeValue(n)
	return nil
}

type choiceValue struct {
	p       *string
	choices []string
}

// OneOf takes one of a few words.
func OneOf(p *string, words ...string) flag.Value { return &choiceValue{p, words} }
func (v *choiceValue) Choices() []string          { return v.choices }
func (v *choiceValue) String() string {
	if v.p == nil {
		return ""
	}
	return *v.p
}
func (v *choiceValue) Set(s string) error {
	if !slices.Contains(v.choices, s) {
		return fmt.Errorf("want %s", strings.Join(v.choices, " or "))
	}
	*v.p = s
	return nil
}

type levelValue int

// Level takes a level from 0 to 3. As a switch it is level 1.
func Level(p *int) flag.Value           { return (*levelValue)(p) }
func (v *levelValue) IsBoolFlag() bool  { return true }
func (v *levelValue) Words() []string   { return []string{"true", "false", "0", "1", "2", "3"} }
func (v *levelValue) Choices() []string { return []string{"0", "1", "2", "3"} }
func (v *levelValue) String() string    { return strconv.Itoa(int(*v)) }
func (v *levelValue) Set(s string) error {
	switch s {
	case "true":
		*v = 1
	case "false":
		*v = 0
	case "0", "1", "2", "3":
		*v = levelValue(s[0] - '0')
	default:
		return fmt.Errorf("want a level from 0 to 3")
	}
	return nil
}
