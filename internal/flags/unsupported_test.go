package flags

import "testing"

func TestUnsupported(t *testing.T) {
	u := Unsupported{
		{Prefix: "input-queue-", What: "queues", Advice: "use --input-tcp"},
		{Prefix: "output-file", Scheme: "s3://", What: "S3", Advice: "use a disk"},
	}
	text := func(err error) string {
		if err == nil {
			return ""
		}
		return err.Error()
	}
	for _, tt := range []struct {
		got  error
		want string
	}{
		{u.Flag("input-queue-host"), "--input-queue-host: this version has no queues; use --input-tcp"},
		{u.Flag("output-file"), ""},
		{u.Flag("input-raw"), ""},
		{u.Address("output-file", "s3://bucket/x"), "--output-file s3://bucket/x: this version has no S3; use a disk"},
		{u.Address("output-file", "s3://key:secret@bucket/x"), "--output-file s3://key:xxxxx@bucket/x: this version has no S3; use a disk"},
		{u.Address("output-file", "x.gor"), ""},
		{u.Address("input-queue-", ""), ""},
	} {
		if text(tt.got) != tt.want {
			t.Errorf("got %q, want %q", text(tt.got), tt.want)
		}
	}
}
