package alerts_test

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"maskswitch/metrics/alerts"
)

var update = flag.Bool("update", false, "write the files anew")

// The files are what the table says, and there are no others.
func TestTheFilesAreOfTheTable(t *testing.T) {
	files := map[string]string{
		"indicators.yml": alerts.Render(alerts.Indicators()),
		"slo.yml":        alerts.Render(alerts.Budgets()),
		"alerts.yml":     alerts.Render(alerts.Alerting()),
	}
	for _, s := range alerts.Suites() {
		files[cases(s)] = alerts.Tests(alerts.Alerts(), s)
	}
	for path, text := range files {
		if *update {
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if raw, err := os.ReadFile(path); err != nil || string(raw) != text {
			t.Errorf("%s is not what the table says (-update writes it anew): %v", path, err)
		}
	}
	for _, pattern := range []string{"*.yml", "testdata/*"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range found {
			if _, ok := files[path]; !ok {
				t.Errorf("%s is of no table", path)
			}
		}
	}
}

func cases(s alerts.Suite) string { return "testdata/" + s.String() + "_test.yml" }

// promtool runs Prometheus' own checks, which continuous integration has to have.
func promtool(t *testing.T, args ...string) (string, error) {
	t.Helper()
	path := os.Getenv("PROMTOOL")
	if path == "" {
		var err error
		if path, err = exec.LookPath("promtool"); err != nil {
			const why = "promtool is missing: apt-get install prometheus"
			if os.Getenv("CI") == "true" {
				t.Fatal(why)
			}
			t.Skip(why)
		}
	}
	out, err := exec.Command(path, args...).CombinedOutput()
	return string(out), err
}

func TestRulesAreRules(t *testing.T) {
	if out, err := promtool(t, "check", "rules", "indicators.yml", "slo.yml", "alerts.yml"); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestAlertsFireAndAreSilent(t *testing.T) {
	for _, s := range alerts.Suites() {
		t.Run(s.String(), func(t *testing.T) {
			t.Parallel()
			if out, err := promtool(t, "test", "rules", cases(s)); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}
