package main

import (
	"flag"
	"fmt"
	"path"
	"strconv"

	"github.com/buger/gor/internal/elastic"
	"github.com/buger/gor/internal/http1"
	"github.com/buger/gor/internal/rules"
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
func (v *pluginList) IsList() bool   { return true }

func (v *pluginList) Set(value string) error {
	*v.list = append(*v.list, pluginArg{Flag: v.flag, Value: value})
	return nil
}

// ruleList does the same for filters and rewrites. A rule that does not parse
// is refused here, before anything is opened.
type ruleList struct {
	list *[]ruleArg
	flag string
	kind rules.Kind
}

func (v *ruleList) String() string { return "" }
func (v *ruleList) IsList() bool   { return true }

func (v *ruleList) Set(value string) error {
	rule, err := rules.Parse(v.kind, value)
	if err != nil {
		return err
	}
	*v.list = append(*v.list, ruleArg{v.flag, value, rule})
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

func (v *engineValue) String() string    { return string(*v) }
func (v *engineValue) Choices() []string { return []string{engineRings, engineFile, engineVXLAN} }
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
func (v *vniList) IsList() bool   { return true }
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
	if _, err := elastic.Parse(s); err != nil {
		return err
	}
	*v = elasticValue(s)
	return nil
}

// interfaceList collects names of interfaces, or patterns of them.
type interfaceList []string

func (v *interfaceList) String() string { return "" }
func (v *interfaceList) IsList() bool   { return true }
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
func (v *vlanList) IsList() bool   { return true }
func (v *vlanList) Set(s string) error {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 || n > 4094 {
		return fmt.Errorf("want a VLAN number from 0 to 4094")
	}
	*v = append(*v, n)
	return nil
}
