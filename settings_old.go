package main

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/buger/gor/internal/address"
)

// laterFlags are flags of GoReplay for what this version does not have, by how
// they begin, with the nearest that it has.
var laterFlags = [...]struct{ prefix, what, nearest string }{
	{"input-kafka-", "Kafka", "--input-tcp ADDRESS, or --input-file FILE for what a consumer has written as records"},
	{"output-kafka-", "Kafka", "--output-ws URL, one message for each request, or --output-tcp ADDRESS"},
	{"kafka-tls-", "Kafka", "--output-tcp-secure"},
	{"output-file-buffer", "S3", "--output-file FILE with --output-file-size-limit SIZE, and a copy of its chunks to the bucket"},
	{"input-file-watch", "watching of folders", "--input-file with a pattern, started again"},
	{"input-raw-k8s-", "Kubernetes", "--input-raw 'veth*:80', which captures on the pods' interfaces"},
}

// laterFlag says what to use instead of a flag of theirs, or of a habit, or nil.
func laterFlag(name string) error {
	switch name {
	case "v", "V":
		return fmt.Errorf("no flag -%s; --version prints the version, --verbose names what is lost, and gor -h has the rest", name)
	case "i", "o", "w", "r", "f":
		return fmt.Errorf("no flag -%s: flags have whole names here, such as --input-raw :80 and --output-file requests.gor; gor -h shows them", name)
	}
	for _, later := range laterFlags {
		if strings.HasPrefix(name, later.prefix) {
			return fmt.Errorf("--%s: this version has no %s; the nearest it has is %s", name, later.what, later.nearest)
		}
	}
	return nil
}

// laterAddress does the same for addresses of flags that there are.
func laterAddress(arg pluginArg) error {
	switch {
	case arg.Flag == "output-file" && strings.HasPrefix(arg.Value, "s3://"):
		return fmt.Errorf("--output-file %s: this version has no S3; the nearest it has is a file on disk with --output-file-size-limit SIZE, and a copy of its chunks to the bucket", arg.Value)
	case arg.Flag == "input-file" && strings.HasPrefix(arg.Value, "s3://"):
		return fmt.Errorf("--input-file %s: this version has no S3; fetch the recording and name the file", arg.Value)
	case arg.Flag == "input-raw" && strings.HasPrefix(arg.Value, "k8s://"):
		return fmt.Errorf("--input-raw %s: this version has no Kubernetes; the nearest it has is --input-raw 'veth*:80', which captures on the pods' interfaces", arg.Value)
	}
	return nil
}

// strayArg says what an argument was meant for that stands behind no flag, or
// nil.
func strayArg(arg string) error {
	shown := address.Redact(arg)
	name, _, _ := strings.Cut(strings.ToLower(arg), "|")
	name = strings.TrimSuffix(strings.TrimSuffix(name, ".gz"), ".zst")
	meant := func(command string) error {
		return fmt.Errorf("%q is not a flag, and gor does nothing with it alone; try: %s", shown, command)
	}
	switch u, err := url.Parse(arg); {
	case strings.HasSuffix(name, ".gor"):
		return meant("gor --input-file " + shellWord(shown) + " --output-http http://staging.com")
	case strings.HasSuffix(name, ".pcap") || strings.HasSuffix(name, ".pcapng") || strings.HasSuffix(name, ".cap"):
		return meant("gor --input-raw " + shellWord(shown) + ":80 --output-file requests.gor")
	case strings.HasSuffix(name, ".toml"):
		return meant("gor --config " + shellWord(shown))
	case err == nil && (u.Scheme == "http" || u.Scheme == "https"):
		return meant("sudo gor --input-raw :80 --output-http " + shellWord(shown))
	case strings.HasPrefix(arg, ":") && address.CheckListen(arg) == nil:
		return meant("sudo gor --input-raw " + arg + " --output-stdout")
	}
	switch arg {
	case "":
		return errors.New("an empty argument stands where a flag was expected: is a variable of the script unset?")
	case "capture", "record":
		return meant("sudo gor --input-raw :80 --output-file requests.gor")
	case "replay", "play":
		return meant("gor --input-file requests.gor --output-http http://staging.com")
	}
	return nil
}

// shellWord is a word as a shell takes it for one.
func shellWord(s string) string {
	if s != "" && strings.IndexFunc(s, func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:@%+,=[]", r)
	}) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
