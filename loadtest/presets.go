package loadtest

import (
	"embed"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

//go:embed plans/*.yaml
var plans embed.FS

// Presets are the names of the plans that come with the tester, in the order
// in which somebody new would run them.
func Presets() []string {
	return []string{"smoke", "steady", "masks", "morning-peak", "checkout-storm", "carrier-outage", "duplicate-flood", "recordings", "soak"}
}

// Preset is the text of a plan that comes with the tester.
func Preset(name string) ([]byte, error) {
	text, err := fs.ReadFile(plans, "plans/"+name+".yaml")
	if err != nil {
		return nil, fmt.Errorf("there is no plan %q; take one of %s, or name a file that ends in .yaml", name, strings.Join(Presets(), ", "))
	}
	return text, nil
}

// LoadPlan reads a plan by the name of a preset or of a file, which has a dot
// or a slash in it.
func LoadPlan(name string) (Plan, error) {
	var text []byte
	var err error
	if strings.ContainsAny(name, "./\\") {
		if text, err = os.ReadFile(name); err != nil {
			return Plan{}, fmt.Errorf("the plan cannot be read: %w", err)
		}
	} else if text, err = Preset(name); err != nil {
		return Plan{}, err
	}
	p, err := ParsePlan(text)
	if err != nil {
		return p, fmt.Errorf("plan %s:\n%w", name, err)
	}
	return p, nil
}
