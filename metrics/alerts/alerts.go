// Package alerts has the rules by which Prometheus watches the switch: one table
// in Go, from which the files in this folder are made (go test ./metrics/alerts
// -update): indicators.yml, slo.yml, alerts.yml, and in testdata the cases that promtool
// tests them with.
//
// A page is for what hurts people now and will not heal by itself; everything else
// is a ticket. What the service promises is watched by how fast its budget of thirty
// days burns, over a long window and a short one, so that an alert is neither late
// nor left over (the multiwindow alerts of Google's SRE workbook, under the names
// that Sloth gives them). Promises are the service's: they are summed over a job.
// What is one process's trouble is told by instance.
//
// The switch is found by its job, which begins with maskswitch.
package alerts

import "fmt"

// Severity says who is woken.
type Severity string

// A page wakes somebody, a ticket waits for the morning.
const (
	Page   Severity = "page"
	Ticket Severity = "ticket"
)

// Rule is a recording rule.
type Rule struct {
	Record, Expr string
	Labels       [][2]string
}

// Alert is an alerting rule, with the cases that prove it.
type Alert struct {
	Name     string
	Severity Severity
	Expr     string
	For      string // how long it must hold; empty: not at all
	Summary  string // the promise that is broken, as a template
	Anchor   string // its section in RUNBOOK.md

	Fires, Silent Case
	Also          []Case // at its limits: each of its conditions decides in one

	suite Suite
}

// Cases are all of an alert's.
func (a Alert) Cases() []Case { return append([]Case{a.Fires, a.Silent}, a.Also...) }

// Case is a history of series, with samples as far apart as its suite says, and
// what is to be seen then.
type Case struct {
	Story  string
	Series []Series
	At     string // since the beginning, as 15m
	Early  string // when it does not fire yet, since it has not held for long enough; empty: not asked
	// Labels and Summary are what the alert has, but for its severity. Without a
	// summary it is silent.
	Labels  [][2]string
	Summary string
}

// Series is a series and its values in promtool's notation.
type Series struct{ Name, Values string }

// job selects the switch.
const job = `job=~"maskswitch.*"`

// of selects series of a family, with further matchers.
func of(family string, matchers ...string) string {
	s := family + "{" + job
	for _, m := range matchers {
		s += "," + m
	}
	return s + "}"
}

// rate is the sum of a counter's rates, by what is named.
func rate(window, by, selector string) string {
	return fmt.Sprintf("sum by (%s) (rate(%s[%s]))", by, selector, window)
}

// quantile is one of a histogram's, over a window.
func quantile(q, window, by, family string) string {
	return fmt.Sprintf("histogram_quantile(%s, sum by (%s, le) (rate(%s[%s])))", q, by, of(family+"_bucket"), window)
}

// le matches a bucket whose bound is a whole number, which is stored with a
// fraction by some servers.
func le(bound string) string { return `le=~"` + bound + `(\\.0)?"` }
