package accesslog

import "bytes"

// haproxyText is the log of HAProxy's "option httplog" with nginx's names for what
// counts (docs.haproxy.org, configuration manual, "HTTP log format"). Between the
// counts and the request may stand headers that were captured, in braces.
const haproxyText = `$remote_addr [$time_local] $frontend $backend $timers $status $bytes $cookie1 $cookie2 $termination $conns $queues `

// haproxy compiles that format.
func haproxy() []part {
	parts := compileNginx(haproxyText, escapeBackslash)
	for i := range parts {
		if f := &parts[i].field; parts[i].isField && f.role == endRole { // it came then
			f.role = startRole
			f.stamp.kind = stampPattern
			f.stamp.parts, _ = parsePattern("%d/%b/%Y:%H:%M:%S.%f")
		}
	}
	captured := part{field: field{role: capturedHeaders, escape: escapeNone}, isField: true}
	request := part{field: field{role: requestRole}, isField: true}
	return append(parts, captured, part{literal: `"`}, request, part{literal: `"`})
}

// withoutSyslog is a line without what syslog put before it, such as
// "Feb  6 12:14:14 lb1 haproxy[14389]: ".
func withoutSyslog(line []byte) []byte {
	head, _, _ := bytes.Cut(line, []byte(" ["))
	for _, end := range []string{"]: ", ": "} {
		if i := bytes.LastIndex(head, []byte(end)); i >= 0 {
			return line[i+len(end):]
		}
	}
	return line
}
