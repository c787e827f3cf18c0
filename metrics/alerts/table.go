package alerts

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
		burning = append(burning, s.alerts()...)
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
