package api

import (
	"fmt"
	"math"
	"time"

	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
)

// A cut comes so long after the end of its booking, unless its maker chose.
const (
	defaultGrace = 30 * time.Second
	maxGrace     = 600 // seconds
)

// newTerms are the members of a new booking that choose something else than the
// default. Null is absent.
type newTerms struct {
	Masks        *string  `json:"masks"`
	Region       *string  `json:"region"`
	RegionStrict *bool    `json:"region_strict"`
	IdleHours    *float64 `json:"idle_hours"`
	OnCheckout   *string  `json:"on_checkout"`
	GraceSeconds *float64 `json:"grace_seconds"`
	Recording    *string  `json:"recording"`
	Summary      *bool    `json:"summary"`
}

// terms says them in the switch's words. Equal terms come out equal, whichever
// of the defaults are written out.
func (in newTerms) terms(maxHours int) (t protocol.Terms, err error) {
	ok := true
	if in.Masks != nil {
		if t.Masks, ok = protocol.ParseMasks(*in.Masks); !ok {
			return t, refuse(invalid, "unknown_masks", "masks", "masks is shared or pair")
		}
	}
	if in.Region != nil {
		if t.Region, err = parseRegion(*in.Region); err != nil {
			return t, err
		}
	}
	if in.RegionStrict != nil {
		t.RegionStrict = *in.RegionStrict
	}
	if t.RegionStrict && !t.Region.Known() {
		return t, refuse(invalid, "needs_region", "region_strict", "region_strict needs a region to be strict about")
	}
	if in.IdleHours != nil {
		if t.Idle, err = hours("idle_hours", *in.IdleHours, maxHours); err != nil {
			return t, err
		}
	}
	if in.OnCheckout != nil {
		if t.OnCheckout, ok = protocol.ParseOnCheckout(*in.OnCheckout); !ok {
			return t, refuse(invalid, "unknown_on_checkout", "on_checkout", "on_checkout is finish or cut")
		}
	}
	if in.Recording != nil {
		if t.Recording, ok = protocol.ParseRecordingMode(*in.Recording); !ok {
			return t, refuse(invalid, "unknown_recording", "recording", "recording is default, dual-mp3, dual-wav, single-mp3 or off")
		}
	}
	if in.Summary != nil {
		t.Summary = *in.Summary
	}
	if t.Summary && t.Recording == protocol.RecordOff {
		return t, refuse(invalid, "needs_recording", "summary", "a summary is made of a recording: recording cannot be off")
	}
	t.Grace, err = in.grace(t.OnCheckout)
	return t, err
}

func (in newTerms) grace(policy protocol.OnCheckout) (time.Duration, error) {
	cuts := policy == protocol.CutCalls
	switch {
	case in.GraceSeconds == nil && cuts:
		return defaultGrace, nil
	case in.GraceSeconds == nil:
		return 0, nil
	case !cuts:
		return 0, refuse(invalid, "needs_cut", "grace_seconds", "grace_seconds is for bookings with on_checkout cut")
	}
	seconds, err := whole("grace_seconds", *in.GraceSeconds, 0, maxGrace)
	return time.Duration(seconds) * time.Second, err
}

// whole reads a whole number, which JSON may write as 30, 30.0 or 3e1.
func whole(field string, value float64, least, most int64) (int64, error) {
	if value != math.Trunc(value) || value < float64(least) || value > float64(most) {
		return 0, refuse(invalid, "out_of_range", field, fmt.Sprintf("%s is a whole number from %d to %d", field, least, most))
	}
	return int64(value), nil
}

func parseRegion(text string) (phone.Region, error) {
	region, err := phone.ParseRegion(text)
	if err != nil {
		return region, refuse(invalid, "unknown_region", "region", err.Error())
	}
	return region, nil
}

// masks says what each party dials. The number of party A is also proxy_number.
type masks struct {
	Masks        string  `json:"masks"`
	MasksAsked   string  `json:"masks_asked,omitzero"`
	ProxyNumbers dialled `json:"proxy_numbers"`
}

type dialled struct {
	PartyA string `json:"party_a"`
	PartyB string `json:"party_b"`
}

func masksOf(b protocol.Booking) masks {
	m := masks{Masks: b.Masks().String(), ProxyNumbers: dialled{b.NumberA.E164(), b.NumberB.E164()}}
	if b.Terms.Masks != b.Masks() {
		m.MasksAsked = b.Terms.Masks.String()
	}
	return m
}

// shownTerms are the terms of a booking that are not the default.
type shownTerms struct {
	Region       string  `json:"region,omitzero"`
	RegionStrict bool    `json:"region_strict,omitzero"`
	IdleHours    float64 `json:"idle_hours,omitzero"`
	IdleEndsAt   int64   `json:"idle_ends_at,omitzero"`
	OnCheckout   string  `json:"on_checkout,omitzero"`
	GraceSeconds *int64  `json:"grace_seconds,omitzero"`
	Recording    string  `json:"recording,omitzero"`
	Summary      bool    `json:"summary,omitzero"`
}

func termsOf(b protocol.Booking) shownTerms {
	t := shownTerms{Region: b.Terms.Region.String(), RegionStrict: b.Terms.RegionStrict, IdleHours: b.Terms.Idle.Hours()}
	if b.Terms.Idle > 0 && b.State == protocol.BookingLive {
		t.IdleEndsAt = b.CheckoutAt.Unix()
	}
	if b.Terms.OnCheckout != protocol.FinishCalls {
		seconds := int64(b.Terms.Grace / time.Second)
		t.OnCheckout, t.GraceSeconds = b.Terms.OnCheckout.String(), &seconds
	}
	if b.Terms.Recording != protocol.RecordDefault {
		t.Recording = b.Terms.Recording.String()
	}
	t.Summary = b.Terms.Summary
	return t
}

// end is the end of a booking that was agreed on, which only idleness brings
// forward; of one that has ended, when it did.
func end(b protocol.Booking) time.Time {
	if b.State == protocol.BookingLive && b.Terms.Idle > 0 {
		return b.LimitAt
	}
	return b.CheckoutAt
}
