package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

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
