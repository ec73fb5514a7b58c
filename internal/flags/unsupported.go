package flags

import (
	"fmt"
	"strings"

	"github.com/buger/gor/internal/address"
)

// Unsupported are flags and addresses of other programs, of the same names as
// this one's, for what this version does not have.
type Unsupported []UnsupportedName

// An UnsupportedName is a flag that begins with Prefix, or, where Scheme is not
// empty, an address of the flag Prefix that begins with Scheme.
type UnsupportedName struct {
	Prefix string
	Scheme string
	What   string // it is for
	Advice string // what to do instead
}

// Flag returns an error for a flag that is one of them, or nil.
func (u Unsupported) Flag(name string) error {
	for _, row := range u {
		if row.Scheme == "" && strings.HasPrefix(name, row.Prefix) {
			return fmt.Errorf("--%s: this version has no %s; %s", name, row.What, row.Advice)
		}
	}
	return nil
}

// Address does the same for the address that a flag was given, which is said without
// its password.
func (u Unsupported) Address(flag, addr string) error {
	for _, row := range u {
		if row.Scheme != "" && flag == row.Prefix && strings.HasPrefix(addr, row.Scheme) {
			return fmt.Errorf("--%s %s: this version has no %s; %s", flag, address.Redact(addr), row.What, row.Advice)
		}
	}
	return nil
}
