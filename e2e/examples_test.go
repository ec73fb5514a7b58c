package e2e

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/buger/gor/internal/testkit"
)

// A container is what the Kubernetes examples say of Gor's.
type container struct {
	Name  string
	Args  []string
	Ports []struct {
		Name          string
		ContainerPort int `yaml:"containerPort"`
	}
	LivenessProbe   probe `yaml:"livenessProbe"`
	ReadinessProbe  probe `yaml:"readinessProbe"`
	SecurityContext struct {
		RunAsUser                *int  `yaml:"runAsUser"`
		AllowPrivilegeEscalation *bool `yaml:"allowPrivilegeEscalation"`
		ReadOnlyRootFilesystem   bool  `yaml:"readOnlyRootFilesystem"`
		Privileged               bool
		Capabilities             struct{ Add, Drop []string }
	} `yaml:"securityContext"`
	Resources struct {
		Limits map[string]string
	}
}

type probe struct {
	HTTPGet struct {
		Host, Path string
		Port       any // a number, or the name of a port
	} `yaml:"httpGet"`
}

// TestKubernetesExamples: the manifests ask for no more than Gor needs, their
// command lines are right, and their probes are answered.
func TestKubernetesExamples(t *testing.T) {
	for name, kind := range map[string]string{"sidecar": "Deployment", "daemonset": "DaemonSet"} {
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile("../examples/kubernetes/" + name + ".yaml")
			testkit.Must(t, err)
			var manifest struct {
				Kind string
				Spec struct {
					Selector struct {
						MatchLabels map[string]string `yaml:"matchLabels"`
					}
					Template struct {
						Metadata struct{ Labels map[string]string }
						Spec     struct{ Containers []container }
					}
				}
			}
			testkit.Must(t, yaml.Unmarshal(text, &manifest))
			template := manifest.Spec.Template
			if manifest.Kind != kind || len(manifest.Spec.Selector.MatchLabels) == 0 || template.Metadata.Labels["app"] != manifest.Spec.Selector.MatchLabels["app"] {
				t.Errorf("a %s whose selector %v is not its pods' %v", manifest.Kind, manifest.Spec.Selector.MatchLabels, template.Metadata.Labels)
			}
			i := slices.IndexFunc(template.Spec.Containers, func(c container) bool { return c.Name == "gor" })
			if i < 0 {
				t.Fatal("no container is named gor")
			}
			gor := template.Spec.Containers[i]
			sc := gor.SecurityContext
			if sc.AllowPrivilegeEscalation == nil || *sc.AllowPrivilegeEscalation || !sc.ReadOnlyRootFilesystem || sc.Privileged ||
				!slices.Equal(sc.Capabilities.Drop, []string{"ALL"}) || !slices.Equal(sc.Capabilities.Add, []string{"NET_RAW"}) || gor.Resources.Limits["memory"] == "" {
				t.Errorf("the container may more than it needs: %+v", gor)
			}
			args := append(slices.Clone(gor.Args), "--check")
			for i, arg := range args { // the pod has the folder, whoever runs this may not write there
				args[i] = strings.Replace(arg, "/var/lib/gor", t.TempDir(), 1)
			}
			if code, said := testkit.RunGor(t, args...); code != exitOK {
				t.Errorf("its arguments are refused, exit %d: %s", code, said)
			}
			answersProbes(t, gor)
		})
	}
}

// answersProbes starts Gor with the container's page, on a port of the test's,
// and asks it what the kubelet will.
func answersProbes(t *testing.T, c container) {
	t.Helper()
	var port string
	for _, arg := range c.Args {
		if addr, ok := strings.CutPrefix(arg, "--http-pprof="); ok {
			port = addr[strings.LastIndex(addr, ":")+1:]
		} else if addr, ok := strings.CutPrefix(arg, "--metrics="); ok {
			port = addr[strings.LastIndex(addr, ":")+1:]
		}
	}
	addr := testkit.FreePort(t)
	testkit.StartGor(t, "--input-dummy", "--output-null", "--http-pprof", addr)
	for _, p := range []probe{c.LivenessProbe, c.ReadinessProbe} {
		asked := fmt.Sprint(p.HTTPGet.Port)
		for _, named := range c.Ports {
			if named.Name == asked {
				asked = fmt.Sprint(named.ContainerPort)
			}
		}
		if asked != port {
			t.Errorf("a probe asks port %s, the page is on %q", asked, port)
		}
		resp, err := http.Get("http://" + addr + p.HTTPGet.Path)
		testkit.Must(t, err)
		_, err = io.Copy(io.Discard, resp.Body)
		testkit.Must(t, err)
		testkit.Must(t, resp.Body.Close())
		if p.HTTPGet.Path == "" || resp.StatusCode != http.StatusOK {
			t.Errorf("the probe %q is answered %s", p.HTTPGet.Path, resp.Status)
		}
	}
}

// mostExposure is what systemd may say of the unit: it adds up weights of 0 to
// 10 and calls up to 3 OK.
const mostExposure = "3.0"

// TestSystemdExample: systemd accepts the unit and rates it well, and Gor accepts
// its configuration.
func TestSystemdExample(t *testing.T) {
	if code, said := testkit.RunGor(t, "--config", "../examples/systemd/gor.toml", "--check"); code != exitOK {
		t.Errorf("gor.toml: exit %d: %s", code, said)
	}
	text, err := os.ReadFile("../examples/systemd/gor.service")
	testkit.Must(t, err)
	for _, line := range []string{"ExecStartPre=/usr/local/bin/gor --config /etc/gor.toml --check", "ExecStart=/usr/local/bin/gor --config /etc/gor.toml", "ExecReload=/bin/kill -HUP $MAINPID",
		"RestartPreventExitStatus=2", "StateDirectory=gor", "CapabilityBoundingSet=CAP_NET_RAW", "AmbientCapabilities=CAP_NET_RAW"} {
		if !strings.Contains(string(text), "\n"+line+"\n") {
			t.Errorf("the unit has no %s", line)
		}
	}
	analyze := testkit.NeedTool(t, "systemd-analyze", "systemd")
	// systemd wants the programs of a unit to be there.
	here := strings.ReplaceAll(string(text), "/usr/local/bin/gor", testkit.Program(t))
	unit := testkit.WriteFile(t, filepath.Join(t.TempDir(), "gor.service"), []byte(here))
	if out, err := exec.Command(analyze, "verify", "--man=no", unit).CombinedOutput(); err != nil || strings.Contains(string(out), "gor.service") {
		t.Errorf("systemd-analyze verify: %v: %s", err, out)
	}
	out, err := exec.Command(analyze, "security", "--offline=true", unit).CombinedOutput()
	if err != nil && strings.Contains(string(out), "offline") {
		t.Skipf("this systemd-analyze rates no files: %s", out)
	}
	rating := regexp.MustCompile(`Overall exposure level for \S+: ([0-9]\.[0-9])`).FindSubmatch(out)
	if rating == nil || string(rating[1]) > mostExposure {
		t.Errorf("the unit is rated %s, at most %s:\n%s", rating, mostExposure, out)
	}
}
