// Package stack has what runs the switch with Prometheus and Grafana. It is for a
// container engine, which a machine that runs these tests need not have: they read
// the files as an engine would, and start the same programs with the same
// arguments, the switch in a root of its own and as the same user.
package stack

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// service is what is read of a service in compose.yml.
type service struct {
	Image       string
	Build       struct{ Context string }
	Command     []string
	Environment map[string]string
	Ports       []string
	Volumes     []string
	ReadOnly    bool     `yaml:"read_only"`
	CapDrop     []string `yaml:"cap_drop"`
	SecurityOpt []string `yaml:"security_opt"`
	Tmpfs       []string
}

type compose struct {
	Services map[string]service
	Volumes  map[string]any
}

func load(t *testing.T, path string, into any) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(raw, into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

func composed(t *testing.T) compose {
	t.Helper()
	var c compose
	load(t, "compose.yml", &c)
	if len(c.Services) != 3 {
		t.Fatalf("%d services, want the switch, Prometheus and Grafana", len(c.Services))
	}
	return c
}

// need finds a program, which continuous integration has to have.
func need(t *testing.T, name, variable, from string) string {
	t.Helper()
	if path := os.Getenv(variable); path != "" {
		return path
	}
	path, err := exec.LookPath(name)
	switch {
	case err == nil:
		return path
	case os.Getenv("CI") == "true":
		t.Fatalf("%s is missing: %s", name, from)
	}
	t.Skipf("%s is missing: %s", name, from)
	return ""
}

func TestNothingIsPublishedToOthers(t *testing.T) {
	for name, s := range composed(t).Services {
		for _, port := range s.Ports {
			if !strings.HasPrefix(port, "127.0.0.1:") {
				t.Errorf("%s publishes %s to everybody", name, port)
			}
			if strings.HasSuffix(port, ":5001") {
				t.Errorf("%s publishes the operators' listener", name)
			}
		}
	}
}

func TestTheSwitchHasNoRights(t *testing.T) {
	s := composed(t).Services["switch"]
	if !s.ReadOnly || !slices.Contains(s.CapDrop, "ALL") || !slices.Contains(s.SecurityOpt, "no-new-privileges:true") || !slices.Contains(s.Tmpfs, "/tmp") {
		t.Errorf("the switch may do more than it needs: %+v", s)
	}
	if user := inDockerfile(t, `(?m)^USER (\d+):\d+$`); user == "0" {
		t.Error("the image runs as root")
	}
}

// What is mounted is there, and what is a named volume is declared.
func TestWhatIsMountedIsThere(t *testing.T) {
	c := composed(t)
	for name, s := range c.Services {
		for _, v := range s.Volumes {
			from, _, _ := strings.Cut(v, ":")
			if strings.HasPrefix(from, ".") {
				if _, err := os.Stat(from); err != nil {
					t.Errorf("%s mounts what is not there: %v", name, err)
				}
			} else if _, ok := c.Volumes[from]; !ok {
				t.Errorf("%s mounts the volume %s, which is not declared", name, from)
			}
		}
	}
	if context := c.Services["switch"].Build.Context; !exists(filepath.Join(context, "Dockerfile")) {
		t.Errorf("no Dockerfile in %s", context)
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// The settings that compose.yml makes are settings of the switch, and are told
// of in .env.example.
func TestTheSettingsExist(t *testing.T) {
	raw, err := os.ReadFile("../../.env.example")
	if err != nil {
		t.Fatal(err)
	}
	for name := range composed(t).Services["switch"].Environment {
		if name != "GOMEMLIMIT" && !regexp.MustCompile(`(?m)^#? ?`+name+`=`).Match(raw) {
			t.Errorf("%s is not in .env.example", name)
		}
	}
}

// Grafana finds Prometheus under the name that it has, and the boards where they
// are mounted.
func TestGrafanaFindsEverything(t *testing.T) {
	c := composed(t)
	var sources struct {
		Datasources []struct{ Name, UID, Type, URL string }
	}
	load(t, "grafana/provisioning/datasources/prometheus.yml", &sources)
	if len(sources.Datasources) != 1 {
		t.Fatalf("%d data sources", len(sources.Datasources))
	}
	source := sources.Datasources[0]
	if _, ok := c.Services["prometheus"]; !ok || source.URL != "http://prometheus:9090" || source.Type != "prometheus" {
		t.Errorf("the data source is %+v", source)
	}
	var boards struct {
		Providers []struct{ Options struct{ Path string } }
	}
	load(t, "grafana/provisioning/dashboards/maskswitch.yml", &boards)
	if len(boards.Providers) != 1 || !slices.Contains(c.Services["grafana"].Volumes, "../dashboards:"+boards.Providers[0].Options.Path+":ro") {
		t.Errorf("the boards are not where Grafana looks: %+v", boards)
	}
	files, err := filepath.Glob("../dashboards/*.json")
	if err != nil || len(files) == 0 {
		t.Errorf("no boards: %v", err)
	}
}

// Prometheus scrapes the switch where it listens.
func TestPrometheusScrapesTheSwitch(t *testing.T) {
	var config struct {
		RuleFiles     []string `yaml:"rule_files"`
		ScrapeConfigs []struct {
			StaticConfigs []struct{ Targets []string } `yaml:"static_configs"`
		} `yaml:"scrape_configs"`
	}
	load(t, "prometheus.yml", &config)
	_, port, _ := strings.Cut(composed(t).Services["switch"].Environment["ADMIN_ADDR"], ":")
	if targets := config.ScrapeConfigs[0].StaticConfigs[0].Targets; !slices.Equal(targets, []string{"switch:" + port}) {
		t.Errorf("scrapes %v", targets)
	}
	if !slices.Contains(composed(t).Services["prometheus"].Volumes, "../alerts:"+filepath.Dir(config.RuleFiles[0])+":ro") {
		t.Errorf("the rules are not where Prometheus looks: %v", config.RuleFiles)
	}
}

// inDockerfile finds what a pattern captures.
func inDockerfile(t *testing.T, pattern string) string {
	t.Helper()
	raw, err := os.ReadFile("../../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(pattern).FindSubmatch(raw)
	if found == nil {
		t.Fatalf("the Dockerfile has no %s", pattern)
	}
	return string(found[1])
}
