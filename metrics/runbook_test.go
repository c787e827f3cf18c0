package metrics_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"maskswitch/metrics/dashboards"
)

// What the runbook sends people to is there: the panels of boards, and the messages
// of the log.
func TestRunbookLeadsSomewhere(t *testing.T) {
	raw, err := os.ReadFile("RUNBOOK.md")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(strings.Fields(string(raw)), " ")
	panels := make(map[string]bool)
	for _, b := range dashboards.Boards() {
		for _, r := range b.Rows {
			for _, p := range r.Panels {
				panels[strings.TrimPrefix(b.Title, "maskswitch / ")+"/"+p.Title] = true
			}
		}
	}
	found := 0
	for _, m := range regexp.MustCompile(`[Bb]oard (\w+), ((?:"[^"]+"(?:, | and )?)+)`).FindAllStringSubmatch(text, -1) {
		for _, q := range regexp.MustCompile(`"([^"]+)"`).FindAllStringSubmatch(m[2], -1) {
			if found++; !panels[m[1]+"/"+q[1]] {
				t.Errorf("no panel %q on the board %s", q[1], m[1])
			}
		}
	}
	source := sources(t)
	for _, m := range regexp.MustCompile("[Ll]og ((?:`[^`]+`(?:, | and )?)+)").FindAllStringSubmatch(text, -1) {
		for _, q := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(m[1], -1) {
			if found++; !strings.Contains(source, q[1]) {
				t.Errorf("nobody logs %q", q[1])
			}
		}
	}
	if found < 40 {
		t.Errorf("only %d panels and messages were found in the runbook", found)
	}
}

// sources are those of the switch, without tests.
func sources(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, dir := range []string{"../actors", "../http", "../cmd"} {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			raw, err := os.ReadFile(path)
			all.Write(raw)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all.String()
}
