package judge

import (
	"maskswitch/loadtest/market"
)

// Whose booking on the number has ended may be refused like a stranger, or be
// answered and told so. An answer costs him money: it must be followed by the
// whole sentence, and that by his release. Nobody else who is to be refused may
// be answered.

// wasParty says that the caller is to be refused and once had a booking on that
// number. The register forgets ended ones, so the plan's word counts too.
func (h *hearing) wasParty() bool {
	return h.v.Want == Refuse && (len(h.c.held) > 0 || h.e.Who == market.Late)
}

// inVain looks for the answer of a caller who never had a booking here.
func (h *hearing) inVain() {
	stranger := h.e.Who == market.Stranger || h.e.Who == market.Withheld
	if h.v.Want != Refuse || h.past || !stranger || h.touched || h.late || h.answerA == nil || h.ledSomewhere() {
		return
	}
	h.find(AnsweredInVain, h.answerA.At, "%s has no booking on %s and never had one; the call was answered at %s, and had to be rejected unanswered",
		h.caller(), h.l.Proxy, h.since(h.answerA.At))
}

// unsaid looks for a late caller who was answered and then hung up on without
// having heard the whole sentence. Whom nobody hangs up on is a matter of
// duties.
func (h *hearing) unsaid() {
	if !h.past || h.touched || h.late || h.answerA == nil || h.ledSomewhere() {
		return
	}
	by := h.hungUp()
	if by == nil || h.spoken != nil && !h.spoken.At.After(by.At) {
		return
	}
	h.find(LeftInSilence, by.At, "%s had a booking on %s that has ended; the call was answered at %s and ended by the switch at %s, before it had said so",
		h.caller(), h.l.Proxy, h.since(h.answerA.At), h.since(by.At))
}

// ledSomewhere says that somebody was called, or was to be: which is worse.
func (h *hearing) ledSomewhere() bool {
	return len(h.l.Connections) > 0 || h.l.Effects("transfer") > 0
}

// wasTold says that the caller heard a whole sentence and was let go.
func (h *hearing) wasTold() bool {
	return h.v.Want != Connect && h.answerA != nil && h.spoken != nil
}
