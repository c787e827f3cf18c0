package number

import (
	"testing"
	"time"

	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
)

func party(t *testing.T, s string) phone.Number {
	t.Helper()
	n, err := phone.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestWhoMayCallWhom(t *testing.T) {
	guest, host, other := party(t, "+13125550111"), party(t, "+17735550122"), party(t, "+14155550133")
	now := time.Date(2026, 8, 24, 15, 0, 0, 0, time.UTC)
	first, second := protocol.NewBookingID(now), protocol.NewBookingID(now.Add(time.Hour))
	lend := func(id protocol.BookingID, a, b phone.Number) func(*Number) {
		return func(n *Number) { n.Lend(protocol.LendNumber{Booking: id, PartyA: a, PartyB: b}) }
	}
	release := func(id protocol.BookingID, until time.Time) func(*Number) {
		return func(n *Number) {
			n.Release(protocol.ReleaseNumber{Booking: id, PartyA: guest, PartyB: host, Until: until})
		}
	}
	retire := func(n *Number) { n.State = protocol.NumberRetired }
	type steps []func(*Number)
	for _, test := range []struct {
		story    string
		steps    steps
		caller   phone.Number
		withheld bool
		booking  protocol.BookingID
		party    protocol.Party
		refused  protocol.Outcome
	}{
		{story: "the guest", steps: steps{lend(first, guest, host)}, caller: guest, booking: first, party: protocol.PartyA},
		{story: "the host", steps: steps{lend(first, guest, host)}, caller: host, booking: first, party: protocol.PartyB},
		{story: "a stranger", steps: steps{lend(first, guest, host)}, caller: other, refused: protocol.OutcomeStranger},
		{story: "nobody's number", caller: guest, refused: protocol.OutcomeStranger},
		{story: "a withheld number is nobody's, whatever came with it", steps: steps{lend(first, guest, host)}, caller: guest, withheld: true, refused: protocol.OutcomeWithheld},
		{story: "no number", steps: steps{lend(first, guest, host)}, refused: protocol.OutcomeWithheld},
		{story: "late", steps: steps{lend(first, guest, host), release(first, now)}, caller: guest, booking: first, refused: protocol.OutcomeNoBooking},
		{story: "late, without quarantine", steps: steps{lend(first, guest, host), release(first, time.Time{})}, caller: guest, refused: protocol.OutcomeStranger},
		{story: "after quarantine", steps: steps{lend(first, guest, host), release(first, now), func(n *Number) {
			n.Forget(protocol.ForgetParties{Booking: first, PartyA: guest, PartyB: host})
		}}, caller: host, refused: protocol.OutcomeStranger},
		{story: "late from one booking, in another that is live", steps: steps{lend(first, guest, host), release(first, now), lend(second, other, guest)},
			caller: guest, booking: second, party: protocol.PartyB},
		{story: "late, while the other party has a new booking", steps: steps{lend(first, guest, host), release(first, now), lend(second, other, host)},
			caller: guest, booking: first, refused: protocol.OutcomeNoBooking},
		{story: "one of two numbers of a booking knows one party only", steps: steps{lend(first, guest, phone.Number{})}, caller: host, refused: protocol.OutcomeStranger},
		{story: "a retired number", steps: steps{lend(first, guest, host), retire}, caller: guest, refused: protocol.OutcomeUnallocated},
	} {
		t.Run(test.story, func(t *testing.T) {
			n := newNumber(protocol.Number{})
			for _, step := range test.steps {
				step(&n)
			}
			got := n.Route(test.caller, test.withheld)
			if got.Refusal != test.refused || got.Booking != test.booking || got.Caller != test.party {
				t.Errorf("refused %v booking %v party %v; want %v, %v, %v", got.Refusal, got.Booking, got.Caller, test.refused, test.booking, test.party)
			}
		})
	}
}
