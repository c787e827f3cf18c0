package call

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"maskswitch/actors/protocol"
	"maskswitch/actors/story"
)

// story is what the disk tells of the call.
func (r *rig) story() story.Story {
	r.Helper()
	row := r.row()
	lines, err := r.store.Story(context.Background(), row.ID)
	if err != nil {
		r.Fatal(err)
	}
	told := make([]story.Told, len(lines))
	for i, l := range lines {
		if !json.Valid([]byte(l.What)) {
			r.Errorf("line %d is no JSON: %s", l.N, l.What)
		}
		told[i] = story.Told{At: l.At, What: l.What}
	}
	head := story.Story{Outcome: row.Outcome.String(), Reason: row.Reason}
	if head.Stage = row.Stage; row.State == "" {
		head.Stage = ""
	}
	return story.New(head, told)
}

// rungs are those of the story that tell of a thing.
func (r *rig) rungs(what string) (found []story.Rung) {
	r.Helper()
	for _, rung := range r.story().Rungs {
		if rung.What == what {
			found = append(found, rung)
		}
	}
	return found
}

// read delivers an event whose webhook was read some time ago, and which happened
// some time before that.
func (r *rig) read(ev protocol.Event, lag, wait time.Duration, attempt int) (receipt protocol.Receipt) {
	r.Helper()
	d := protocol.Delivery{Read: time.Now().Add(-wait), Done: func(got protocol.Receipt, err error) {
		if receipt = got; err != nil {
			r.Error(err)
		}
	}}
	stamp := func(about *protocol.About) {
		about.At, about.Attempt, about.EventID = d.Read.Add(-lag), attempt, "an id"
	}
	switch ev := ev.(type) {
	case Rang:
		stamp(&ev.About)
		d.Event, d.Route = ev.LegRang, ev.Route
	case protocol.LegAnswered:
		stamp(&ev.About)
		d.Event = ev
	case protocol.LegHungUp:
		stamp(&ev.About)
		d.Event = ev
	case protocol.LegNoted:
		stamp(&ev.About)
		d.Event = ev
	}
	r.send(d)
	return receipt
}

// What was on its way is told with how long: from the carrier to us, in here, and
// to the carrier and back.
func TestTheStoryTellsHowLong(t *testing.T) {
	bubble(t, func(r *rig) {
		hold := make(chan struct{})
		r.carrier(hold, protocol.CommandOK)
		r.read(ring(recording(t, protocol.RecordDefault)), 80*time.Millisecond, 3*time.Millisecond, 2)
		time.Sleep(40 * time.Millisecond)
		close(hold)
		synctest.Wait()
		r.carrier(nil, protocol.CommandOK)
		r.read(answered(protocol.LegA), -time.Second, time.Millisecond, 1) // the carrier's clock is ahead
		told := r.story()
		first := told.Rungs[0]
		if first.Span("lag") != 80*time.Millisecond || first.Span("wait") != 3*time.Millisecond || first.Text("attempt") != "2" {
			t.Errorf("the ring is told as %+v", first)
		}
		if second := r.rungs("answered")[0]; second.Span("lag") != -time.Second || second.Has("attempt") {
			t.Errorf("what the carrier's clock is ahead of is told as %+v", second)
		}
		answer := told.Commands()[0]
		if answer.Own != 3*time.Millisecond || answer.Took != 40*time.Millisecond || answer.Attempts != 1 || answer.Result != "ok" {
			t.Errorf("the answer is told as %+v", answer)
		}
		if sums := told.Sums(); sums.Own != 3*time.Millisecond { // of the transfer nothing is written yet
			t.Errorf("sums %+v", sums)
		}
	})
}

// A repeat costs no write of its own: its line goes with the next. Even a carrier
// that repeats itself for ever does not make the story long.
func TestRepeatsAreTold(t *testing.T) {
	bubble(t, func(r *rig) {
		r.talk(recording(t, protocol.RecordDefault))
		before := r.door.taken
		for n := range 2 * repeatsMost {
			if got := r.read(answered(protocol.LegA), 0, 0, n+2); got != protocol.ReceiptDuplicate {
				t.Fatalf("taken for %v", got)
			}
		}
		if r.door.taken != before || len(r.rungs("answered")) != 2 {
			t.Errorf("%d writes for repeats, %d lines", r.door.taken-before, len(r.rungs("answered")))
		}
		r.event(hungUp(protocol.LegB, protocol.CauseNormalClearing), protocol.Route{})
		told := r.rungs("answered")
		if len(told) != 2+repeatsMost || !told[2].Has("repeat") || told[2].Text("attempt") != "2" || told[0].Has("repeat") {
			t.Errorf("%d lines: %+v", len(told), told)
		}
	})
}

// An event that is only told is known by its id when it comes again, and told as
// a repeat.
func TestARepeatOfWhatIsOnlyTold(t *testing.T) {
	bubble(t, func(r *rig) {
		r.talk(recording(t, protocol.RecordDefault))
		dtmf := protocol.LegNoted{About: facts(protocol.LegA), What: "call.dtmf.received"}
		r.read(dtmf, 0, 0, 1)
		if got := r.read(dtmf, 0, 0, 2); got != protocol.ReceiptDuplicate {
			t.Errorf("taken for %v", got)
		}
		r.event(hungUp(protocol.LegB, protocol.CauseNormalClearing), protocol.Route{})
		if told := r.rungs("dtmf.received"); len(told) != 2 || told[0].Has("repeat") || !told[1].Has("repeat") {
			t.Errorf("told as %+v", told)
		}
	})
}

// What is told last, when nothing is written any more, is told all the same.
func TestTheEndOfTheStory(t *testing.T) {
	bubble(t, func(r *rig) {
		hold := make(chan struct{})
		r.carrier(hold, protocol.CommandLegGone)
		r.read(ring(protocol.Refuse(protocol.OutcomeStranger, "nobody knows him")), 0, 0, 1)
		over := hungUp(protocol.LegA, protocol.CauseCallRejected)
		r.read(over, 0, 0, 1)
		r.read(over, 0, 0, 2)
		close(hold)
		synctest.Wait()
		text := r.story().String()
		for _, want := range []string{
			"outcome       stranger\n", "reason        nobody knows him\n", "refused stranger", "stage closed, outcome stranger",
			"why nobody knows him", "repeat, attempt 2", "reply reject", "result leg_gone",
		} {
			if !strings.Contains(text, want) {
				t.Errorf("the story lacks %q:\n%s", want, text)
			}
		}
	})
}

// The story that is on disk goes again as it went, wherever the process died: of
// what the row does not know it tells nothing that would lead elsewhere.
func TestAStoryThatIsAheadOfItsRow(t *testing.T) {
	set := told
	set.Consent = "This call is recorded."
	bubbleWith(t, set, func(r *rig) {
		r.talk(recording(t, protocol.RecordDefault)) // the carrier has taken the sentence, and the row does not say so
		r.event(protocol.LegBridged{About: facts(protocol.LegB)}, protocol.Route{})
		r.panics()
		r.wantSent("answer", "transfer", "speak:consent", "speak:consent")
		text := r.story().String()
		read, err := story.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		played, err := replay(read, func(c Call) Call { return c })
		if err != nil || played.String() != text {
			t.Errorf("%v: %s", err, difference(text, played.String()))
		}
	})
}

// No number, address or sentence is in a story, whatever an event has.
func TestStoriesArePrivate(t *testing.T) {
	bubble(t, func(r *rig) {
		route := recording(t, protocol.RecordDefault)
		r.talk(route)
		r.read(hungUp(protocol.LegB, protocol.CauseNormalClearing), 0, 0, 1)
		r.event(protocol.LegRecorded{About: facts(protocol.LegA), Recording: "rec", Link: "https://carrier.example/audio?sig=1"}, protocol.Route{})
		lines, err := r.store.Story(t.Context(), r.row().ID)
		if err != nil || len(lines) < 8 {
			t.Fatal(lines, err)
		}
		for _, l := range lines {
			for _, secret := range []string{route.To.E164(), route.To.E164()[1:], "://", "carrier.example", told.Unreachable, told.Ended} {
				if strings.Contains(l.What, secret) {
					t.Errorf("%q is in %s", secret, l.What)
				}
			}
		}
	})
}
