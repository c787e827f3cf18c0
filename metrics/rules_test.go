package metrics_test

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"

	"maskswitch/actors/protocol"
	"maskswitch/metrics/alerts"
	"maskswitch/metrics/dashboards"
)

var (
	selector = regexp.MustCompile(`\b([a-z][a-z0-9_]*)\{([^}]*)\}`)
	matcher  = regexp.MustCompile(`([a-z_]+)(=~|!~|!=|=)"((?:[^"\\]|\\.)*)"`)
)

// unknown lists what an expression selects that a switch does not export: families,
// labels, values of labels. Those of others are left to promtool: what Prometheus
// adds itself, and what rules record.
func unknown(families map[string]*dto.MetricFamily, expr string) (list []string) {
	for _, s := range selector.FindAllStringSubmatch(expr, -1) {
		name := s[1]
		if name == "up" || strings.HasPrefix(name, "sloth_") || strings.HasPrefix(name, "ratio") {
			continue
		}
		family := families[name]
		for _, suffix := range []string{"_bucket", "_sum", "_count"} {
			if family == nil {
				family = families[strings.TrimSuffix(name, suffix)]
			}
		}
		if family == nil {
			list = append(list, name)
			continue
		}
		for _, m := range matcher.FindAllStringSubmatch(s[2], -1) {
			label, op, value := m[1], m[2], m[3]
			if label == "job" || label == "instance" || strings.HasPrefix(value, "$") {
				continue
			}
			values := []string{value}
			if strings.HasSuffix(op, "~") {
				values = strings.Split(strings.ReplaceAll(strings.TrimSuffix(value, `(\\.0)?`), `\\.`, "."), "|")
			}
			for _, v := range values {
				if !has(family, label, v) {
					list = append(list, name+"{"+label+"="+v+"}")
				}
			}
		}
	}
	return list
}

func has(family *dto.MetricFamily, label, value string) bool {
	for _, m := range family.Metric {
		if label == "le" {
			if value == "+Inf" {
				return m.Histogram != nil
			}
			return slices.ContainsFunc(m.GetHistogram().GetBucket(), func(b *dto.Bucket) bool {
				return strconv.FormatFloat(b.GetUpperBound(), 'g', -1, 64) == value
			})
		}
		for _, l := range m.Label {
			if l.GetName() == label && (l.GetValue() == value || value == ".+") {
				return true
			}
		}
	}
	return false
}

// exported is what a switch with a pool exports before anything has happened.
func exported(t *testing.T) map[string]*dto.MetricFamily {
	t.Helper()
	m, reg := newWatched(t)
	m.NumbersCounted("US", protocol.PoolFigures{})
	families := make(map[string]*dto.MetricFamily)
	for _, f := range gather(t, reg) {
		families[f.GetName()] = f
	}
	return families
}

func TestRulesSelectWhatIsExported(t *testing.T) {
	families := exported(t)
	check := func(where, expr string) {
		for _, what := range unknown(families, expr) {
			t.Errorf("%s selects %s, which no switch exports", where, what)
		}
	}
	for _, g := range slices.Concat(alerts.Indicators(), alerts.Budgets(), alerts.Alerting()) {
		for _, r := range g.Rules {
			check(r.Record, r.Expr)
		}
		for _, a := range g.Alerts {
			check(a.Name, a.Expr)
			for _, c := range a.Cases() {
				for _, s := range c.Series {
					check(a.Name+": "+c.Story, s.Name)
				}
			}
		}
	}
}

func TestBoardsSelectWhatIsExported(t *testing.T) {
	families := exported(t)
	recorded := make(map[string]bool)
	for _, g := range slices.Concat(alerts.Indicators(), alerts.Budgets()) {
		for _, r := range g.Rules {
			recorded[r.Record] = true
		}
	}
	rule := regexp.MustCompile(`\b(?:slo|job):[a-z0-9_:]+`)
	for _, b := range dashboards.Boards() {
		for _, r := range b.Rows {
			for _, p := range r.Panels {
				for _, q := range p.Queries {
					for _, name := range rule.FindAllString(q.Expr, -1) {
						if !recorded[name] {
							t.Errorf("%s: %s shows %s, which no rule records", b.Title, p.Title, name)
						}
					}
					for _, what := range unknown(families, rule.ReplaceAllString(q.Expr, "up")) {
						t.Errorf("%s: %s shows %s, which no switch exports", b.Title, p.Title, what)
					}
				}
			}
		}
	}
}

func TestUnknownIsFound(t *testing.T) {
	families := exported(t)
	for _, expr := range []string{
		`rate(maskswitch_calls_endet_total{job=~"x"}[5m])`, `maskswitch_calls_ended_total{outcome="talkd"}`,
		`maskswitch_calls_ended_total{outcom="talked"}`, `maskswitch_calls_ended_total{outcome=~"talked|bussy"}`,
		`maskswitch_reaction_duration_seconds_bucket{le="0.06"}`, `maskswitch_recording_archive_lag_seconds_bucket{le=~"901(\\.0)?"}`,
	} {
		if len(unknown(families, expr)) == 0 {
			t.Errorf("%s is taken for known", expr)
		}
	}
	for _, expr := range []string{
		`up{job="a"}`, `maskswitch_reaction_duration_seconds_bucket{le="0.05",command="answer"}`, `maskswitch_recording_archive_lag_seconds_bucket{le=~"900(\\.0)?"}`,
		`maskswitch_pool_numbers{region="US",state=~"serving|resting"}`, `process_start_time_seconds{job=~"x"}`,
	} {
		if list := unknown(families, expr); list != nil {
			t.Errorf("%s: %v", expr, list)
		}
	}
}
