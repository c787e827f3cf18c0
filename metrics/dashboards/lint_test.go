package dashboards_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"maskswitch/metrics/dashboards"
)

var update = flag.Bool("update", false, "write the files anew")

// file is where a board is.
func file(b dashboards.Board) string { return strings.TrimPrefix(b.UID, "maskswitch-") + ".json" }

func TestTheFilesAreTheBoards(t *testing.T) {
	there, err := filepath.Glob("*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range dashboards.Boards() {
		text, err := b.JSON()
		if err != nil {
			t.Fatal(err)
		}
		text = append(text, '\n')
		if *update {
			if err := os.WriteFile(file(b), text, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if raw, err := os.ReadFile(file(b)); err != nil || string(raw) != string(text) {
			t.Errorf("%s is not what the package says (-update writes it anew): %v", file(b), err)
		}
		there = slices.DeleteFunc(there, func(name string) bool { return name == file(b) })
	}
	if len(there) > 0 {
		t.Errorf("%v are nobody's", there)
	}
}

// What is read of a board's file.
type (
	board struct {
		UID, Title, Description string
		SchemaVersion           int
		Editable                bool
		Templating              struct{ List []variable }
		Panels                  []panel
	}
	variable struct {
		Name, Label, Type, AllValue string
		Multi, IncludeAll           bool
	}
	panel struct {
		ID                       int
		Type, Title, Description string
		GridPos                  struct{ X, Y, W, H int }
		Targets                  []struct{ Expr, LegendFormat, RefID string }
		FieldConfig              struct{ Defaults struct{ Unit string } }
	}
)

// core are the types of panel that come with Grafana.
var core = []string{"timeseries", "stat", "heatmap", "bargauge", "row"}

var (
	selector = regexp.MustCompile(`([a-zA-Z_:][a-zA-Z0-9_:]*)?\{([^}]*)\}`)
	ranged   = regexp.MustCompile(`\[([^\]]*)\]`)
	counter  = regexp.MustCompile(`([a-z_]+)\(([a-z][a-z0-9_]*_(?:total|bucket|count|sum))\{`)
	naked    = regexp.MustCompile(`([a-z][a-z0-9_]*_(?:total|bucket|count|sum))\{`)
)

// faults lists what is wrong with a board.
func faults(b board) (list []string) {
	fault := func(format string, args ...any) { list = append(list, b.Title+": "+fmt.Sprintf(format, args...)) }
	if b.UID == "" || b.Title == "" || b.Description == "" {
		fault("it has no uid, title or description")
	}
	if b.SchemaVersion != 39 {
		fault("schema version %d", b.SchemaVersion)
	}
	if b.Editable {
		fault("it can be edited")
	}
	want := []variable{
		{Name: "datasource", Label: "Data source", Type: "datasource"},
		{"job", "Job", "query", ".+", true, true}, {"instance", "Instance", "query", ".+", true, true},
	}
	if !slices.Equal(b.Templating.List, want) {
		fault("its variables are %+v", b.Templating.List)
	}
	ids := make(map[int]bool)
	taken := make(map[[2]int]string)
	for _, p := range b.Panels {
		if ids[p.ID] {
			fault("%s: its id is another's", p.Title)
		}
		ids[p.ID] = true
		if !slices.Contains(core, p.Type) {
			fault("%s: type %s does not come with Grafana", p.Title, p.Type)
		}
		if p.Title == "" || p.GridPos.W <= 0 || p.GridPos.H <= 0 || p.GridPos.X+p.GridPos.W > 24 {
			fault("%q has no title or no place: %+v", p.Title, p.GridPos)
		}
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other, ok := taken[[2]int{x, y}]; ok && other != p.Title {
					fault("%s lies over %s", p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
		if p.Type == "row" {
			continue
		}
		if p.Description == "" || p.FieldConfig.Defaults.Unit == "" || len(p.Targets) == 0 {
			fault("%s: no description, no unit or no query", p.Title)
		}
		for _, q := range p.Targets {
			if q.Expr == "" || q.LegendFormat == "" {
				fault("%s: a query without an expression or a name", p.Title)
			}
			list = append(list, wrong(b.Title+": "+p.Title, q.Expr)...)
		}
	}
	return list
}

// wrong lists what is wrong with an expression.
func wrong(where, expr string) (list []string) {
	for _, s := range selector.FindAllStringSubmatch(expr, -1) {
		name, labels := s[1], s[2]
		switch {
		case strings.HasPrefix(name, "slo:error_budget"): // of no job
		case !strings.Contains(labels, `job=~"$job"`):
			list = append(list, fmt.Sprintf("%s: %s is not of the chosen jobs", where, name))
		case !strings.Contains(name, ":") && !strings.Contains(labels, `instance=~"$instance"`):
			list = append(list, fmt.Sprintf("%s: %s is not of the chosen instances", where, name))
		}
	}
	for _, r := range ranged.FindAllStringSubmatch(expr, -1) {
		if w := r[1]; w != "$__rate_interval" && w != "$__range" && !strings.Contains(expr, "deriv(") {
			list = append(list, fmt.Sprintf("%s: a range of %s", where, w))
		}
	}
	bare := len(naked.FindAllString(expr, -1))
	for _, c := range counter.FindAllStringSubmatch(expr, -1) {
		if c[1] == "rate" || c[1] == "increase" {
			bare--
		}
	}
	if bare > 0 {
		list = append(list, where+": a counter that is neither rate nor increase")
	}
	return list
}

func read(t *testing.T, path string) board {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var b board
	if err := json.Unmarshal(raw, &b); err != nil {
		t.Fatal(err)
	}
	return b
}

func TestBoardsAreSound(t *testing.T) {
	uids := make(map[string]bool)
	for _, b := range dashboards.Boards() {
		found := read(t, file(b))
		for _, f := range faults(found) {
			t.Error(f)
		}
		if uids[found.UID] {
			t.Errorf("two boards have the uid %s", found.UID)
		}
		uids[found.UID] = true
	}
	if len(uids) != 7 {
		t.Errorf("%d boards, want 7", len(uids))
	}
}

// Each rule is broken once, and found.
func TestFaultsAreFound(t *testing.T) {
	for what, spoil := range map[string]func(b *board){
		"no uid":          func(b *board) { b.UID = "" },
		"schema":          func(b *board) { b.SchemaVersion = 36 },
		"editable":        func(b *board) { b.Editable = true },
		"variable":        func(b *board) { b.Templating.List[1].AllValue = "" },
		"same id":         func(b *board) { b.Panels[2].ID = b.Panels[1].ID },
		"plugin":          func(b *board) { b.Panels[1].Type = "flowchart" },
		"no title":        func(b *board) { b.Panels[1].Title = "" },
		"too wide":        func(b *board) { b.Panels[1].GridPos.X = 23 },
		"overlap":         func(b *board) { b.Panels[2].GridPos = b.Panels[1].GridPos },
		"no description":  func(b *board) { b.Panels[1].Description = "" },
		"no unit":         func(b *board) { b.Panels[1].FieldConfig.Defaults.Unit = "" },
		"no query":        func(b *board) { b.Panels[1].Targets = nil },
		"no legend":       func(b *board) { b.Panels[1].Targets[0].LegendFormat = "" },
		"all jobs":        func(b *board) { b.Panels[1].Targets[0].Expr = `sum(x{instance=~"$instance"})` },
		"all instances":   func(b *board) { b.Panels[1].Targets[0].Expr = `sum(x{job=~"$job"})` },
		"fixed range":     func(b *board) { b.Panels[1].Targets[0].Expr = `rate(x_total{job=~"$job", instance=~"$instance"}[5m])` },
		"bare counter":    func(b *board) { b.Panels[1].Targets[0].Expr = `sum(x_total{job=~"$job", instance=~"$instance"})` },
		"one of two bare": func(b *board) { b.Panels[1].Targets[0].Expr += ` / x_total{job=~"$job", instance=~"$instance"}` },
	} {
		b := read(t, "calls.json")
		if spoil(&b); len(faults(b)) == 0 {
			t.Errorf("%s is not found", what)
		}
	}
}

// filled puts values in the place of Grafana's variables.
func filled(expr, interval, span string) string {
	return strings.NewReplacer("$__rate_interval", interval, "$__range", span, "$job", ".+", "$instance", ".+").Replace(expr)
}

// Prometheus itself reads every expression.
func TestEveryExpressionCanBeRead(t *testing.T) {
	promtool := tool(t, "promtool", "PROMTOOL")
	var rules strings.Builder
	rules.WriteString("groups:\n  - name: boards\n    rules:\n")
	n := 0
	for _, b := range dashboards.Boards() {
		for _, r := range b.Rows {
			for _, p := range r.Panels {
				for _, q := range p.Queries {
					n++
					fmt.Fprintf(&rules, "      - record: panel:%d\n        expr: '%s'\n", n, strings.ReplaceAll(filled(q.Expr, "1m", "1h"), "'", "''"))
				}
			}
		}
	}
	path := filepath.Join(t.TempDir(), "boards.yml")
	if err := os.WriteFile(path, []byte(rules.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(promtool, "check", "rules", path).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// tool finds a program of Prometheus', which continuous integration has to have.
func tool(t *testing.T, name, variable string) string {
	t.Helper()
	if path := os.Getenv(variable); path != "" {
		return path
	}
	path, err := exec.LookPath(name)
	if err != nil {
		why := name + " is missing: apt-get install prometheus"
		if os.Getenv("CI") == "true" {
			t.Fatal(why)
		}
		t.Skip(why)
	}
	return path
}
