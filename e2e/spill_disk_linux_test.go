package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/buger/gor/internal/testkit"
)

// TestSpillWithoutRoom: a disk that has no room for the folder keeps Gor from
// nothing: it says so, works from memory, and spills once there is room.
func TestSpillWithoutRoom(t *testing.T) {
	small := t.TempDir()
	if err := unix.Mount("tmpfs", small, "tmpfs", 0, "size=8m,nr_inodes=12"); err != nil {
		t.Skipf("mount: %v; as root: sudo go test -run %s ./e2e", err, t.Name())
	}
	defer unix.Unmount(small, unix.MNT_DETACH)
	var fillers []string
	for i := 0; ; i++ {
		name := filepath.Join(small, fmt.Sprint(i))
		if os.WriteFile(name, nil, 0o600) != nil {
			break
		}
		fillers = append(fillers, name)
	}
	dir := t.TempDir()
	requests, times := testkit.Steady(500, 0)
	file := testkit.WriteFile(t, filepath.Join(dir, "in.gor"), testkit.Recording(requests, times))
	addr := testkit.FreePort(t)
	send := func() *testkit.Process {
		return testkit.Spawn(t, "gor", nil, nil, "--input-file", file+"|max", "--output-tcp", addr, "--output-tcp-spill", filepath.Join(small, "spill"), "--min-free", "0", "--drain-timeout", "30s")
	}
	const stays = "no space left on device; what the receiver cannot take stays in memory until there is room on the disk"

	// There is no receiver: what waits in memory goes to the disk when it can.
	sender := send()
	sender.Await(stays)
	sender.Await("nothing more is spilled until that works")
	for _, name := range fillers {
		testkit.Must(t, os.Remove(name))
	}
	if code := sender.Wait(); code != 0 || !strings.Contains(sender.Stderr(), "500 kept on disk") {
		t.Errorf("exit %d, want 0 and all kept on disk:\n%s", code, sender.Stderr())
	}
	testkit.WantSums(t, sender.Stderr())

	// There is a receiver, and again no room.
	testkit.Must(t, os.RemoveAll(filepath.Join(small, "spill")))
	for _, name := range fillers {
		testkit.WriteFile(t, name, nil)
	}
	out := filepath.Join(dir, "out.gor")
	receiver := testkit.StartGor(t, "--input-tcp", addr, "--output-file", out)
	sender = send()
	sender.Await(stays)
	if code := sender.Wait(); code != 0 || !strings.Contains(sender.Stderr(), "500 delivered") {
		t.Errorf("exit %d, want 0 and all delivered:\n%s", code, sender.Stderr())
	}
	receiver.Stop()
	if got, _ := testkit.ReadRecording(t, out, '1'); len(got) != len(requests) {
		t.Errorf("%d requests arrived, want %d", len(got), len(requests))
	}
}
