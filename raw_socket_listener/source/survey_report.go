package source

import (
	"cmp"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Bounds of what is listed in a line.
const (
	surveyPorts      = 3
	surveyInterfaces = 3
	surveySummary    = 6 // interfaces in the first line
)

// Lines says in a few lines what was seen, the most useful with what to type.
func (s *Survey) Lines() (text []string) {
	say := func(format string, args ...any) { text = append(text, fmt.Sprintf(format, args...)) }
	if s.packets == 0 {
		say("no packets at all on any interface in %v: is this the host, or the network namespace, that has the traffic?", s.longest)
		return text
	}
	say("the interfaces saw, in %v: %s", s.took.Round(time.Millisecond), s.byInterface(s.ifaces, surveySummary, true))
	requests, inside := s.places(sightHTTP1)
	if len(requests) > 0 {
		say("HTTP requests go to %s: capture %s", s.where(requests), choice(requests, ":", ""))
	}
	if len(inside) > 0 {
		say("HTTP requests go to %s: capture %s", s.where(inside), choice(inside, ":", " --input-raw-tunnels"))
	}
	text = append(text, s.unreadable()...)
	if len(requests)+len(inside) > 0 {
		return text
	}
	data, inside := s.places(sightData)
	if len(inside) > 0 && !s.tunnels && !s.vxlan {
		say("tunnels have TCP in them, to %s: if that is the traffic, add --input-raw-tunnels", s.where(inside))
	}
	if len(data) > 0 {
		say("other data over TCP goes to %s", s.where(data))
	}
	return text
}

// unreadable says what other forms of HTTP there are.
func (s *Survey) unreadable() (text []string) {
	if list, _ := s.places(sightTLS); len(list) > 0 {
		text = append(text, fmt.Sprintf("TLS goes to %s, which cannot be read: capture behind the TLS terminator, on the port it forwards plain HTTP to", s.where(list)))
	}
	if list, _ := s.places(sightHTTP2); len(list) > 0 {
		text = append(text, fmt.Sprintf("HTTP/2 goes to %s, which is not captured: capture where it has been translated to HTTP/1, behind the proxy", s.where(list)))
	}
	if list, _ := s.places(sightQUIC); len(list) > 0 {
		text = append(text, fmt.Sprintf("HTTP/3 (QUIC) goes to UDP %s, which cannot be read: capture behind the proxy that ends it", s.where(list)))
	}
	return text
}

// choice is what to type to get the requests that go to these ports. Of several
// ports one may be a proxy's and the next that of the server behind it, where the
// same requests go by again: all of them would give each twice.
func choice(list []destination, before, after string) string {
	ports := portList(list)
	if len(ports) == 1 {
		return fmt.Sprintf("them with --input-raw %s%s%s", before, ports[0], after)
	}
	return fmt.Sprintf("one of these, such as with --input-raw %s%s%s (a proxy and the server behind it have the same requests; ports of different servers are given as %s%s)",
		before, ports[0], after, before, strings.Join(ports, ","))
}

// A destination is where packets of one kind went.
type destination struct {
	port   uint16
	wrap   wrap
	n      int
	ifaces map[int]int
}

// places lists where packets of a kind went, most first, and those inside
// tunnels apart. An end of a tunnel on this host sees requests with and
// without it: then they are not listed with it.
func (s *Survey) places(what sightKind) (plain, inside []destination) {
	type at struct {
		port uint16
		wrap wrap
	}
	all := map[at]*destination{}
	for g, n := range s.sights {
		if g.what != what || g.wrap != unwrapped && what == sightHTTP1 && s.plain[g.port] {
			continue
		}
		k := at{g.port, g.wrap}
		if all[k] == nil {
			all[k] = &destination{port: g.port, wrap: g.wrap, ifaces: map[int]int{}}
		}
		all[k].n += n
		all[k].ifaces[g.iface] += n
	}
	for _, p := range all {
		if p.wrap == unwrapped {
			plain = append(plain, *p)
		} else {
			inside = append(inside, *p)
		}
	}
	for _, list := range [...][]destination{plain, inside} {
		slices.SortFunc(list, func(a, b destination) int {
			return cmp.Or(cmp.Compare(b.n, a.n), cmp.Compare(a.port, b.port), cmp.Compare(a.wrap, b.wrap))
		})
	}
	return plain, inside
}

// where names the first destinations.
func (s *Survey) where(list []destination) string {
	var words []string
	for _, d := range list[:min(len(list), surveyPorts)] {
		word := fmt.Sprintf("port %d", d.port)
		if s.name != nil { // a capture file has no interfaces
			word += " on " + s.byInterface(d.ifaces, surveyInterfaces, false)
		}
		if d.wrap != unwrapped {
			word += " inside " + d.wrap.String()
		}
		words = append(words, word)
	}
	return enumerate(words, len(list))
}

// byInterface names at most so many interfaces, the busiest first.
func (s *Survey) byInterface(counts map[int]int, most int, numbers bool) string {
	indexes := slices.SortedFunc(maps.Keys(counts), func(a, b int) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	var words []string
	for _, i := range indexes[:min(len(indexes), most)] {
		word := s.name(i)
		if numbers {
			word += " " + Counted(uint64(counts[i]), "packet")
		}
		words = append(words, word)
	}
	return enumerate(words, len(indexes))
}

// portList is the ports that a line names.
func portList(list []destination) (ports []string) {
	for _, d := range list[:min(len(list), surveyPorts)] {
		if port := strconv.Itoa(int(d.port)); !slices.Contains(ports, port) {
			ports = append(ports, port)
		}
	}
	return ports
}

// enumerate joins words that are the first of all.
func enumerate(words []string, all int) string {
	if more := all - len(words); more > 0 {
		words = append(slices.Clone(words), strconv.Itoa(more)+" more")
	}
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " and " + words[last]
}

// Counted is a number with its noun.
func Counted(n uint64, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return strconv.FormatUint(n, 10) + " " + noun
}

// interfaceName is the name of an interface, or its number when it is gone.
func interfaceName(index int) string {
	ifi, err := net.InterfaceByIndex(index)
	if err != nil {
		return fmt.Sprintf("interface %d", index)
	}
	return ifi.Name
}
