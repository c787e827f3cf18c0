package call

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"maskswitch/actors/protocol"
	"maskswitch/actors/story"
)

var update = flag.Bool("update", false, "write testdata anew, as the stories go now")

// The stories in testdata go as they are told, from the row before each event
// too. What maskswitch story prints of a real call can be put there: it passes,
// or shows what would happen to that call now.
func TestStories(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	ways := make(map[string]bool)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			told, err := story.Parse(string(text))
			if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			for name, between := range map[string]func(Call) Call{
				"as it is":               func(c Call) Call { return c },
				"from its row each time": func(c Call) Call { return restored(t, c) },
			} {
				played, err := replay(told, between)
				if err != nil {
					t.Fatalf("%s: %v", file, err)
				}
				ways[played.Outcome] = true
				switch got := played.String(); {
				case *update:
					if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
						t.Fatal(err)
					}
				case got != string(text):
					t.Errorf("%s: %s", name, difference(string(text), got))
				}
			}
		})
	}
	for _, o := range protocol.Outcomes() {
		if !ways[o.String()] {
			t.Errorf("no story ends as %v", o)
		}
	}
}

// difference shows where two texts part.
func difference(told, played string) string {
	was, is := strings.Split(told, "\n"), strings.Split(played, "\n")
	for i := range min(len(was), len(is)) {
		if was[i] != is[i] {
			return fmt.Sprintf("line %d is told as\n%s\nand goes as\n%s\nThe whole is now\n%s", i+1, was[i], is[i], played)
		}
	}
	return fmt.Sprintf("it is now\n%s", played)
}

// replay tells a story anew: its events come again, at their instants, and what
// follows from them is told as it follows now. between is done to the call before
// each event.
func replay(told story.Story, between func(Call) Call) (story.Story, error) {
	set, err := settingsOf(told.Settings)
	if err != nil {
		return story.Story{}, err
	}
	r := &replayed{told: told, between: between}
	for i, rung := range told.Rungs {
		if rung.Kind == story.Send {
			continue
		}
		if rung.What == "given up" { // not by the call itself
			return r.ends(i), nil
		}
		if err := r.rung(rung, set); err != nil {
			return story.Story{}, fmt.Errorf("%q of %v: %w", rung.What, rung.At, err)
		}
	}
	out := r.ends(0)
	out.Outcome, out.Reason, out.Stage = r.call.Outcome.String(), r.call.Reason, r.call.Stage.String()
	if r.call.Stage == StageClosed {
		out.Stage = ""
	}
	if want := r.call.Report && r.call.Stage >= StageOver; r.over != map[bool]int{true: 1}[want] {
		return out, fmt.Errorf("the booking was told %d times", r.over)
	}
	return out, nil
}

type replayed struct {
	told    story.Story
	between func(Call) Call
	call    Call
	lines   []story.Told
	over    int // how often the booking was told
}

// ends is the story as it went, and then on from a rung as it was told, if that
// is not 0.
func (r *replayed) ends(on int) story.Story {
	head := r.told
	head.Rungs = nil
	out := story.New(head, r.lines)
	if on > 0 {
		out.Rungs = append(out.Rungs, r.told.Rungs[on:]...)
	}
	return out
}

func (r *replayed) rung(rung story.Rung, set Settings) error {
	now := rung.At
	read := now.Add(-rung.Span("wait"))
	ev, err := eventOf(rung, r.told.Began)
	if err != nil {
		return err
	}
	switch first, isEvent := ev.(protocol.LegEvent); {
	case len(r.lines) == 0 && !isEvent:
		return fmt.Errorf("a call begins with an event of the carrier's")
	case len(r.lines) == 0:
		r.call = Begin(first.Facts(), 0, set)
	case r.call.Stage != StageClosed:
		r.call = r.between(r.call)
	}
	if _, ok := ev.(protocol.Recovered); ok {
		if set, err = settingsOf(rung.Text("settings")); err != nil {
			return err
		}
		if r.call, err = Restore(r.call.Row(), set); err != nil {
			return err
		}
	}
	step := r.call.Hear
	if noted, ok := ev.(protocol.LegNoted); ok && rung.Has("repeat") { // known by its id, which stories do not have
		step = func(_ protocol.Event, read, now time.Time) (Call, Effects) { return r.call.Again(noted, read, now) }
	}
	next, fx := step(ev, read, now)
	r.call = next
	if fx.Unknown {
		return fmt.Errorf("the leg is none of this call's")
	}
	if fx.Over {
		r.over++
	}
	for _, l := range fx.Lines {
		r.lines = append(r.lines, story.Told{At: l.At, What: l.What})
	}
	return nil
}

// eventOf is the event that a rung tells of. Numbers, ids and sentences, on which
// nothing is decided but whether they are there, are made up.
func eventOf(rung story.Rung, began time.Time) (protocol.Event, error) {
	side, _ := protocol.ParseLeg(rung.Leg)
	id := protocol.LegID(strings.ToUpper(rung.Leg))
	attempt, _ := strconv.Atoi(rung.Text("attempt"))
	about := protocol.About{
		Session: "s", Leg: id, At: rung.Happened(), Attempt: attempt,
		Tag: protocol.Tag{Call: protocol.NewCallID("s", began), Leg: side},
	}
	switch {
	case rung.Kind == story.Reply:
		return replyOf(rung, id)
	case rung.Kind == story.Note:
		return noteOf(rung)
	case side == protocol.LegUnknown:
		return nil, fmt.Errorf("an event is of leg a or b")
	}
	switch rung.What {
	case "initiated":
		if side == protocol.LegB {
			return Rang{protocol.LegRang{About: about}, protocol.Route{}}, nil
		}
		about.Tag = protocol.Tag{}
		route, err := routeOf(rung)
		return Rang{protocol.LegRang{About: about, Incoming: true}, route}, err
	case "answered":
		return protocol.LegAnswered{About: about}, nil
	case "bridged":
		return protocol.LegBridged{About: about}, nil
	case "hangup":
		cause, ok := protocol.ParseHangupCause(rung.Text("cause"))
		if !ok {
			return nil, fmt.Errorf("cause %q is none of the carrier's", rung.Text("cause"))
		}
		return protocol.LegHungUp{About: about, Cause: cause, Source: protocol.ParseHangupSource(rung.Text("source")), SIP: rung.Text("sip")}, nil
	case "speak.ended":
		return protocol.SpeechEnded{About: about, Broken: rung.Has("broken")}, nil
	case "recording.saved":
		return protocol.LegRecorded{About: about, Recording: protocol.RecordingID(rung.Text("recording"))}, nil
	case "recording.error":
		return protocol.RecordingFailed{About: about, Reason: rung.Text("why")}, nil
	}
	return protocol.LegNoted{About: about, What: "call." + rung.What}, nil
}

func routeOf(rung story.Rung) (protocol.Route, error) {
	refusal, ok := protocol.ParseOutcome(rung.Text("refused"))
	caller, _ := protocol.ParseParty(rung.Text("caller"))
	r := protocol.Route{
		Refusal: refusal, Reason: rung.Text("why"), Caller: caller,
		Report: rung.Has("report"), Cut: rung.Has("cut"), Grace: rung.Span("grace"), Summary: rung.Has("summary"),
	}
	known := ok
	if policy := rung.Text("policy"); policy != "" {
		r.Recording, ok = protocol.ParseRecordingMode(policy)
		known = known && ok
	}
	switch {
	case rung.Has("repeat"):
	case !known:
		return r, fmt.Errorf("refused %q or policy %q is none that there is", rung.Text("refused"), rung.Text("policy"))
	case rung.Has("connect") == (refusal != protocol.OutcomeNone):
		return r, fmt.Errorf("a ring says either connect or refused: lines of an early version of the switch say neither, and cannot be played")
	}
	return r, nil
}

func replyOf(rung story.Rung, id protocol.LegID) (protocol.Event, error) {
	ev := protocol.CommandEnded{Step: rung.What, Leg: id, At: rung.Happened()}
	if which := rung.Text("what") + rung.Text("turn"); which != "" {
		ev.Step += ":" + which
	}
	known := 0
	for _, k := range protocol.CommandKinds() {
		if k.String() == rung.What {
			ev.Command = k
			known++
		}
	}
	for _, r := range protocol.CommandResults() {
		if r.String() == rung.Text("result") {
			ev.Reply.Result = r
			known++
		}
	}
	if known != 2 {
		return nil, fmt.Errorf("command %q with result %q: there is none", rung.What, rung.Text("result"))
	}
	ev.Reply.Attempts, _ = strconv.Atoi(rung.Text("attempts"))
	ev.Reply.Status, _ = strconv.Atoi(rung.Text("status"))
	ev.Reply.Code, ev.Reply.Detail, ev.Reply.Alive = rung.Text("code"), rung.Text("why"), rung.Has("alive")
	if rung.Has("took") || rung.Has("own") {
		ev.Reply.Sent = ev.At.Add(-rung.Span("took"))
	}
	if rung.Has("own") {
		ev.Read = ev.Reply.Sent.Add(-rung.Span("own"))
	}
	return ev, nil
}

func noteOf(rung story.Rung) (protocol.Event, error) {
	switch rung.What {
	case "deadline":
		return protocol.DeadlinePassed{At: rung.At}, nil
	case "pause asked", "resume asked":
		return protocol.PauseAsked{Paused: rung.What == "pause asked"}, nil
	case "recovered":
		return protocol.Recovered{At: rung.At}, nil
	case "booking over":
		over := protocol.BookingOver{Session: "s"}
		if rung.Has("since") {
			over.At = rung.At.Add(-rung.Span("since"))
		}
		return over, nil
	}
	return nil, fmt.Errorf("there is no such note; there are deadline, booking over, pause asked, resume asked, recovered and given up")
}

func settingsOf(text string) (Settings, error) {
	list, err := story.Settings(text)
	mode, ok := protocol.ParseRecordingMode(list.Text("recording"))
	if err != nil || !ok || list.Span("ring") == 0 || list.Span("limit") == 0 {
		return Settings{}, fmt.Errorf(`settings are such as "recording dual-mp3, ring 30s, limit 4h", and not %q (%v)`, text, err)
	}
	sentence := func(name string) string {
		if list.Has(name) {
			return "some words"
		}
		return ""
	}
	return Settings{
		RingTimeout: list.Span("ring"), Limit: list.Span("limit"), Recording: mode, Summaries: list.Has("summaries"),
		Unreachable: sentence("unreachable"), Ended: sentence("ended"), Checkout: sentence("checkout"), Consent: sentence("consent"),
	}, nil
}

func restored(t interface {
	Helper()
	Fatalf(string, ...any)
}, c Call) Call {
	t.Helper()
	again, err := Restore(c.Row(), c.Settings)
	if err != nil || !reflect.DeepEqual(again, c) {
		t.Fatalf("restored %+v, %v\nwas      %+v", again, err, c)
	}
	return again
}
