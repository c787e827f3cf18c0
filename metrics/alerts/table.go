package alerts

import "maskswitch/metrics/family"

// Group is a group of rules in a file.
type Group struct {
	Name     string
	Interval string // empty: the server's
	Rules    []Rule
	Alerts   []Alert
}

// Indicators is what indicators.yml has.
func Indicators() []Group {
	return []Group{{Name: "maskswitch-indicators", Rules: indicators()}}
}

// Budgets is what slo.yml has: for each SLO how much goes wrong, and what is left
// of its budget. That looks back thirty days, so it is reckoned less often.
func Budgets() (groups []Group) {
	for _, s := range SLOs {
		rules := s.rules()
		groups = append(groups,
			Group{Name: "maskswitch-sli-" + s.Name, Rules: rules[:len(windows)]},
			Group{Name: "maskswitch-budget-" + s.Name, Interval: "1m", Rules: rules[len(windows):]})
	}
	return groups
}

// Alerting is what alerts.yml has.
func Alerting() []Group {
	var burning []Alert
	for _, s := range SLOs {
		bad, good := s.histories()
		burning = append(burning, s.alerts(bad, good)...)
	}
	return []Group{
		{Name: "maskswitch-budgets", Alerts: burning},
		{Name: "maskswitch-pages", Alerts: pages()},
		{Name: "maskswitch-tickets", Alerts: tickets()},
	}
}

// Alerts are all of them.
func Alerts() (list []Alert) {
	for _, g := range Alerting() {
		list = append(list, g.Alerts...)
	}
	return list
}

// histories are two for a test: a quarter of 64 a minute goes wrong, and none.
func (s SLO) histories() (bad, good []Series) {
	const most, all, quarter, none = "0+48x100", "0+64x100", "0+16x100", "0+0x100"
	counts := func(name, wrong, right string) (bad, good []Series) {
		return append(on(name, right, most), on(name, wrong, quarter)...), append(on(name, right, all), on(name, wrong, none)...)
	}
	times := func(name, labels, bound string) (bad, good []Series) {
		if labels != "" {
			labels += ","
		}
		whole := on(name+"_count", labels[:max(0, len(labels)-1)], all)
		return append(on(name+"_bucket", labels+`le="`+bound+`"`, most), whole...), append(on(name+"_bucket", labels+`le="`+bound+`"`, all), whole...)
	}
	switch s.Name {
	case "webhook-availability":
		return counts(family.Webhooks, `event="call.answered",result="overloaded"`, `event="call.answered",result="accepted"`)
	case "webhook-latency":
		return times(family.WebhookAckDuration, `result="accepted"`, "0.25")
	case "reaction":
		return times(family.ReactionDuration, `command="answer"`, "0.05")
	case "calls":
		bad, good = counts(family.CallsEnded, `outcome="failed"`, `outcome="talked"`)
		bookings := append(on(family.Bookings, `region="US",result="opened"`, none), on(family.Bookings, `region="US",result="exhausted"`, none)...)
		return append(bad, bookings...), append(good, bookings...)
	case "recordings":
		bad, good = times(family.RecordingArchiveLag, "", "900")
		results := append(on(family.Recordings, `result="archived"`, all), on(family.Recordings, `result="lost"`, none)...)
		return append(bad, results...), append(good, results...)
	}
	return counts(family.HTTPRequests, `code="5xx",method="GET",route="/bookings"`, `code="2xx",method="GET",route="/bookings"`)
}
