// Package dashboards has the boards that Grafana shows: a description in Go, from
// which the files in this folder are made (go test ./metrics/dashboards -update).
//
// A board answers the questions in the order in which they are asked at three in
// the morning: a row of figures first, whether a promise is broken; then where.
// Every panel says in its description what is good, and what to look at next. All
// of them use classic buckets, so that they work with any server of Prometheus'.
package dashboards

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Board is one dashboard.
type Board struct {
	UID, Title, About string
	Rows              []Row
}

// Row is panels beside each other, from a heading down.
type Row struct {
	Title  string
	Height int // in units of Grafana's grid
	Panels []Panel
}

// Panel is one picture.
type Panel struct {
	Title, About string
	Kind         Kind
	Unit         string // Grafana's word for it
	Width        int    // of the grid's 24; 0: what is left is shared
	Max          float64
	Steps        []Step // from green on
	Queries      []Query
	Stacked      bool
}

// Kind is a type of panel. There are only those that come with Grafana.
type Kind string

// The kinds in use.
const (
	Lines  Kind = "timeseries"
	Figure Kind = "stat"
	Heat   Kind = "heatmap"
	Bars   Kind = "bargauge"
)

// Step is a value from which a panel has another colour.
type Step struct {
	Color string
	From  float64
}

// Query is an expression and what its series are called.
type Query struct {
	Expr, Legend string
}

// width of Grafana's grid.
const width = 24

// source is the data source that the reader chooses.
var source = map[string]any{"type": "prometheus", "uid": "${datasource}"}

// JSON writes the board as Grafana's classic format has it.
func (b Board) JSON() ([]byte, error) {
	var panels []any
	id, y := 0, 0
	next := func() int { id++; return id }
	for _, row := range b.Rows {
		panels = append(panels, map[string]any{
			"id": next(), "type": "row", "title": row.Title, "collapsed": false, "panels": []any{},
			"gridPos": map[string]int{"x": 0, "y": y, "w": width, "h": 1},
		})
		y++
		x := 0
		for _, p := range row.Panels {
			w := p.Width
			if w == 0 {
				w = width / len(row.Panels)
			}
			if x+w > width {
				x, y = 0, y+row.Height
			}
			panels = append(panels, p.json(next(), x, y, w, row.Height))
			x += w
		}
		y += row.Height
	}
	return json.MarshalIndent(map[string]any{
		"uid": b.UID, "title": b.Title, "description": b.About, "tags": []string{"maskswitch"},
		"schemaVersion": 39, "version": 1, "editable": false, "graphTooltip": 1, "refresh": "30s", "timezone": "browser",
		"time":        map[string]string{"from": "now-3h", "to": "now"},
		"annotations": map[string]any{"list": []any{}},
		"links": []any{map[string]any{
			"type": "dashboards", "title": "maskswitch", "tags": []string{"maskswitch"}, "asDropdown": false,
			"includeVars": true, "keepTime": true, "icon": "external link", "targetBlank": false, "tooltip": "", "url": "",
		}},
		"templating": map[string]any{"list": variables()},
		"panels":     panels,
	}, "", "  ")
}

func variables() []any {
	several := func(name, label string) any {
		return map[string]any{
			"name": name, "label": label, "type": "query", "datasource": source, "hide": 0,
			"query":      map[string]any{"query": fmt.Sprintf(`label_values(maskswitch_build_info, %s)`, name), "refId": "variable"},
			"definition": fmt.Sprintf(`label_values(maskswitch_build_info, %s)`, name),
			"includeAll": true, "allValue": ".+", "multi": true, "refresh": 2, "sort": 1, "regex": "",
			"current": map[string]any{"selected": true, "text": []string{"All"}, "value": []string{"$__all"}},
		}
	}
	return []any{
		map[string]any{
			"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus", "hide": 0,
			"refresh": 1, "regex": "", "includeAll": false, "multi": false,
		},
		several("job", "Job"), several("instance", "Instance"),
	}
}

func (p Panel) json(id, x, y, w, h int) any {
	var targets []any
	for i, q := range p.Queries {
		t := map[string]any{
			"refId": string(rune('A' + i)), "expr": q.Expr, "legendFormat": q.Legend, "datasource": source,
			"range": true, "instant": false, "exemplar": p.Kind == Lines,
		}
		if p.Kind == Heat {
			t["format"], t["legendFormat"] = "heatmap", "{{le}}"
		}
		targets = append(targets, t)
	}
	steps := []any{map[string]any{"color": "green", "value": nil}}
	for _, s := range p.Steps {
		steps = append(steps, map[string]any{"color": s.Color, "value": s.From})
	}
	defaults := map[string]any{
		"unit": p.Unit, "thresholds": map[string]any{"mode": "absolute", "steps": steps}, "color": map[string]string{"mode": "palette-classic"},
	}
	if p.Kind != Heat {
		defaults["min"] = 0
	}
	if p.Max > 0 {
		defaults["max"] = p.Max
	}
	options := map[string]any{}
	switch p.Kind {
	case Lines:
		custom := map[string]any{"lineWidth": 1, "fillOpacity": 8, "showPoints": "never", "spanNulls": false}
		if p.Stacked {
			custom["stacking"], custom["fillOpacity"] = map[string]string{"mode": "normal", "group": "A"}, 40
		}
		if len(p.Steps) > 0 {
			custom["thresholdsStyle"] = map[string]string{"mode": "dashed"}
		}
		defaults["custom"] = custom
		options["legend"] = map[string]any{"displayMode": "list", "placement": "bottom", "showLegend": true, "calcs": []string{}}
		options["tooltip"] = map[string]string{"mode": "multi", "sort": "desc"}
	case Figure:
		defaults["color"] = map[string]string{"mode": "thresholds"}
		options["reduceOptions"] = map[string]any{"calcs": []string{"lastNotNull"}, "fields": "", "values": false}
		options["colorMode"], options["graphMode"], options["textMode"] = "value", "area", "auto"
	case Bars:
		defaults["color"] = map[string]string{"mode": "thresholds"}
		options["reduceOptions"] = map[string]any{"calcs": []string{"lastNotNull"}, "fields": "", "values": false}
		options["displayMode"], options["orientation"] = "basic", "horizontal"
	case Heat:
		options["calculate"], options["yAxis"] = false, map[string]any{"unit": p.Unit, "axisPlacement": "left"}
		options["color"] = map[string]any{"mode": "scheme", "scheme": "Spectral", "steps": 64, "reverse": true, "exponent": 0.5, "fill": "dark-orange", "scale": "exponential"}
		options["cellGap"], options["tooltip"] = 1, map[string]any{"mode": "single", "yHistogram": true}
		defaults["custom"] = map[string]any{"hideFrom": map[string]bool{"legend": false, "tooltip": false, "viz": false}}
	}
	return map[string]any{
		"id": id, "type": string(p.Kind), "title": p.Title, "description": p.About, "datasource": source,
		"gridPos": map[string]int{"x": x, "y": y, "w": w, "h": h}, "targets": targets, "options": options,
		"fieldConfig": map[string]any{"defaults": defaults, "overrides": []any{}},
	}
}

// of selects series of a family, of the jobs and instances that the reader chose.
func of(family string, matchers ...string) string {
	return family + `{job=~"$job", instance=~"$instance"` + strings.Join(append([]string{""}, matchers...), ", ") + "}"
}

// rate is a counter's, summed by what is named; by nothing: in all.
func rate(by, family string, matchers ...string) string {
	return fmt.Sprintf("sum%s(rate(%s[$__rate_interval]))", grouped(by), of(family, matchers...))
}

// rise is how much a counter has grown since the last point.
func rise(by, family string, matchers ...string) string {
	return fmt.Sprintf("sum%s(increase(%s[$__rate_interval]))", grouped(by), of(family, matchers...))
}

// total is a gauge's sum.
func total(by, family string, matchers ...string) string {
	return fmt.Sprintf("sum%s(%s)", grouped(by), of(family, matchers...))
}

func grouped(by string) string {
	if by == "" {
		return " "
	}
	return " by (" + by + ") "
}

// quantile is one of a histogram's.
func quantile(q, by, family string, matchers ...string) string {
	le := "le"
	if by != "" {
		le += ", " + by
	}
	return fmt.Sprintf("histogram_quantile(%s, %s)", q, rate(le, family+"_bucket", matchers...))
}

// percentiles are the three that are looked at.
func percentiles(family string, matchers ...string) []Query {
	return []Query{
		{quantile("0.5", "", family, matchers...), "p50"},
		{quantile("0.95", "", family, matchers...), "p95"},
		{quantile("0.99", "", family, matchers...), "p99"},
	}
}

// share is a part of a whole, of which there must be some.
func share(part, whole string) string { return fmt.Sprintf("%s / (%s > 0)", part, whole) }

// within is what a histogram has up to a bound.
func within(bound, family string) string {
	return share(rate("", family+"_bucket", `le=~"`+strings.ReplaceAll(bound, ".", `\\.`)+`(\\.0)?"`), rate("", family+"_count"))
}
