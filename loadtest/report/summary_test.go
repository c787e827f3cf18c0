package report

import (
	"strings"
	"testing"
)

func TestSummaryGolden(t *testing.T) {
	for _, s := range samples {
		text := Summary(sample(t, s.name))
		golden(t, s.name+".summary.golden.txt", []byte(text+"\n"))
		lines := strings.Split(text, "\n")
		if len(lines) > 50 {
			t.Errorf("%s: %d lines do not fit on a screen", s.name, len(lines))
		}
		if r := sample(t, s.name); !strings.HasPrefix(lines[len(lines)-1], strings.ToUpper(r.Verdict.Word)) {
			t.Errorf("%s does not end with the verdict: %s", s.name, lines[len(lines)-1])
		}
	}
}

func TestTableAligns(t *testing.T) {
	tab := table{indent: "> ", right: []int{1}}
	tab.add("a", "1", "x")
	tab.add("äöü", "1000", "")
	if got, want := tab.String(), "> a       1  x\n> äöü  1000\n"; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}
