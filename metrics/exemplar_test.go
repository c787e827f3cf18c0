package metrics_test

import (
	"testing"
	"time"

	"maskswitch/actors/protocol"
)

// What failed or was slower than promised names its call; the rest does not,
// because that costs more than the observation.
func TestExemplarsNameTheCall(t *testing.T) {
	call := protocol.NewCallID("s", time.Unix(1700000000, 0))
	m, reg := newWatched(t)
	seen := func() (n int) {
		for _, family := range gather(t, reg) {
			for _, metric := range family.Metric {
				for _, e := range exemplars(metric) {
					n++
					if e.Label[0].GetName() != "call" || e.Label[0].GetValue() != call.String() {
						t.Errorf("%s: exemplar %s", family.GetName(), e)
					}
				}
			}
		}
		return n
	}
	talked := protocol.Call{ID: call, Outcome: protocol.OutcomeTalked}
	m.CallEnded(talked, false)
	m.Reacted(call, protocol.CommandAnswer, 50*time.Millisecond)
	m.WebhookTaken(call, protocol.EventAnswered, protocol.ReceiptAccepted, 250*time.Millisecond, 0, false)
	m.WebhookTaken(protocol.CallID{}, protocol.EventAnswered, protocol.ReceiptAccepted, time.Second, 0, false)
	m.Recordings.Archived(call, 1, 15*time.Minute)
	if n := seen(); n != 0 {
		t.Errorf("%d exemplars though all is well", n)
	}
	for i, slow := range []func(){
		func() { m.Reacted(call, protocol.CommandAnswer, 51*time.Millisecond) },
		func() {
			m.WebhookTaken(call, protocol.EventAnswered, protocol.ReceiptAccepted, 251*time.Millisecond, 0, false)
		},
		func() { m.Recordings.Archived(call, 1, 16*time.Minute) },
		func() { m.CallEnded(protocol.Call{ID: call, Outcome: protocol.OutcomeStuck}, true) },
		func() { m.CallEnded(protocol.Call{ID: call, Outcome: protocol.OutcomeFailed}, false) },
		func() { m.CallEnded(protocol.Call{ID: call, Outcome: protocol.OutcomeCarrier}, false) },
	} {
		before := seen()
		if slow(); seen() <= before {
			t.Errorf("case %d leaves no exemplar", i)
		}
	}
}
