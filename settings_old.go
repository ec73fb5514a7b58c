package main

import (
	"fmt"
	"strings"
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

// laterFlag says what to use instead of a flag of theirs, or nil.
func laterFlag(name string) error {
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
