// Package logflags has the flags for what access logs do not contain,
// for whatever reads files: the replay and the tools.
package logflags

import (
	"errors"
	"strings"

	"github.com/buger/gor/internal/flags"
	"github.com/buger/gor/internal/formats"
	"github.com/buger/gor/internal/formats/accesslog"
	"github.com/buger/gor/internal/http1"
)

// Flags returns them, under names that begin with prefix. They write into o.
func Flags(prefix string, o *formats.Options) []flags.Def {
	zone := ""
	return []flags.Def{
		{Name: prefix + "-line-format", Arg: "FORMAT",
			Help: "the format of the lines of access logs: the string of nginx's log_format, Apache's LogFormat or Envoy's " +
				"text_format, or " + strings.Join(accesslog.Presets(), ", ") + "; otherwise the first of these that fits",
			Value: flags.Checked(&o.Log.LineFormat, func(text string) (string, error) { return text, accesslog.Check(text) })},
		{Name: prefix + "-host", Arg: "HOST", Help: "the Host of requests from access logs that name none",
			Value: flags.Checked(&o.Log.Host, checkHost)},
		{Name: prefix + "-timezone", Arg: "ZONE",
			Help: "the time zone of times in access logs that name none, such as Europe/Paris or +02:00; otherwise UTC",
			Value: flags.Checked(&zone, func(text string) (_ string, err error) {
				o.Log.Zone, err = formats.ParseZone(text)
				return text, err
			})},
		{Name: prefix + "-empty-bodies",
			Help: "keep the requests of access logs whose methods have a body, such as POST, with an empty one, since a log does not " +
				"hold bodies; otherwise they are left out and counted",
			Value: flags.Bool(&o.Log.EmptyBodies)},
	}
}

// checkHost takes what can be a Host.
func checkHost(text string) (string, error) {
	if text == "" || !http1.ValidTarget(text) {
		return "", errors.New("want a host such as www.example.com")
	}
	return text, nil
}
