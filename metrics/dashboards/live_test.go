package dashboards_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"maskswitch/metrics/dashboards"
)

// line is a series of an answer, by name.
type line struct {
	name   string
	labels map[string]string
	at     []float64 // unix seconds
	values []float64
}

// TestBoardsShowALivingSwitch runs the switch under the load tester, with a little
// of everything going wrong, and a Prometheus beside it; then every query of every
// panel is asked as Grafana would ask it. None may fail, and no panel may be empty:
// a figure that is 0 is there from the first scrape. From the same answers the
// previews are drawn. It takes two minutes, and ends by itself: make boards.
func TestBoardsShowALivingSwitch(t *testing.T) {
	if os.Getenv("MASKSWITCH_BOARDS") == "" {
		t.Skip("two minutes of load: make boards")
	}
	dir := t.TempDir()
	bin := filepath.Join(dir, "bin") + "/"
	run(t, exec.Command("go", "build", "-buildvcs=false", "-o", bin, "maskswitch/cmd/..."))

	target := filepath.Join(dir, "switch.json")
	prometheus, stop := scraping(t, dir, target)
	defer stop()
	began := time.Now()
	t.Log("the load tester plays for about two minutes")
	ctx, cancel := context.WithTimeout(t.Context(), 6*time.Minute)
	defer cancel()
	load := exec.CommandContext(ctx, bin+"loadtest", "run", "testdata/boards.yaml", "-out", filepath.Join(dir, "report"),
		"-switch", announcing(t, dir, bin+"maskswitch", target))
	out, err := load.CombinedOutput()
	ended := time.Now()
	// A missed threshold is no matter here; a switch that did not run is.
	if code := load.ProcessState.ExitCode(); err != nil && code != 1 && code != 99 {
		t.Fatalf("the load tester ends with %d: %v\n%s", code, err, out)
	}
	const step = 2 * time.Second
	for _, b := range dashboards.Boards() {
		answers := make(map[string][]line)
		for _, r := range b.Rows {
			for _, p := range r.Panels {
				var all []line
				for _, q := range p.Queries {
					lines, err := prometheus.ask(filled(q.Expr, "8s", "2m"), q.Legend, began, ended, step)
					if err != nil {
						t.Errorf("%s: %s: %v", b.Title, p.Title, err)
					}
					all = append(all, lines...)
				}
				if len(all) == 0 {
					t.Errorf("%s: %s is empty", b.Title, p.Title)
				}
				answers[p.Title] = all
			}
		}
		preview(t, b, answers, began, ended)
	}
}

// announcing makes a command that starts the switch and tells Prometheus where.
func announcing(t *testing.T, dir, program, target string) string {
	t.Helper()
	path := filepath.Join(dir, "start.sh")
	text := fmt.Sprintf("#!/bin/sh\nprintf '[{\"targets\":[\"%%s\"]}]' \"$ADMIN_ADDR\" >'%s.new' && mv '%s.new' '%s' && exec '%s'\n", target, target, target, program)
	if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

func run(t *testing.T, c *exec.Cmd) {
	t.Helper()
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", c.Args, err, out)
	}
}

// server is a Prometheus.
type server struct{ url string }

// scraping starts one, that looks for its target in a file.
func scraping(t *testing.T, dir, target string) (server, func()) {
	t.Helper()
	program := tool(t, "prometheus", "PROMETHEUS")
	alerts, err := filepath.Abs("../alerts")
	if err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, "prometheus.yml")
	text := fmt.Sprintf("global: {scrape_interval: 1s, evaluation_interval: 1s}\nrule_files: ['%s/*.yml']\n"+
		"scrape_configs: [{job_name: maskswitch, file_sd_configs: [{files: ['%s'], refresh_interval: 1s}]}]\n", alerts, target)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listen := l.Addr().String()
	_ = l.Close()
	c := exec.Command(program, "--config.file="+config, "--storage.tsdb.path="+filepath.Join(dir, "series"), "--web.listen-address="+listen, "--log.level=warn")
	c.Stderr = os.Stderr
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	return server{"http://" + listen}, func() {
		_ = c.Process.Kill()
		_ = c.Wait()
	}
}

// ask makes a range query; what has no number at any time is left out.
func (s server) ask(expr, legend string, from, to time.Time, step time.Duration) ([]line, error) {
	query := url.Values{
		"query": {expr}, "start": {unix(from)}, "end": {unix(to)}, "step": {strconv.FormatFloat(step.Seconds(), 'f', -1, 64)},
	}
	res, err := http.Get(s.url + "/api/v1/query_range?" + query.Encode())
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	var answer struct {
		Status, Error string
		Data          struct {
			Result []struct {
				Metric map[string]string
				Values [][2]any
			}
		}
	}
	if err := json.Unmarshal(raw, &answer); err != nil || answer.Status != "success" {
		return nil, fmt.Errorf("%s: %w %s", expr, err, answer.Error)
	}
	var lines []line
	for _, r := range answer.Data.Result {
		l := line{name: named(legend, r.Metric), labels: r.Metric}
		for _, v := range r.Values {
			at, _ := v[0].(float64)
			text, _ := v[1].(string)
			if n, err := strconv.ParseFloat(text, 64); err == nil && !math.IsNaN(n) && !math.IsInf(n, 0) {
				l.at, l.values = append(l.at, at), append(l.values, n)
			}
		}
		if len(l.at) > 0 {
			lines = append(lines, l)
		}
	}
	return lines, nil
}

func unix(t time.Time) string { return strconv.FormatFloat(float64(t.UnixMilli())/1e3, 'f', 3, 64) }

// named fills a legend.
func named(legend string, labels map[string]string) string {
	for name, value := range labels {
		legend = strings.ReplaceAll(legend, "{{"+name+"}}", value)
	}
	return legend
}
