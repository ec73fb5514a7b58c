package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/buger/gor/internal/testkit"
)

func TestFileOutputPermissionDenied(t *testing.T) {
	var prefix []string
	if os.Geteuid() == 0 { // who may write everywhere, unless that is taken away
		prefix = []string{testkit.NeedTool(t, "setpriv", "util-linux"), "--bounding-set", "-dac_override", "--inh-caps", "-dac_override"}
	}
	dir := t.TempDir()
	testkit.Must(t, os.Chmod(dir, 0o500))
	for _, name := range []string{"x.gor", "%Y.gor"} {
		gor := testkit.Spawn(t, "gor", prefix, nil, "--input-dummy", "--output-file", filepath.Join(dir, name))
		if code := gor.Wait(); code != exitFailed || !strings.Contains(gor.Stderr(), "permission denied; name a file in a folder") {
			t.Errorf("%s: exit %d: %s", name, code, gor.Stderr())
		}
	}
}

// TestAppendingIsTold: who records to a file that is there is told what it holds.
func TestAppendingIsTold(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.gor")
	testkit.WriteFile(t, file, testkit.Recording(testkit.NumberedRequests(1, "a"), []time.Duration{0}))
	code, said := testkit.RunGor(t, "--input-dummy", "--output-file", file, "--exit-after", "1ms")
	if want := "output-file: appending to " + file + ": "; code != exitOK || !strings.Contains(said, want) || !strings.Contains(said, "bytes, last record from 20") {
		t.Errorf("exit %d, and no %q:\n%s", code, want, said)
	}
}
