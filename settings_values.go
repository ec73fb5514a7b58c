package main

import (
	"flag"
	"fmt"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/buger/gor/internal/http1"
)

// The flag values below refuse what they do not understand and say what they
// would have understood; package flag adds the flag's name and quotes the
// value.

// pluginList collects the occurrences of one plugin's flag into a list that
// all plugins of its kind share, so that their order is kept.
type pluginList struct {
	list *[]pluginArg
	flag string
}

func (v *pluginList) String() string { return "" }

func (v *pluginList) Set(value string) error {
	*v.list = append(*v.list, pluginArg{Flag: v.flag, Value: value})
	return nil
}

// ruleList does the same for filters and rewrites. A rule that does not parse
// is refused here, before anything is opened.
type ruleList struct {
	list *[]ruleArg
	flag string
}

func (v *ruleList) String() string { return "" }

func (v *ruleList) Set(value string) error {
	arg := ruleArg{Flag: v.flag, Value: value}
	if _, err := parseRule(arg); err != nil {
		return err
	}
	*v.list = append(*v.list, arg)
	return nil
}

// optionalValue marks a flag that may stand without a value.
type optionalValue struct{ flag.Value }

func optional(v flag.Value) flag.Value { return optionalValue{v} }

func (v optionalValue) Set(value string) error {
	switch value { // newer versions switch these on and off
	case "true":
		value = ""
	case "false":
		return nil
	}
	return v.Value.Set(value)
}

// goneValue is a flag of older versions that is accepted and no longer
// needed. Why is said once when it is given.
type goneValue struct {
	flag.Value
	why string
}

func gone(v flag.Value, why string) flag.Value { return &goneValue{v, why} }

func (v *goneValue) IsBoolFlag() bool {
	b, ok := v.Value.(interface{ IsBoolFlag() bool })
	return ok && b.IsBoolFlag()
}

type boolValue bool

func boolFlag(p *bool) flag.Value     { return (*boolValue)(p) }
func (v *boolValue) IsBoolFlag() bool { return true }
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

func stringFlag(p *string) flag.Value { return (*stringValue)(p) }
func (v *stringValue) String() string { return string(*v) }
func (v *stringValue) Set(s string) error {
	if s == "" {
		return fmt.Errorf("want a name")
	}
	*v = stringValue(s)
	return nil
}

// onceFlag takes a name that cannot be given twice: the first would be
// forgotten without a word.
func onceFlag(p *string) flag.Value { return (*onceValue)(p) }

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

func intFlag(p *int, least, most int) flag.Value { return &intValue{p, least, most} }
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

func durationFlag(p *time.Duration, least time.Duration) flag.Value {
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

// percentValue takes 200 and 200%.
type percentValue int

func percentFlag(p *int) flag.Value    { return (*percentValue)(p) }
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

func modeFlag(p *uint32) flag.Value { return (*modeValue)(p) }
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

func choiceFlag(p *string, choices ...string) flag.Value { return &choiceValue{p, choices} }
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

// The engines of --input-raw, under one of their names each.
const (
	engineRings = "af_packet"
	engineFile  = "pcap_file"
	engineVXLAN = "vxlan"
)

// engineValue takes the names that GoReplay has for its engines. Those that
// read from interfaces are one engine here.
type engineValue string

func (v *engineValue) String() string { return string(*v) }
func (v *engineValue) Set(s string) error {
	switch s {
	case "libpcap", "raw_socket", engineRings:
		*v = engineRings
	case engineFile, engineVXLAN:
		*v = engineValue(s)
	default:
		return fmt.Errorf("want af_packet, pcap_file or vxlan")
	}
	return nil
}

// vniList collects VXLAN network identifiers, which have 24 bits.
type vniList []int

func (v *vniList) String() string { return "" }
func (v *vniList) Set(s string) error {
	n, err := strconv.Atoi(s)
	if err != nil || n <= -1<<24 || n >= 1<<24 {
		return fmt.Errorf("want a number up to %d, or one below zero to leave a network out", 1<<24-1)
	}
	*v = append(*v, n)
	return nil
}

// What --input-raw-protocol captures.
const (
	protocolHTTP   = "http"
	protocolBinary = "binary"
)

// headerNameFlag takes the name of an HTTP header.
func headerNameFlag(p *string) flag.Value { return (*headerNameValue)(p) }

type headerNameValue string

func (v *headerNameValue) String() string { return string(*v) }
func (v *headerNameValue) Set(s string) error {
	if !http1.ValidHeaderName(s) {
		return fmt.Errorf("want the name of a header such as X-Real-IP")
	}
	*v = headerNameValue(s)
	return nil
}

// elasticValue takes the address of an Elasticsearch index.
type elasticValue string

func (v *elasticValue) String() string { return string(*v) }
func (v *elasticValue) Set(s string) error {
	if _, _, err := parseElastic(s); err != nil {
		return err
	}
	*v = elasticValue(s)
	return nil
}

// interfaceList collects names of interfaces, or patterns of them.
type interfaceList []string

func (v *interfaceList) String() string { return "" }
func (v *interfaceList) Set(s string) error {
	if _, err := path.Match(s, ""); err != nil || s == "" {
		return fmt.Errorf("want the name of an interface such as eth0, or a pattern such as veth*")
	}
	if s == "localhost" {
		s = "lo" // so GoReplay's own example calls it
	}
	*v = append(*v, s)
	return nil
}

// vlanList collects VLAN identifiers, which have 12 bits.
type vlanList []int

func (v *vlanList) String() string { return "" }
func (v *vlanList) Set(s string) error {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 || n > 4094 {
		return fmt.Errorf("want a VLAN number from 0 to 4094")
	}
	*v = append(*v, n)
	return nil
}

// levelValue is --verbose: a switch in Gor 0.9, a level in later versions.
type levelValue int

func (v *levelValue) IsBoolFlag() bool { return true }
func (v *levelValue) String() string   { return strconv.Itoa(int(*v)) }
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

type sizeValue struct {
	p           *int
	least, most int
}

func sizeFlag(p *int, least, most int) flag.Value { return &sizeValue{p, least, most} }
func (v *sizeValue) String() string {
	if v.p == nil {
		return ""
	}
	return formatSize(*v.p)
}
func (v *sizeValue) Set(s string) error {
	n, err := parseSize(s)
	if err != nil {
		return err
	}
	if n < v.least || n > v.most {
		return fmt.Errorf("want a size from %s to %s", formatSize(v.least), formatSize(v.most))
	}
	*v.p = n
	return nil
}

// parseSize reads 1024, 64k, 64kb, 32mb and 1gb, in binary units and in any
// case.
func parseSize(s string) (int, error) {
	text := strings.TrimSuffix(strings.ToLower(strings.TrimSpace(s)), "b")
	shift := 0
	if n := len(text); n > 0 {
		if i := strings.IndexByte("kmgt", text[n-1]); i >= 0 {
			shift = 10 * (i + 1)
			text = text[:n-1]
		}
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64>>shift {
		return 0, fmt.Errorf("want a size such as 1024, 64kb, 32mb or 1gb")
	}
	return int(n << shift), nil
}

func formatSize(n int) string {
	units := []string{"", "kb", "mb", "gb"}
	i := 0
	for n >= 1<<10 && n%(1<<10) == 0 && i < len(units)-1 {
		n >>= 10
		i++
	}
	return strconv.Itoa(n) + units[i]
}
