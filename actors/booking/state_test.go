package booking

import (
	"testing"
	"time"

	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
)

func live(t *testing.T) protocol.Booking {
	t.Helper()
	number := func(s string) phone.Number {
		n, err := phone.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	now := time.Date(2026, 8, 24, 15, 0, 0, 0, time.UTC)
	return protocol.Booking{
		ID: protocol.NewBookingID(now), PartyA: number("+13125550111"), PartyB: number("+17735550122"),
		NumberA: number("+14155550100"), NumberB: number("+14155550101"),
		CreatedAt: now, CheckoutAt: now.Add(time.Hour), Asked: time.Hour,
	}
}

// Each party is shown the number that he himself can dial.
func TestRoute(t *testing.T) {
	b := live(t)
	ended := End(b, "deleted", b.CreatedAt.Add(time.Minute), time.Hour)
	for _, test := range []struct {
		story    string
		booking  protocol.Booking
		caller   protocol.Party
		after    time.Duration
		to, from phone.Number
		refused  protocol.Outcome
	}{
		{"A calls B", b, protocol.PartyA, time.Minute, b.PartyB, b.NumberB, protocol.OutcomeNone},
		{"B calls A", b, protocol.PartyB, time.Minute, b.PartyA, b.NumberA, protocol.OutcomeNone},
		{"the last microsecond", b, protocol.PartyA, time.Hour - time.Microsecond, b.PartyB, b.NumberB, protocol.OutcomeNone},
		{"the checkout has come and nobody has said so yet", b, protocol.PartyA, time.Hour, phone.Number{}, phone.Number{}, protocol.OutcomeNoBooking},
		{"it has ended early", ended, protocol.PartyB, 2 * time.Minute, phone.Number{}, phone.Number{}, protocol.OutcomeNoBooking},
	} {
		t.Run(test.story, func(t *testing.T) {
			got := Route(test.booking, protocol.Route{Booking: b.ID, Caller: test.caller}, b.CreatedAt.Add(test.after))
			if got.To != test.to || got.From != test.from || got.Refusal != test.refused || got.Booking != b.ID || got.Caller != test.caller {
				t.Errorf("to %v from %v refused %v", got.To, got.From, got.Refusal)
			}
		})
	}
}

// A ring brings with it what its booking chose of recordings.
func TestRouteTellsTheRecording(t *testing.T) {
	b := live(t)
	b.Terms = protocol.Terms{Recording: protocol.RecordDualWAV, Summary: true}
	got := Route(b, protocol.Route{Booking: b.ID, Caller: protocol.PartyA}, b.CreatedAt)
	if got.Recording != protocol.RecordDualWAV || !got.Summary || got.Report {
		t.Errorf("%+v", got)
	}
}

func TestRepeat(t *testing.T) {
	b := live(t)
	same := protocol.OpenBooking{PartyA: b.PartyA, PartyB: b.PartyB, Duration: time.Hour}
	swapped := protocol.OpenBooking{PartyA: b.PartyB, PartyB: b.PartyA, Duration: time.Hour}
	longer := same
	longer.Duration++
	strict := same
	strict.Terms.Masks = protocol.MasksPair
	extended := b
	extended.CheckoutAt = b.CheckoutAt.Add(time.Hour)
	for _, test := range []struct {
		story   string
		booking protocol.Booking
		asked   protocol.OpenBooking
		code    string
	}{
		{"the same", b, same, ""},
		{"the same, and it was extended meanwhile", extended, same, ""},
		{"the roles are others", b, swapped, "booking_conflict"},
		{"the duration is another", b, longer, "booking_conflict"},
		{"the terms are others", b, strict, "booking_conflict"},
		{"it has ended", End(b, "checkout", b.CheckoutAt, 0), same, "booking_ended"},
	} {
		t.Run(test.story, func(t *testing.T) {
			err := Repeat(test.booking, test.asked)
			code := ""
			if err != nil {
				code = err.(*protocol.Error).Code
			}
			if code != test.code {
				t.Errorf("%v, want %q", err, test.code)
			}
		})
	}
}

func TestEnd(t *testing.T) {
	b := live(t)
	at := b.CreatedAt.Add(time.Minute)
	for quarantine, want := range map[time.Duration]protocol.BookingState{0: protocol.BookingClosed, time.Hour: protocol.BookingQuarantined} {
		got := End(b, "deleted", at, quarantine)
		if got.State != want || !got.CheckoutAt.Equal(at) || !got.FreeAt.Equal(at.Add(quarantine)) || got.Reason != "deleted" {
			t.Errorf("quarantine %v: %+v", quarantine, got)
		}
	}
}
