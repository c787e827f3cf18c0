package api

import (
	"net/http"
	"strings"

	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
)

// explanation is what would happen to a call, and why. It says of other people no
// more than their role.
type explanation struct {
	From         string        `json:"from"` // masked
	To           string        `json:"to"`
	Decision     string        `json:"decision"`
	Outcome      string        `json:"outcome,omitzero"`
	Reason       string        `json:"reason"`
	BookingID    string        `json:"booking_id,omitzero"`
	Caller       string        `json:"caller,omitzero"`
	ShownNumber  string        `json:"shown_number,omitzero"`
	Recording    string        `json:"recording,omitzero"`
	Consent      bool          `json:"consent,omitzero"`
	OnCheckout   string        `json:"on_checkout,omitzero"`
	GraceSeconds float64       `json:"grace_seconds,omitzero"`
	Until        stamp         `json:"until,omitzero"`
	Steps        []explainStep `json:"steps"`
}

// explainStep is one thing that was looked at on the way of a ring.
type explainStep struct {
	Looked string `json:"looked"`
	Found  string `json:"found"`
	Passed bool   `json:"passed"`
}

// explain tells what would happen to a call now. It asks whom a ring asks.
func (s *Server) explain(w http.ResponseWriter, r *http.Request) error {
	var from, to phone.Number
	var withheld, hasFrom, hasTo bool
	err := parameters(r, func(name, value string) (err error) {
		switch name {
		case "from":
			if hasFrom = true; value == "anonymous" {
				withheld = true
				return nil
			}
			from, err = numberParameter(name, value)
		case "to":
			hasTo = true
			to, err = numberParameter(name, value)
		default:
			return unknownParameter(name, "this takes from, a phone number or anonymous, and to, a proxy number")
		}
		return err
	})
	switch {
	case err != nil:
		return err
	case !hasFrom:
		return refuse(invalid, "missing_parameter", "from", "from is the caller's number, or anonymous")
	case !hasTo:
		return refuse(invalid, "missing_parameter", "to", "to is the proxy number that is dialled")
	}
	e, err := s.config.Switch.Explain(r.Context(), from, to, withheld)
	if err != nil {
		return err
	}
	out := explained(e)
	out.From, out.To = from.String(), to.E164()
	if withheld {
		out.From = "anonymous"
	}
	return reply(w, http.StatusOK, out)
}

// numberParameter takes a space for the plus sign that a client forgot to
// escape: no number has a space, so nothing else can be meant.
func numberParameter(name, value string) (phone.Number, error) {
	if rest, ok := strings.CutPrefix(value, " "); ok {
		value = "+" + rest
	}
	return parseNumber(value, name)
}

// explained puts it in words, in the order in which a ring is looked at.
func explained(e protocol.Explanation) explanation {
	out := explanation{Decision: "refuse", Outcome: e.Route.Refusal.String(), Reason: e.Route.Reason, Caller: partyName(e.Route.Caller)}
	if e.Booking.ID != (protocol.BookingID{}) {
		out.BookingID = e.Booking.PublicID()
	}
	step := func(looked, found string, passed bool) {
		out.Steps = append(out.Steps, explainStep{looked, found, passed})
	}
	state := "it is not in the pool"
	if e.InPool {
		state = "it is " + e.State.String()
	}
	step("the number dialled", state, e.Route.Refusal != protocol.OutcomeUnallocated)
	if e.Route.Refusal == protocol.OutcomeUnallocated {
		return out
	}
	caller := "a booking of this number knows him"
	switch {
	case e.Route.Refusal == protocol.OutcomeWithheld, e.Route.Refusal == protocol.OutcomeStranger:
		step("the caller", e.Route.Reason, false)
		return out
	case out.Caller != "":
		caller = "he is " + out.Caller + " of a booking of this number"
	}
	step("the caller", caller, true)
	if e.Route.Refusal != protocol.OutcomeNone {
		step("his booking", e.Route.Reason, false)
		answer := "he is turned away unanswered"
		if e.Told {
			answer = "he is answered, and told that the booking has ended"
		}
		out.Reason += "; " + answer
		return out
	}
	out.Decision, out.Outcome = "connect", ""
	out.Reason = "the caller has a live booking on this number"
	out.ShownNumber, out.Recording, out.Consent = e.Route.From.E164(), e.Recording.String(), e.Consent
	out.OnCheckout, out.Until = e.Booking.Terms.OnCheckout.String(), at(e.Booking.CheckoutAt)
	if e.Route.Cut {
		out.GraceSeconds = e.Route.Grace.Seconds()
	}
	step("his booking", "it is live until "+string(out.Until), true)
	step("the other party", "he is dialled, and sees "+out.ShownNumber, true)
	return out
}
