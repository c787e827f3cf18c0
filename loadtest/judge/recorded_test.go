package judge

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"maskswitch/actors/phone"
	"maskswitch/loadtest/carrier"
	"maskswitch/loadtest/market"
)

const sentence = "This call is recorded."

// says has a line said to both, or to others.
func says(leg, payload, targets string, when float64) func(*story) {
	return func(s *story) {
		does(leg, "speak", when)(s)
		body, err := json.Marshal(map[string]string{"payload": payload, "voice": "female", "target_legs": targets})
		if err != nil {
			panic(err)
		}
		s.Commands[len(s.Commands)-1].Body = body
	}
}

func stoppedSpeaking(leg, how string, when float64) func(*story) {
	return func(s *story) {
		event(leg, "call.speak.ended", when)(s)
		s.Events[len(s.Events)-1].Cause = how
	}
}

// recordedAs changes how the recording was made.
func recordedAs(channels, format string) func(*story) {
	return func(s *story) {
		for i := range s.Recordings {
			s.Recordings[i].Channels, s.Recordings[i].Format = channels, format
		}
	}
}

func transcribed(s *story) {
	for i := range s.Recordings {
		s.Recordings[i].Transcribed = true
	}
}

func TestRecordingIsAsTheBookingSays(t *testing.T) {
	unrecorded := but([]int{10, 11, 15})
	as := func(channels, format string) []func(*story) { return append(normal(), recordedAs(channels, format)) }
	for _, c := range []struct {
		story string
		terms Terms
		lines []func(*story)
		want  []Kind
	}{
		{"off, and not recorded", Terms{Recording: market.RecordOff}, unrecorded, nil},
		{"off, and recorded", Terms{Recording: market.RecordOff}, normal(), []Kind{RecordedUnasked}},
		{"off, and recorded by the transfer's own order", Terms{Recording: market.RecordOff}, but([]int{10}), []Kind{RecordedUnasked}},
		{"off, and asked for in vain", Terms{Recording: market.RecordOff}, but([]int{10, 11, 15}, failing("A", "record_start", 3.01, 503, "", true)), []Kind{RecordedUnasked}},
		{"on, and not recorded", Terms{Recording: market.RecordWav}, unrecorded, []Kind{NotRecorded}},
		{"as the switch does it", Terms{}, as("single", "wav"), nil},
		{"dual wav", Terms{Recording: market.RecordWav}, as("dual", "wav"), nil},
		{"dual wav, and it is mp3", Terms{Recording: market.RecordWav}, as("dual", "mp3"), []Kind{RecordedOtherwise}},
		{"single mp3, and it is dual", Terms{Recording: market.RecordMono}, as("dual", "mp3"), []Kind{RecordedOtherwise}},
		{"transcribed for a summary", Terms{Summary: true}, append(normal(), transcribed), nil},
		{"transcribed for nobody", Terms{}, append(normal(), transcribed), []Kind{SummaryUnasked}},
	} {
		t.Run(c.story, func(t *testing.T) {
			r := New(Config{Record: true})
			r.Opening("bk", guest, host, c.terms, at(-100))
			r.Opened("bk", Answer{Proxy: proxy, Expires: at(1000)}, at(-100))
			v := r.Judge(expected(guest, market.Party, talks), tell(guest, c.lines...), Trouble{})
			check(t, v.Findings, c.want...)
			if v.Outcome != "talked" {
				t.Errorf("outcome %q", v.Outcome)
			}
		})
	}
}

// Nobody is blamed where two bookings, or one that was never answered, may have
// led to the same two people.
func TestRecordingOfWhoKnowsWhichBooking(t *testing.T) {
	for _, other := range []Terms{{Recording: market.RecordOff}, {Recording: market.RecordWav, Summary: true}} {
		for _, lines := range [][]func(*story){normal(), but([]int{10, 11, 15}), append(normal(), recordedAs("dual", "wav"), transcribed)} {
			r := register(Config{Record: true})
			r.Opening("old", guest, host, other, at(-200))
			r.Opened("old", Answer{Proxy: proxy, Expires: at(1)}, at(-200)) // it may have ended, or not
			v := r.Judge(expected(guest, market.Party, talks), tell(guest, lines...), Trouble{})
			if got := kinds(v.Findings); got[RecordedUnasked] != "" || got[RecordedOtherwise] != "" || other.Recording == market.RecordOff && got[NotRecorded] != "" || other.Summary && got[SummaryUnasked] != "" {
				t.Errorf("%+v: %v", other, got)
			}
			r = register(Config{Record: true})
			r.Opening("never answered", guest, host, other, at(-50))
			v = r.Judge(expected(guest, market.Party, talks), tell(guest, lines...), Trouble{})
			check(t, v.Findings)
		}
	}
}

func TestConsentComesFirst(t *testing.T) {
	// B answers at 3 s; the announcement takes 2 s.
	talk := func(add ...func(*story)) []func(*story) { return but([]int{10, 11}, add...) }
	begins := func(when float64) func(*story) {
		return func(s *story) { does("A", "record_start", when)(s); records(when, 20)(s) }
	}
	for _, c := range []struct {
		story  string
		lines  []func(*story)
		failed bool
		want   []Kind
	}{
		{"announced, then recorded", talk(says("A", sentence, "both", 3.01), stoppedSpeaking("A", "completed", 5.01), begins(5.02)), false, nil},
		{"announced on the other leg", talk(says("B", sentence, "both", 3.01), stoppedSpeaking("B", "completed", 5.01), begins(5.02)), false, nil},
		{"never announced", talk(begins(3.01)), false, []Kind{RecordedUnheard}},
		{"recorded while it is announced", talk(says("A", sentence, "both", 3.01), begins(3.02), stoppedSpeaking("A", "completed", 5.01)), false, []Kind{RecordedUnheard}},
		{"said to one", talk(says("A", sentence, "self", 3.01), stoppedSpeaking("A", "completed", 5.01), begins(5.02)), false, []Kind{RecordedUnheard}},
		{"another sentence", talk(says("A", "Hello.", "both", 3.01), stoppedSpeaking("A", "completed", 5.01), begins(5.02)), false, []Kind{RecordedUnheard}},
		{"said to the end never", talk(says("A", sentence, "both", 3.01), stoppedSpeaking("A", "cancelled", 5.01), begins(5.02)), false, []Kind{RecordedUnheard}},
		{"another line put in its place", talk(says("A", sentence, "both", 3.01), stoppedSpeaking("A", "cancelled", 4), says("A", "Time is up.", "both", 4),
			stoppedSpeaking("A", "completed", 6), begins(6.01)), false, []Kind{RecordedUnheard}},
		{"said before B was there", talk(says("A", sentence, "both", 2), stoppedSpeaking("A", "completed", 2.9), begins(3.01)), false, []Kind{RecordedUnheard}},
		{"neither announced nor recorded", talk(), false, []Kind{NotRecorded}},
		{"announced and not recorded", talk(says("A", sentence, "both", 3.01), stoppedSpeaking("A", "completed", 5.01)), false, []Kind{NotRecorded}},
		{"announced, and recorded late", talk(says("A", sentence, "both", 3.01), stoppedSpeaking("A", "completed", 5.01), begins(7.5)), false, []Kind{LateReaction}},
		{"announced late", talk(says("A", sentence, "both", 5.5), stoppedSpeaking("A", "completed", 7.5), begins(7.6)), false, []Kind{LateReaction}},
		{"they leave while it is announced", but([]int{10, 11, 12, 13, 14, 15}, says("A", sentence, "both", 3.01), stoppedSpeaking("A", "call_hangup", 4),
			leaves(4), ends("A", "normal_clearing", "caller", 4), ends("B", "normal_clearing", "caller", 4)), false, nil},
		{"the same after a fault", but([]int{10, 11, 12, 13, 14, 15}, failing("A", "answer", .005, 503, "", true), says("A", sentence, "both", 3.01), stoppedSpeaking("A", "call_hangup", 9),
			leaves(9), ends("A", "normal_clearing", "caller", 9), ends("B", "normal_clearing", "caller", 9)), false, nil},
		{"it cannot be announced, so nothing is recorded", talk(func(s *story) {
			says("A", sentence, "both", 3.01)(s)
			c := &s.Commands[len(s.Commands)-1]
			c.Status, c.Effective, c.Faulted = 503, false, true
		}), true, nil},
		{"announced, and the recording is refused", talk(says("A", sentence, "both", 3.01), stoppedSpeaking("A", "completed", 5.01), failing("A", "record_start", 5.02, 503, "", true)), true, nil},
	} {
		t.Run(c.story, func(t *testing.T) {
			r := register(Config{Record: true, Consent: sentence})
			v := r.Judge(expected(guest, market.Party, talks), tell(guest, c.lines...), Trouble{})
			check(t, v.Findings, c.want...)
			if v.Failed != (c.failed || len(c.want) > 0) || v.Excused != c.failed {
				t.Errorf("failed %v, excused %v", v.Failed, v.Excused)
			}
		})
	}
}

// shelf is a register that has judged one recorded call, and that recording.
func shelf(t *testing.T, change ...func(*story)) *Register {
	t.Helper()
	r := register(Config{Record: true, Archive: true, Lookup: time.Minute})
	lines := append(normal(), func(s *story) {
		s.Recordings[0].Call = 1
		for i := range s.Events {
			if s.Events[i].Kind == "call.recording.saved" {
				s.Events[i].Recording = "rec0"
			}
		}
	})
	l := tell(guest, append(lines, change...)...)
	if v := r.Judge(expected(guest, market.Party, talks), l, Trouble{}); len(v.Findings) > 0 {
		t.Fatalf("%v", v.Findings)
	}
	return r
}

func TestArchive(t *testing.T) {
	whole := Kept{ID: "rec0", State: "archived", SHA256: "x", Bytes: 1000, Audio: "x"}
	but := func(f func(*Kept)) []Kept { k := whole; f(&k); return []Kept{k} }
	untold := change("A", "call.recording.saved", func(e *carrier.Event) { e.Accepted = false })
	later := at(1000)
	for _, c := range []struct {
		story   string
		call    func(*story)
		shown   []Kept
		booking string // that shows it; empty: the call's
		when    time.Time
		whole   int
		waiting bool
		notDue  int
		want    []Kind
	}{
		{"there", nil, []Kept{whole}, "", later, 1, false, 0, nil},
		{"there, its audio not asked for", nil, but(func(k *Kept) { k.Audio = "" }), "", later, 1, false, 0, nil},
		{"there by another id", nil, but(func(k *Kept) { k.ID = "leg:7" }), "", later, 1, false, 0, nil},
		{"nothing is shown", nil, nil, "", later, 0, true, 0, []Kind{RecordingMissing}},
		{"pending", nil, but(func(k *Kept) { k.State = "pending" }), "", later, 0, true, 0, []Kind{RecordingMissing}},
		{"lost", nil, but(func(k *Kept) { k.State, k.Why = "lost", "given up" }), "", later, 0, false, 0, []Kind{RecordingMissing}},
		{"among those of another booking", nil, []Kept{whole}, "bk2", later, 0, true, 0, []Kind{RecordingMissing}},
		{"its audio cannot be had", nil, but(func(k *Kept) { k.Audio, k.Unread = "", "500" }), "", later, 0, true, 0, []Kind{RecordingMissing}},
		{"other bytes", nil, but(func(k *Kept) { k.SHA256, k.Audio = "y", "y" }), "", later, 0, false, 0, []Kind{RecordingAltered}},
		{"another length", nil, but(func(k *Kept) { k.Bytes = 999 }), "", later, 0, false, 0, []Kind{RecordingAltered}},
		{"other bytes under the right sum", nil, but(func(k *Kept) { k.Audio = "y" }), "", later, 0, false, 0, []Kind{RecordingAltered}},
		{"other bytes by another id", nil, but(func(k *Kept) { k.ID, k.SHA256, k.Audio = "leg:7", "y", "y" }), "", later, 0, true, 0, []Kind{RecordingAltered, RecordingMissing}},
		{"of a call that was not judged", nil, []Kept{whole, {ID: "other", State: "archived", SHA256: "made"}}, "", later, 1, false, 0, nil},
		{"replaced by its own row", nil, []Kept{whole, {ID: "call:7", State: "replaced"}}, "", later, 1, false, 0, nil},
		{"twice", nil, []Kept{whole, {ID: "leg:7", State: "archived", SHA256: "x", Bytes: 1000}}, "", later, 1, false, 0, []Kind{RecordingTwice}},
		{"twice by one id", nil, []Kept{whole, whole}, "", later, 1, false, 0, []Kind{RecordingTwice}},
		{"never told of, and not due", untold, nil, "", at(70), 0, false, 1, nil},
		{"never told of, and there all the same", untold, []Kept{whole}, "", at(70), 1, false, 0, nil},
		{"never told of, and due", untold, nil, "", later, 0, true, 0, []Kind{RecordingMissing}},
	} {
		t.Run(c.story, func(t *testing.T) {
			var changes []func(*story)
			if c.call != nil {
				changes = append(changes, c.call)
			}
			r := shelf(t, changes...)
			if got := r.Shelved(); len(got) != 1 || got[0] != "bk" {
				t.Fatalf("shelved %v", got)
			}
			booking := "bk"
			if c.booking != "" {
				booking = c.booking
			}
			for range 2 { // a look leaves nothing behind
				a := r.Archived(map[string][]Kept{booking: c.shown}, map[string]bool{"made": true}, c.when)
				check(t, a.Findings, c.want...)
				if a.Whole != c.whole || (len(a.Waiting) > 0) != c.waiting || a.NotDue != c.notDue {
					t.Errorf("%+v", a)
				}
				for _, f := range a.Findings {
					if f.Booking == "" || f.Call == 1 && f.Ladder == "" {
						t.Errorf("%s lacks its evidence: %+v", f.Kind, f)
					}
				}
			}
		})
	}
}

func TestWhatIsNotOwedToTheArchive(t *testing.T) {
	for name, call := range map[string]func(*story){
		"the carrier could not keep it": func(s *story) { s.Recordings[0].Size, s.Recordings[0].Failed = 0, true },
		"the call goes on":              unfinished("A", "B"),
	} {
		r := register(Config{Record: true, Archive: true})
		r.Judge(expected(guest, market.Party, talks), tell(guest, append(normal(), call)...), Trouble{})
		if got := r.Shelved(); len(got) > 0 {
			t.Errorf("%s: %v", name, got)
		}
	}
	r := register(Config{Record: true})
	r.Judge(expected(guest, market.Party, talks), tell(guest, normal()...), Trouble{})
	if got := r.Shelved(); len(got) > 0 {
		t.Errorf("nobody asked for the archive: %v", got)
	}
}

func TestKeysAndSummaries(t *testing.T) {
	r := shelf(t)
	found := r.KeysShown([]carrier.KeyLeak{{At: at(30), Recording: "rec0", Call: 1}, {At: at(31)}})
	check(t, found, KeyLeaked)
	if len(found) != 2 || found[0].Booking != "bk" || found[0].Ladder == "" || found[1].Booking != "" {
		t.Errorf("%+v", found)
	}
	check(t, r.Summed([]carrier.Completion{{At: at(30), Recordings: []string{"rec0"}}}), SummaryUnasked)
	check(t, r.Summed([]carrier.Completion{{At: at(30), Recordings: []string{"unknown"}}, {At: at(31)}}))
	leaks := r.Summed([]carrier.Completion{{At: at(30), Leaks: []phone.Number{num(guest)}}})
	check(t, leaks, NumberShown)
	if strings.Contains(fmt.Sprint(leaks), guest[1:]) {
		t.Errorf("a finding shows a number: %v", leaks)
	}

	r = New(Config{Record: true, Archive: true})
	r.Opening("bk", guest, host, Terms{Summary: true}, at(-100))
	r.Opened("bk", Answer{Proxy: proxy, Expires: at(1000)}, at(-100))
	r.Judge(expected(guest, market.Party, talks), tell(guest, normal()...), Trouble{})
	check(t, r.Summed([]carrier.Completion{{At: at(30), Recordings: []string{"rec0"}}}))
}
