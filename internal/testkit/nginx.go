package testkit

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// StartNginx starts nginx for the length of the test, with http inside of its
// http block. prefix is put before it.
func StartNginx(t *testing.T, prefix []string, http string) {
	t.Helper()
	nginx := NeedTool(t, "nginx", "nginx-light")
	dir := t.TempDir()
	conf := fmt.Sprintf(`
worker_processes 1;
daemon off;
pid %[1]s/pid;
error_log %[1]s/error.log;
events { worker_connections 256; }
http {
  access_log off;
  client_body_temp_path %[1]s/body;
  proxy_temp_path %[1]s/proxy;
  fastcgi_temp_path %[1]s/fastcgi;
  uwsgi_temp_path %[1]s/uwsgi;
  scgi_temp_path %[1]s/scgi;
  client_max_body_size 16m;
  keepalive_requests 100000;
%[2]s}
`, dir, http)
	if os.Geteuid() == 0 {
		conf = "user root;\n" + conf
	}
	args := append(append([]string{}, prefix...), nginx, "-p", dir, "-e", dir+"/error.log", "-c", WriteFile(t, filepath.Join(dir, "nginx.conf"), []byte(conf)))
	cmd := exec.Command(args[0], args[1:]...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	Must(t, cmd.Start())
	t.Cleanup(func() {
		cmd.Process.Signal(os.Interrupt)
		cmd.Wait()
	})
	Eventually(t, "nginx writes its pid", func() bool {
		_, err := os.Stat(dir + "/pid")
		return err == nil
	})
}
