package call

import (
	"flag"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
)

var epoch = time.Date(2026, 8, 24, 15, 0, 0, 0, time.UTC)

func number(t interface{ Fatal(...any) }, s string) phone.Number {
	n, err := phone.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// play is one call under a random history.
type play struct {
	past
	t        *rapid.T
	now      time.Time
	events   []protocol.LegEvent // of the carrier, in no order
	flying   []protocol.Command
	sent     map[string]protocol.Command
	refusal  protocol.Outcome
	repeated map[string]bool // ids that a recovery may send once more
	retold   bool            // its story is played, which takes its time
	disk     [2]past         // what the last two writes of the row knew, the latest first
}

// past is what a crash may take back.
type past struct {
	call    Call
	seen    []protocol.LegEvent
	rung    bool
	hungUpA bool
	told    int // how often the booking was told that the call is over
	story   []protocol.Line
	untold  []protocol.Line // of the story, and not on disk
	silent  bool            // it was over at a crash: nobody builds it again, or tells of it
}

// Over random histories of a call (events in any order and as often as they
// like, replies of every kind, deadlines, the end of its booking, crashes that
// may lose the last write): each command is one command, nobody who is refused
// is connected, or answered but to be told that he is late, nothing is sent to a
// call that was over before it rang, an event twice is an event once, a call
// that is built again is the call it was, a call that its booking cuts is over
// soon after that, its booking hears of the end once, and every call ends.
func TestRandomCalls(t *testing.T) {
	if flag.Lookup("rapid.checks").Value.String() == "100" { // nobody chose
		if err := flag.Set("rapid.checks", "3000"); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = flag.Set("rapid.checks", "100") }()
	}
	guest, host, proxy := number(t, "+13125550111"), number(t, "+17735550122"), number(t, "+13125550199")
	rapid.Check(t, func(t *rapid.T) {
		p := &play{t: t, now: epoch, sent: make(map[string]protocol.Command), repeated: make(map[string]bool)}
		p.retold = rapid.IntRange(0, 3).Draw(t, "retold") == 0
		p.refusal = rapid.SampledFrom([]protocol.Outcome{
			protocol.OutcomeNone, protocol.OutcomeNone, protocol.OutcomeNone, protocol.OutcomeStranger, protocol.OutcomeNoBooking,
		}).Draw(t, "refusal")
		set := Settings{RingTimeout: 30 * time.Second, Limit: time.Hour, Recording: rapid.SampledFrom(protocol.RecordingModes()).Draw(t, "recording")}
		set.Summaries = rapid.Bool().Draw(t, "summaries")
		for _, sentence := range []*string{&set.Unreachable, &set.Ended, &set.Checkout, &set.Consent} {
			if rapid.Bool().Draw(t, "sentence") {
				*sentence = "some words"
			}
		}
		tag := protocol.Tag{Booking: protocol.NewBookingID(epoch), Call: protocol.NewCallID("s", epoch)}
		about := func(side protocol.Leg, after time.Duration) protocol.About {
			a := protocol.About{Session: "s", Leg: "A", Tag: tag, From: guest, To: proxy, At: epoch.Add(after), Attempt: 1}
			a.Tag.Leg = side
			if side == protocol.LegB {
				a.Leg, a.From, a.To = "B", proxy, host
			}
			return a
		}
		ring := Rang{protocol.LegRang{About: about(protocol.LegA, 0), Incoming: true}, protocol.Route{
			Refusal: p.refusal, Reason: map[bool]string{true: "some reason"}[p.refusal != protocol.OutcomeNone], Booking: tag.Booking, Caller: protocol.PartyA, To: host, From: proxy,
			Summary:   rapid.Bool().Draw(t, "summary"),
			Recording: rapid.SampledFrom(append(protocol.RecordingModes(), protocol.RecordDefault)).Draw(t, "policy"),
		}}
		if p.refusal == protocol.OutcomeNone {
			ring.Route.Cut = rapid.Bool().Draw(t, "cut")
			ring.Route.Report = ring.Route.Cut || rapid.Bool().Draw(t, "report")
			ring.Route.Grace = rapid.SampledFrom([]time.Duration{0, 999 * time.Millisecond, time.Second, 10 * time.Second, 10 * time.Minute}).Draw(t, "grace")
		}
		ring.Tag = protocol.Tag{}
		cause := rapid.SampledFrom(protocol.HangupCauses())
		p.events = []protocol.LegEvent{
			ring,
			protocol.LegAnswered{About: about(protocol.LegA, time.Second)},
			Rang{protocol.LegRang{About: about(protocol.LegB, 2*time.Second)}, protocol.Route{}},
			protocol.LegBridged{About: about(protocol.LegB, 2*time.Second)},
			protocol.LegBridged{About: about(protocol.LegA, 2*time.Second)},
			protocol.LegAnswered{About: about(protocol.LegB, 5*time.Second)},
			protocol.SpeechEnded{About: about(protocol.LegA, 8*time.Second), Broken: rapid.Bool().Draw(t, "broken")},
			protocol.SpeechEnded{About: about(protocol.LegB, 8*time.Second)},
			protocol.LegHungUp{About: about(protocol.LegA, 9*time.Second), Cause: cause.Draw(t, "cause a")},
			protocol.LegHungUp{About: about(protocol.LegB, 9*time.Second), Cause: cause.Draw(t, "cause b")},
			protocol.LegRecorded{About: about(protocol.LegA, 10*time.Second), Recording: "rec", Link: "rec's"},
			protocol.LegRecorded{About: about(protocol.LegA, 11*time.Second), Recording: "another", Link: "another's"},
			protocol.RecordingFailed{About: about(protocol.LegA, 11*time.Second), Reason: "no room"},
		}
		first := rapid.SampledFrom(p.events).Draw(t, "first")
		p.call = Begin(first.Facts(), 0, set)
		p.event(first)
		t.Repeat(map[string]func(*rapid.T){
			"event":    func(t *rapid.T) { p.event(rapid.SampledFrom(p.events).Draw(t, "event")) },
			"reply":    func(t *rapid.T) { p.reply(rapid.SampledFrom(protocol.CommandResults()).Draw(t, "result")) },
			"deadline": func(*rapid.T) { p.deadline() },
			"pause":    func(t *rapid.T) { p.pause(rapid.Bool().Draw(t, "paused")) },
			"booking over": func(t *rapid.T) {
				ago := rapid.SampledFrom([]time.Duration{-1, 0, 5 * time.Second, time.Hour}).Draw(t, "ago")
				p.bookingOver(ago)
			},
			"wait":  func(t *rapid.T) { p.now = p.now.Add(time.Duration(rapid.IntRange(0, 90).Draw(t, "s")) * time.Second) },
			"crash": func(t *rapid.T) { p.crash(rapid.IntRange(0, 1).Draw(t, "lost")) },
			"":      func(*rapid.T) { p.check() },
		})
		p.end()
	})
}

func (p *play) event(ev protocol.LegEvent) {
	next, fx := p.call.Hear(ev, p.now.Add(-1500*time.Microsecond), p.now)
	known := false
	for _, s := range p.seen {
		known = known || reflect.DeepEqual(s, ev)
	}
	same := next
	same.Lines, same.Repeats = p.call.Lines, p.call.Repeats
	if known && (!fx.Duplicate || !reflect.DeepEqual(same, p.call)) {
		p.t.Fatalf("%v came again and was not known: %+v", ev.Kind(), fx)
	}
	if !known && ev.Kind() == protocol.EventSpeakEnded && fx.Duplicate {
		p.t.Fatalf("leg %s is taken for one that has heard it already", ev.Facts().Leg)
	}
	if fx.Unknown {
		p.t.Fatalf("%v of leg %s is taken for a stranger's", ev.Kind(), ev.Facts().Leg)
	}
	waited := !p.call.consentBy().IsZero() && ev.Facts().Leg == "A"
	if ev.Kind() == protocol.EventSpeakEnded && p.call.Stage == StageTalking && !p.call.cutDue(p.now) && !waited && len(fx.Commands) > 0 {
		p.t.Fatalf("a sentence that ends while they talk has %v follow", fx.Commands[0].Kind())
	}
	p.seen = append(p.seen[:len(p.seen):len(p.seen)], ev)
	ring, isRing := ev.(Rang)
	if isRing && ring.Incoming && !known && p.hungUpA && len(fx.Commands) > 0 {
		for _, cmd := range fx.Commands {
			if cmd.Target() == "A" {
				p.t.Fatalf("A was over before the ring came, and is sent %v", cmd.Kind())
			}
		}
	}
	p.rung = p.rung || isRing && ring.Incoming
	if ev.Kind() == protocol.EventHangup && ev.Facts().Leg == "A" {
		p.hungUpA = true
	}
	p.take(next, fx)
}

// bookingOver has the booking end some time ago, or, if negative, it does not
// know when.
func (p *play) bookingOver(ago time.Duration) {
	var at time.Time
	want := p.now.Add(p.call.Grace)
	if ago >= 0 {
		at = p.now.Add(-ago)
		want = want.Add(-ago)
	}
	if want.Before(p.now) {
		want = p.now
	}
	if !p.call.Cut || p.call.Stage >= StageEnding {
		want = p.call.CutAt
	} else if !p.call.CutAt.IsZero() {
		want = p.call.CutAt // the first word stands
	}
	next, fx := p.call.Step(protocol.BookingOver{Session: "s", At: at}, p.now)
	if !next.CutAt.Equal(want) {
		p.t.Fatalf("to be cut at %v, want %v", next.CutAt, want)
	}
	p.take(next, fx)
}

func (p *play) take(next Call, fx Effects) {
	before := p.call
	p.call = next
	if fx.Over {
		p.told++
	}
	if !fx.Duplicate && next != before && !next.CutAt.IsZero() && next.Stage < StageEnding && (!p.now.Before(next.CutAt) || next.Due().After(next.CutAt)) {
		p.t.Fatalf("at %v in stage %v, looks again at %v, and was to be cut at %v", p.now, next.Stage, next.Due(), next.CutAt)
	}
	for _, cmd := range fx.Commands {
		id := protocol.CommandID(cmd.Target(), cmd.Step())
		if p.sent[id] != nil && !p.repeated[id] && cmd.Kind() != protocol.CommandFind {
			p.t.Fatalf("%v went out twice", cmd.Kind())
		}
		p.sent[id] = cmd
		delete(p.repeated, id)
		p.allow(before, cmd)
		p.flying = append(p.flying, cmd)
	}
	p.allowRecording(before, fx)
	switch {
	case p.silent:
	case fx.Write && !fx.StoryOnly:
		p.story, p.untold = slices.Concat(p.story, p.untold, fx.Lines), nil
		p.disk = [2]past{p.past, p.disk[0]}
	case fx.Write:
		p.story = slices.Concat(p.story, fx.Lines)
		p.disk[0].story = p.story
	default:
		p.untold = slices.Concat(p.untold, fx.Lines)
	}
}

// allow holds a command against what may be sent at all.
func (p *play) allow(before Call, cmd protocol.Command) {
	late := p.refusal == protocol.OutcomeNoBooking && p.call.Ended != ""
	switch cmd := cmd.(type) {
	case protocol.Transfer:
		if p.refusal != protocol.OutcomeNone {
			p.t.Fatal("a refused caller is connected")
		}
		if cmd.To != p.call.To || cmd.From != p.call.From || !cmd.To.Known() || !cmd.From.Known() {
			p.t.Fatalf("transfer to %v from %v", cmd.To, cmd.From)
		}
		if before.cutDue(p.now) {
			p.t.Fatal("somebody is called who would be cut off at once")
		}
	case protocol.Answer:
		if p.refusal != protocol.OutcomeNone && !late {
			p.t.Fatalf("a caller refused as %v is answered", p.refusal)
		}
	case protocol.StartRecording:
		p.allowStart(cmd)
	case protocol.PauseRecording, protocol.ResumeRecording:
		if r := p.call.Sent[sendRecord]; !r.Ended || r.Result != protocol.CommandOK || before.Stage > StageTalking {
			p.t.Fatalf("%v in stage %v, with record_start at %+v", cmd.Kind(), before.Stage, r)
		}
	case protocol.Reject:
		if p.refusal == protocol.OutcomeNone || late {
			p.t.Fatalf("a caller refused as %v is rejected", p.refusal)
		}
	case protocol.Speak:
		p.allowSpeech(cmd, late)
	}
	if !p.rung && cmd.Kind() != protocol.CommandHangUp && cmd.Kind() != protocol.CommandFind {
		p.t.Fatalf("%v before the ring", cmd.Kind())
	}
}

func (p *play) allowSpeech(cmd protocol.Speak, late bool) {
	ok := false
	switch cmd.What {
	case "ended":
		ok = late && !cmd.Both
	case "unreachable":
		ok = p.refusal == protocol.OutcomeNone && !cmd.Both && !p.call.Sent[sendNotice].sent() && !p.call.Sent[sendConsent].sent()
	case "consent":
		ok = p.call.Stage == StageTalking && cmd.Both && p.call.mode() != protocol.RecordOff && !p.call.Sent[sendRecord].sent() &&
			!p.call.Sent[sendNotice].sent()
	case "checkout":
		waits := p.call.Consent != "" && p.call.mode() != protocol.RecordOff
		ok = !(waits && p.call.ConsentAt.IsZero()) && p.call.Stage == StageTalking && p.call.Cut && p.now.Before(p.call.CutAt) && p.call.Grace >= time.Second && cmd.Both
	}
	if !ok || cmd.Text == "" || cmd.Leg != "A" {
		p.t.Fatalf("%+v in stage %v", cmd, p.call.Stage)
	}
}

func (p *play) reply(result protocol.CommandResult) {
	if len(p.flying) == 0 {
		return
	}
	cmd := p.flying[0]
	p.flying = p.flying[1:]
	next, fx := p.call.Step(protocol.CommandEnded{
		Command: cmd.Kind(), Step: cmd.Step(), Leg: cmd.Target(), Read: p.now.Add(-time.Second), At: p.now.Add(-time.Millisecond),
		Reply: protocol.Reply{Result: result, Attempts: 2, Alive: true, Detail: "busy, it says", Sent: p.now.Add(-90 * time.Millisecond)},
	}, p.now)
	p.take(next, fx)
}

func (p *play) deadline() {
	due := p.call.Due()
	if due.IsZero() {
		return
	}
	if due.After(p.now) {
		p.now = due
	}
	next, fx := p.call.Step(protocol.DeadlinePassed{At: p.now}, p.now)
	p.take(next, fx)
}

// crash builds the call again from its row, which may lack the last write. What
// was on its way may go out once more; the carrier knows it by its id for a
// minute. A booking that was told of an end which is not on disk is told again.
func (p *play) crash(lost int) {
	if p.disk[lost].call.Lines == 0 {
		lost = 0
	}
	p.past = p.disk[lost]
	p.disk = [2]past{p.past}
	row := p.call.Row()
	if row.State == "" {
		p.retell()
		p.silent = true
		return
	}
	again, err := Restore(row, p.call.Settings)
	if err != nil {
		p.t.Fatal(err)
	}
	if !reflect.DeepEqual(again, p.call) {
		p.t.Fatalf("built again it is another:\n%+v\n%+v", again, p.call)
	}
	clear(p.repeated)
	for id, cmd := range p.sent {
		both := Call{A: Leg{ID: "A"}, B: Leg{ID: "B"}}
		which, _ := both.sending(protocol.CommandEnded{Command: cmd.Kind(), Step: cmd.Step(), Leg: cmd.Target()})
		if turn := turnOf(cmd); turn != 0 && turn != again.Tape.Turn { // long ago, or the row does not know it
			p.repeated[id] = turn > again.Tape.Turn
			continue
		}
		known := again.Sent[which]
		harmful := cmd.Kind() == protocol.CommandTransfer || cmd.Kind() == protocol.CommandSpeak
		if !known.sent() || !known.Ended && (!harmful || p.now.Sub(known.At) < repeatWindow) {
			p.repeated[id] = true
		}
	}
	p.flying = nil
	next, fx := again.Step(protocol.Recovered{At: p.now}, p.now)
	p.take(next, fx)
}

func turnOf(cmd protocol.Command) int {
	switch cmd := cmd.(type) {
	case protocol.PauseRecording:
		return cmd.Turn
	case protocol.ResumeRecording:
		return cmd.Turn
	}
	return 0
}

// pause has the recording paused or resumed. What the carrier left open goes out
// once more under its id, for a minute.
func (p *play) pause(paused bool) {
	for id, cmd := range p.sent {
		if turn := turnOf(cmd); turn > 0 && turn == p.call.Tape.Turn {
			which, _ := p.call.sending(protocol.CommandEnded{Command: cmd.Kind(), Step: cmd.Step()})
			if s := p.call.Sent[which]; s.unanswered() && p.now.Sub(s.At) < repeatWindow {
				p.repeated[id] = true
			}
		}
	}
	next, fx := p.call.Step(protocol.PauseAsked{Paused: paused}, p.now)
	if p.call.pausable() != nil && next.Tape != p.call.Tape {
		p.t.Fatalf("what is not recorded is paused: %+v", fx.Commands)
	}
	p.take(next, fx)
}

// allowStart holds the start of a recording against what was promised: it is as
// the booking says, and begins after both were told, if they are to be.
func (p *play) allowStart(cmd protocol.StartRecording) {
	c := p.call
	switch {
	case p.refusal != protocol.OutcomeNone:
		p.t.Fatal("a refused caller is recorded")
	case cmd.Mode == protocol.RecordDefault, cmd.Mode == protocol.RecordOff, cmd.Mode != c.mode():
		p.t.Fatalf("recorded as %v, and the booking wants %v, the operator %v", cmd.Mode, c.Policy, c.Settings.Recording)
	case cmd.Transcribe != (c.Summary && c.Summaries):
		p.t.Fatal("transcribed though nobody asked, or not though somebody did")
	case c.Consent != "" && (c.Unheard || c.ConsentAt.IsZero() || !p.heard()):
		p.t.Fatal("recorded before both were told so")
	}
}

// heard says whether the sentence to A has been said to its end.
func (p *play) heard() bool {
	for _, ev := range p.seen {
		if s, ok := ev.(protocol.SpeechEnded); ok && s.Leg == "A" && !s.Broken {
			return true
		}
	}
	return false
}

// allowRecording holds what is told of recordings against what the carrier said:
// of what was recorded and never came the queue hears when the call closes.
func (p *play) allowRecording(before Call, fx Effects) {
	closes := p.call.Stage == StageClosed && before.Stage != StageClosed
	expected := fx.Recording != nil && fx.Recording.Row.ID.Expected() && fx.Recording.Row.Status == protocol.RecordingPending
	if want := closes && p.call.maybeRecorded() && p.call.Recordings == ""; want != expected {
		p.t.Fatalf("closes %v, recorded %v, saved %q: a row for what was expected: %v", closes, p.call.maybeRecorded(), p.call.Recordings, expected)
	}
	if fx.Recording == nil {
		return
	}
	if !fx.Write {
		p.t.Fatal("a recording that is not written")
	}
	row := fx.Recording.Row
	if lost := row.Status == protocol.RecordingLost; lost && (row.Why == "" || !row.NextTryAt.IsZero()) || !lost && row.NextTryAt.IsZero() {
		p.t.Fatalf("a recording of which nothing is due, or that is lost for no reason: %+v", row)
	}
	if row.ID.StandIn() == (fx.Recording.Link != "") {
		p.t.Fatalf("recording %s with link %q", row.ID, string(fx.Recording.Link))
	}
}

func (p *play) check() {
	c := p.call
	switch {
	case c.Stage == StageClosed && !c.Deadline.IsZero():
		p.t.Fatal("a closed call waits for something")
	case c.Stage != StageClosed && c.Deadline.IsZero():
		p.t.Fatalf("nothing ends stage %v", c.Stage)
	case c.Stage >= StageOver && c.Outcome == protocol.OutcomeNone:
		p.t.Fatal("over without an outcome")
	case c.Stage >= StageOver && c.Refusal != protocol.OutcomeNone && c.Outcome != c.Refusal:
		p.t.Fatalf("refused as %v, ended as %v", c.Refusal, c.Outcome)
	case c.Stage == StageTalking && c.B.AnsweredAt.IsZero():
		p.t.Fatal("they talk, and B has not answered")
	case p.told > 0 && !c.Report, p.told > 1, c.Report && c.Stage >= StageOver && p.told != 1, c.Stage < StageOver && p.told > 0:
		p.t.Fatalf("in stage %v its booking was told %d times that it is over", c.Stage, p.told)
	}
}

// end lets time pass until nothing is due, with a carrier that answers and
// whose legs are gone when it is asked.
func (p *play) end() {
	soon := p.now.Add(endWait + 2*askWait)
	if p.call.CutAt.After(p.now) {
		soon = p.call.CutAt.Add(endWait + 2*askWait)
	}
	over := p.call.Stage >= StageOver
	for range 60 {
		for len(p.flying) > 0 {
			result := protocol.CommandOK
			if p.flying[0].Kind() == protocol.CommandFind {
				result = protocol.CommandLegGone
			}
			p.reply(result)
		}
		if p.call.Stage == StageClosed {
			p.check()
			if !p.silent {
				p.retell()
			}
			return
		}
		p.deadline()
		p.check()
		if !over && p.call.Stage >= StageOver {
			over = true
			if !p.call.CutAt.IsZero() && p.now.After(soon) {
				p.t.Fatalf("over at %v, and was to be cut at %v", p.now, p.call.CutAt)
			}
		}
	}
	p.t.Fatalf("the call does not end: stage %v, deadline %v", p.call.Stage, p.call.Deadline)
}

// Ids come from outside: the snapshot takes any text, and is read back as it was.
func TestSnapshotOfOddTexts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.StringMatching(`[ -~]*`), rapid.String())
		c := Call{
			Session: "s", Stage: StageTalking, Connection: text.Draw(t, "connection"), Rung: true,
			A: Leg{ID: protocol.LegID(text.Draw(t, "a")), Bridged: true}, B: Leg{ID: protocol.LegID(text.Draw(t, "b")), Cause: protocol.CauseUserBusy},
			Recordings: text.Draw(t, "recordings"), StartedAt: epoch, Deadline: epoch,
		}
		again, err := Restore(c.Row(), Settings{})
		if err != nil || !reflect.DeepEqual(again, c) {
			t.Fatalf("%+v came back as %+v, %v", c, again, err)
		}
	})
}

func BenchmarkSnapshot(b *testing.B) {
	c := Call{
		Session: "s", Stage: StageTalking, Connection: "2811000000000000001", Rung: true, StartedAt: epoch, Deadline: epoch,
		A: Leg{ID: "v3:Nq3u0o1vZb7yQ2mXrT9kLwHs5eCfJdGa8iPnYtBxVcUzRlMoSjAEkg", RangAt: epoch, AnsweredAt: epoch},
		B: Leg{ID: "v3:Hs8d2k4fWm6xT1pYbR5jLqNu3eVcGzAa7iOnXtBvKcQzRmMoPjDElw", RangAt: epoch, AnsweredAt: epoch},
	}
	for b.Loop() {
		if c.Row().State == "" {
			b.Fatal("no state")
		}
	}
}
