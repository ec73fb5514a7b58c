package flags

import (
	"errors"
	"flag"
	"strconv"

	"github.com/buger/gor/internal/address"
)

// checkedValue keeps what a check makes of the text.
type checkedValue struct {
	p     *string
	check func(s string) (kept string, err error)
	words []string // it is one of these; nil: any text may do
}

// Checked takes a text that check does not refuse, and keeps what check returns.
func Checked(p *string, check func(s string) (kept string, err error)) flag.Value {
	return &checkedValue{p: p, check: check}
}

// Named is Checked for a text that is known under a few words, which shells
// complete, and perhaps under others.
func Named(p *string, check func(s string) (kept string, err error), words ...string) flag.Value {
	return &checkedValue{p, check, words}
}

func (v *checkedValue) Choices() []string { return v.words }

func (v *checkedValue) String() string {
	if v.p == nil {
		return ""
	}
	return *v.p
}

func (v *checkedValue) Set(s string) error {
	kept, err := v.check(s)
	if err != nil {
		return err
	}
	*v.p = kept
	return nil
}

// parsedValue keeps what parse makes of the text.
type parsedValue[T any] struct {
	p     *T
	parse func(s string) (T, error)
	show  func(T) string
}

// Parsed takes a text that parse does not refuse, and keeps what parse returns.
// show is the inverse of parse, for defaults.
func Parsed[T any](p *T, parse func(s string) (T, error), show func(T) string) flag.Value {
	return &parsedValue[T]{p, parse, show}
}

// String may be called on the zero value, by package flag.
func (v *parsedValue[T]) String() string {
	if v.p == nil {
		return ""
	}
	return v.show(*v.p)
}

func (v *parsedValue[T]) Set(s string) error {
	kept, err := v.parse(s)
	if err != nil {
		return err
	}
	*v.p = kept
	return nil
}

// listOf collects what a flag is given that may be given several times.
type listOf[T any] struct {
	p    *[]T
	read func(s string) (T, error)
}

func (v *listOf[T]) String() string { return "" }
func (v *listOf[T]) IsList() bool   { return true }

func (v *listOf[T]) Set(s string) error {
	item, err := v.read(s)
	if err != nil {
		return err
	}
	*v.p = append(*v.p, item)
	return nil
}

// Ints collects whole numbers from least to most. want is the error for all
// others.
func Ints(p *[]int, least, most int, want string) flag.Value {
	return &listOf[int]{p, func(s string) (int, error) {
		n, err := strconv.Atoi(s)
		if err != nil || n < least || n > most {
			return 0, errors.New(want)
		}
		return n, nil
	}}
}

// Texts collects what check returns of each text.
func Texts(p *[]string, check func(s string) (kept string, err error)) flag.Value {
	return &listOf[string]{p, check}
}

// eachValue hands on what a flag is given that may be given several times.
type eachValue func(text string) error

// Each calls take with every text that the flag is given.
func Each(take func(text string) error) flag.Value { return eachValue(take) }

func (v eachValue) String() string        { return "" }
func (v eachValue) IsList() bool          { return true }
func (v eachValue) Set(text string) error { return v(text) }

// Listen takes an address to listen on.
func Listen(p *string) flag.Value {
	return Checked(p, func(s string) (string, error) {
		if address.CheckListen(s) != nil {
			return "", errors.New("want an address to listen on, such as :8181 or 127.0.0.1:8181")
		}
		return s, nil
	})
}
