package jsondiff

import (
	"bytes"
	"hash/maphash"
	"math"
	"math/big"
	"strconv"
)

// A decimal is a number as it was written, without loss: digits times ten to the
// exponent.
type decimal struct {
	negative bool
	digits   []byte // without zeros at either end; empty for zero. It may refer to the text
	exponent int64  // of the last digit
}

// mostExponent bounds what an exponent may be for arithmetic. Those beyond are
// compared as they are written.
const mostExponent = 1 << 40

// number reads the number at pos.
func (d *Document) number(i int32) error {
	start := d.pos
	d.take('-')
	whole := d.digits()
	if whole == 0 || whole > 1 && d.src[d.pos-whole] == '0' {
		return ErrSyntax
	}
	if d.take('.') && d.digits() == 0 {
		return ErrSyntax
	}
	if d.pos < len(d.src) && d.src[d.pos]|0x20 == 'e' {
		d.pos++
		if !d.take('+') {
			d.take('-')
		}
		if d.digits() == 0 {
			return ErrSyntax
		}
	}
	d.nodes[i].typ = number
	d.nodes[i].hash = d.hashNumber(d.src[start:d.pos])
	return nil
}

func (d *Document) digits() (n int) {
	for d.pos < len(d.src) && d.src[d.pos]-'0' <= 9 {
		d.pos++
		n++
	}
	return n
}

// hashNumber gives 1, 1.0 and 10e-1 one hash.
func (d *Document) hashNumber(lit []byte) uint64 {
	n, ok := parseDecimal(lit)
	if !ok {
		return maphash.Bytes(d.seed, lit)
	}
	h := mix(maphash.Bytes(d.seed, n.digits), uint64(n.exponent))
	if n.negative {
		h = mix(h, uint64(number))
	}
	return h
}

// parseDecimal reads a number literal. ok is false when its exponent is beyond
// mostExponent.
func parseDecimal(lit []byte) (n decimal, ok bool) {
	if lit[0] == '-' {
		n.negative = true
		lit = lit[1:]
	}
	if i := bytes.IndexAny(lit, "eE"); i >= 0 {
		e, err := strconv.ParseInt(string(lit[i+1:]), 10, 64)
		if err != nil || e > mostExponent || e < -mostExponent {
			return n, false
		}
		n.exponent = e
		lit = lit[:i]
	}
	n.digits = lit
	if i := bytes.IndexByte(lit, '.'); i >= 0 {
		n.exponent -= int64(len(lit) - i - 1)
		n.digits = append(bytes.Clone(lit[:i]), lit[i+1:]...)
	}
	n.digits = bytes.TrimLeft(n.digits, "0")
	all := len(n.digits)
	n.digits = bytes.TrimRight(n.digits, "0")
	n.exponent += int64(all - len(n.digits))
	if len(n.digits) == 0 {
		return decimal{}, true
	}
	return n, true
}

// A Tolerance is how far two numbers may lie apart. The zero value is not at all.
type Tolerance struct {
	Absolute float64 // in the number's own unit
	Relative float64 // of the larger of both: 0.01 is one percent
}

// mostDigits bounds exact arithmetic: beyond it nobody means a tolerance.
const mostDigits = 400

// within reports whether two number literals are within the tolerance.
func (t Tolerance) within(a, b []byte) bool {
	x, ok1 := exact(a)
	y, ok2 := exact(b)
	if !ok1 || !ok2 {
		return false
	}
	apart := new(big.Rat).Sub(x, y)
	apart.Abs(apart)
	if most, ok := exact(strconv.AppendFloat(nil, t.Absolute, 'g', -1, 64)); ok && apart.Cmp(most) <= 0 {
		return true
	}
	x.Abs(x)
	y.Abs(y)
	if x.Cmp(y) < 0 {
		x = y
	}
	part, ok := exact(strconv.AppendFloat(nil, t.Relative, 'g', -1, 64))
	return ok && apart.Cmp(x.Mul(x, part)) <= 0
}

// exact returns a literal's value. ok is false beyond mostDigits.
func exact(lit []byte) (*big.Rat, bool) {
	n, ok := parseDecimal(lit)
	if !ok || len(n.digits) > mostDigits || n.exponent > mostDigits || n.exponent < -mostDigits {
		return nil, false
	}
	return new(big.Rat).SetString(string(lit))
}

// wholeNumber returns the value of an integer literal that fits.
func wholeNumber(lit []byte) (int64, bool) {
	v, err := strconv.ParseInt(string(lit), 10, 64)
	return v, err == nil && v != math.MinInt64
}
