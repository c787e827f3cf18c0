package protocol

import (
	"testing"
	"time"

	"maskswitch/actors/phone"
)

func TestTermsText(t *testing.T) {
	us, err := phone.ParseRegion("US-312")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		terms Terms
		text  string
	}{
		{Terms{}, ""},
		{Terms{Masks: MasksPair}, `{"masks":"pair"}`},
		{Terms{Region: us, RegionStrict: true}, `{"region":"US-312","region_strict":true}`},
		{Terms{OnCheckout: CutCalls, Grace: 30 * time.Second}, `{"on_checkout":"cut","grace_ms":30000}`},
		{Terms{Idle: 36 * time.Hour}, `{"idle_ms":129600000}`},
	} {
		if got := c.terms.Text(); got != c.text {
			t.Errorf("%+v: %s, want %s", c.terms, got, c.text)
		}
		if got, err := ParseTerms(c.text); err != nil || got != c.terms {
			t.Errorf("%s: %+v, %v", c.text, got, err)
		}
	}
	for _, s := range []string{"x", "[]", `{"masks":"both"}`, `{"region":"Atlantis"}`, `{"on_checkout":"wait"}`, `{"idle_ms":-1}`, `{"grace_ms":-1}`} {
		if got, err := ParseTerms(s); err == nil {
			t.Errorf("%s: %+v", s, got)
		}
	}
}
