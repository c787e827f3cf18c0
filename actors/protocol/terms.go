package protocol

import (
	"encoding/json"
	"fmt"
	"time"

	"maskswitch/actors/phone"
)

// terms is the stored form of Terms: what is not the default, in words that
// people who open the store can read.
type terms struct {
	Masks        string `json:"masks,omitempty"`
	Region       string `json:"region,omitempty"`
	RegionStrict bool   `json:"region_strict,omitempty"`
	IdleMS       int64  `json:"idle_ms,omitempty"`
	OnCheckout   string `json:"on_checkout,omitempty"`
	GraceMS      int64  `json:"grace_ms,omitempty"`
	Recording    string `json:"recording,omitempty"`
	Summary      bool   `json:"summary,omitempty"`
}

// Text is what ParseTerms reads: JSON, or nothing for the default. Durations
// are kept in whole milliseconds.
func (t Terms) Text() string {
	if t == (Terms{}) {
		return ""
	}
	out := terms{
		Region: t.Region.String(), RegionStrict: t.RegionStrict,
		IdleMS: t.Idle.Milliseconds(), GraceMS: t.Grace.Milliseconds(),
		Summary: t.Summary,
	}
	if t.Masks != MasksShared {
		out.Masks = t.Masks.String()
	}
	if t.OnCheckout != FinishCalls {
		out.OnCheckout = t.OnCheckout.String()
	}
	if t.Recording != RecordDefault {
		out.Recording = t.Recording.String()
	}
	text, err := json.Marshal(out)
	if err != nil {
		panic(err) // strings and integers only
	}
	return string(text)
}

// ParseTerms reads what Text wrote.
func ParseTerms(s string) (Terms, error) {
	if s == "" {
		return Terms{}, nil
	}
	var in terms
	if err := json.Unmarshal([]byte(s), &in); err != nil {
		return Terms{}, fmt.Errorf("terms: %w", err)
	}
	t := Terms{
		RegionStrict: in.RegionStrict, Summary: in.Summary,
		Idle: time.Duration(in.IdleMS) * time.Millisecond, Grace: time.Duration(in.GraceMS) * time.Millisecond,
	}
	var err error
	if in.Region != "" {
		if t.Region, err = phone.ParseRegion(in.Region); err != nil {
			return Terms{}, fmt.Errorf("terms: %w", err)
		}
	}
	ok := true
	if in.Masks != "" {
		t.Masks, ok = ParseMasks(in.Masks)
	}
	if in.OnCheckout != "" && ok {
		t.OnCheckout, ok = ParseOnCheckout(in.OnCheckout)
	}
	if in.Recording != "" && ok {
		t.Recording, ok = ParseRecordingMode(in.Recording)
	}
	if !ok || t.Idle < 0 || t.Grace < 0 {
		return Terms{}, fmt.Errorf("terms: %.80q is not what this program writes", s)
	}
	return t, nil
}
