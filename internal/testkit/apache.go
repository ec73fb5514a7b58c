package testkit

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// StartApache starts Apache for the length of the test, with text at the end of its
// configuration. It listens on addr.
func StartApache(t *testing.T, addr, text string) {
	t.Helper()
	apache := NeedTool(t, "apache2", "apache2-bin")
	dir := t.TempDir()
	conf := fmt.Sprintf(`
ServerRoot %[1]s
ServerName www.example.com
Listen %[2]s
PidFile %[1]s/pid
ErrorLog %[1]s/error.log
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule authn_core_module /usr/lib/apache2/modules/mod_authn_core.so
LoadModule setenvif_module /usr/lib/apache2/modules/mod_setenvif.so
StartServers 1
ThreadsPerChild 4
MaxRequestWorkers 4
MinSpareThreads 1
MaxSpareThreads 4
MaxKeepAliveRequests 0
%[3]s
`, dir, addr, text)
	if os.Geteuid() == 0 {
		conf = "User www-data\nGroup www-data\n" + conf // what it is built with on Debian changes to them
	}
	cmd := exec.Command(apache, "-X", "-f", WriteFile(t, filepath.Join(dir, "apache.conf"), []byte(conf)))
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	Must(t, cmd.Start())
	t.Cleanup(func() {
		cmd.Process.Signal(os.Interrupt)
		cmd.Wait()
		if t.Failed() {
			text, _ := os.ReadFile(filepath.Join(dir, "error.log"))
			t.Logf("apache: %s%s", said.String(), text)
		}
	})
	Eventually(t, "Apache writes its pid", func() bool {
		_, err := os.Stat(dir + "/pid")
		return err == nil
	})
}
