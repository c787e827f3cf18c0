package phone

import "testing"

func TestRegion(t *testing.T) {
	for _, c := range []struct{ number, region string }{
		{"+13125550111", "US-312"},
		{"+14165550111", "CA-416"},
		{"+18765550111", "JM-876"},
		{"+18005550111", "US-800"},
		{"+17775550111", "US-777"}, // nobody's area code yet
		{"+442079460000", "GB"},
		{"+441481960194", "GG"},
		{"+77011234567", "KZ"},
		{"+79161234567", "RU"},
		{"+390612345678", "IT"},
		{"+33123456789", "FR"},
		{"+35312345678", "IE"},
		{"+999123456789", ""},
	} {
		n, ok := syntax(c.number)
		if !ok {
			t.Fatalf("%s is no number", c.number)
		}
		if got := n.Region().String(); got != c.region {
			t.Errorf("region of %s: %q, want %q", c.number, got, c.region)
		}
	}
	if r := (Number{}).Region(); r.Known() {
		t.Errorf("no number is at home in %s", r)
	}
}

func TestParseRegion(t *testing.T) {
	for _, s := range []string{"US", "US-312", "CA-416", "GB", "JM-876"} {
		r, err := ParseRegion(s)
		if err != nil || r.String() != s {
			t.Errorf("ParseRegion(%q) = %q, %v", s, r, err)
		}
	}
	for _, s := range []string{"", "us", "USA", "ZZ", "GB-207", "US-", "US-12", "US-099", "US-0312", "US-3120", "US-31a", "US-312-1", "U\x00"} {
		if r, err := ParseRegion(s); err == nil {
			t.Errorf("ParseRegion(%q) = %q, want an error", s, r)
		}
	}
}

func TestRegionContains(t *testing.T) {
	region := func(s string) Region {
		r, err := ParseRegion(s)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	for _, c := range []struct {
		outer, inner string
		want         bool
	}{{"US", "US-312", true}, {"US-312", "US-312", true}, {"US-312", "US", false}, {"US", "CA-416", false}, {"US-312", "US-415", false}} {
		if got := region(c.outer).Contains(region(c.inner)); got != c.want {
			t.Errorf("%s contains %s: %v", c.outer, c.inner, got)
		}
	}
}

func BenchmarkRegion(b *testing.B) {
	for _, s := range []string{"+13125550111", "+442079460000", "+33123456789"} {
		n, _ := syntax(s)
		b.Run(s[:3], func(b *testing.B) {
			for b.Loop() {
				n.Region()
			}
		})
	}
}
