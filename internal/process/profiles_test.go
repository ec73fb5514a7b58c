package process

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestProfiles(t *testing.T) {
	dir := t.TempDir()
	cpu, heap := ProfileFile{"--cpu", filepath.Join(dir, "cpu")}, ProfileFile{"--heap", filepath.Join(dir, "heap")}
	stop, err := StartProfiles(cpu, heap)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := StartProfiles(cpu, ProfileFile{}); err == nil || !strings.HasPrefix(err.Error(), "--cpu: ") {
		t.Errorf("a second profile of the CPU: %v", err)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	for _, f := range []ProfileFile{cpu, heap} {
		if info, err := os.Stat(f.Name); err != nil || info.Size() == 0 && f == heap {
			t.Errorf("%s: %v, %v", f.Label, info, err)
		}
	}
	if _, err := StartProfiles(ProfileFile{"--cpu", filepath.Join(dir, "none", "cpu")}, ProfileFile{}); err == nil || !strings.HasPrefix(err.Error(), "--cpu: ") {
		t.Errorf("a folder that is not there: %v", err)
	}
	if stop, err := StartProfiles(ProfileFile{}, ProfileFile{}); err != nil || stop() != nil {
		t.Errorf("no profiles: %v", err)
	}
}
