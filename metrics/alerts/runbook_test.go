package alerts_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"maskswitch/metrics/alerts"
)

// Whoever is woken finds a section for his alert, with what it means, where to look
// and what to do; and no section is about an alert that does not exist.
func TestRunbookHasASectionForEachAlert(t *testing.T) {
	raw, err := os.ReadFile("../RUNBOOK.md")
	if err != nil {
		t.Fatal(err)
	}
	sections := make(map[string]string)
	for _, s := range strings.Split(string(raw), "\n## ")[1:] {
		anchor, body, _ := strings.Cut(s, "\n")
		sections[anchor] = body
	}
	told := make(map[string]bool)
	for _, a := range alerts.Alerts() {
		body, ok := sections[a.Anchor]
		if !ok {
			t.Errorf("%s: no section %s", a.Name, a.Anchor)
			continue
		}
		told[a.Anchor] = true
		if head, _, _ := strings.Cut(body, "\n"); !strings.Contains(head, "`"+a.Name+"` ("+string(a.Severity)+")") {
			t.Errorf("section %s does not name %s, a %s: %s", a.Anchor, a.Name, a.Severity, head)
		}
		for _, part := range []string{"- **Means:** ", "- **Look:** ", "- **Act:** "} {
			if strings.Count(body, part) != 1 {
				t.Errorf("section %s: %q is not there once", a.Anchor, part)
			}
		}
	}
	for anchor, body := range sections {
		if !told[anchor] {
			t.Errorf("section %s is about no alert", anchor)
		}
		for _, link := range regexp.MustCompile(`\]\(#([a-z-]+)\)`).FindAllStringSubmatch(body, -1) {
			if _, ok := sections[link[1]]; !ok {
				t.Errorf("section %s leads to %s, which is not there", anchor, link[1])
			}
		}
	}
}

// Two alerts of one name would hide each other, and a page that clears itself at
// once would be seen by nobody.
func TestAlertsAreToldApart(t *testing.T) {
	seen := make(map[string]bool)
	for _, a := range alerts.Alerts() {
		if seen[a.Name] || a.Summary == "" || a.Expr == "" || a.Fires.Summary == "" || a.Fires.Story == "" || a.Silent.Story == "" {
			t.Errorf("%s is there twice, or not whole", a.Name)
		}
		seen[a.Name] = true
		if a.Severity != alerts.Page && a.Severity != alerts.Ticket {
			t.Errorf("%s has severity %s", a.Name, a.Severity)
		}
	}
	if len(seen) < 38 {
		t.Errorf("%d alerts", len(seen))
	}
}
