package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func TestMessagesAreTheSameInBothForms(t *testing.T) {
	dir := t.TempDir()
	recording, values := filepath.Join(dir, "in.gor"), filepath.Join(dir, "values")
	size, err := writeMessages(recording, values, 100, 900)
	if err != nil {
		t.Fatal(err)
	}
	a, err := os.ReadFile(recording)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(values)
	if err != nil {
		t.Fatal(err)
	}
	if a = bytes.ReplaceAll(a, []byte(separator), []byte(delimiter)); !bytes.Equal(a, b) || int64(len(b)) != size+100 || size < 100*900 {
		t.Errorf("%d and %d bytes, %d of messages", len(a), len(b), size)
	}
}
