package judge

import (
	"testing"
	"time"

	"maskswitch/loadtest/carrier"
	"maskswitch/loadtest/market"
	"maskswitch/loadtest/party"
)

var (
	talks    = party.Talks(3*time.Second, 17*time.Second)
	busy     = party.Script{Callee: party.Busy, After: time.Second}
	patient  = party.Script{Callee: party.RingOut}
	hurried  = party.GivesUp(4 * time.Second)
	restless = party.Script{After: 3 * time.Second, Talk: 17 * time.Second, Patience: 5 * time.Second}
)

// told is a busy callee and what the caller hears of it.
func told(add ...func(*story)) []func(*story) {
	return append(upTo(8, leaves(1.07), ends("B", "user_busy", "callee", 1.07)), add...)
}

type judged struct {
	story   string
	from    string
	who     market.Caller
	script  party.Script
	lines   []func(*story)
	down    []Span
	outcome string
	failed  bool // with an excuse, if nothing is to be found
	want    []Kind
}

var calls = []judged{
	// what goes well, or not by the switch's doing
	{"all goes well", guest, market.Party, talks, normal(), nil, "talked", false, nil},
	{"busy, told, released", guest, market.Party, busy,
		told(does("A", "speak", 1.1), spoken(3), does("A", "hangup", 3.1), ends("A", "normal_clearing", "unknown", 3.1)), nil, "busy", false, nil},
	{"busy, and released without a word", guest, market.Party, busy,
		told(does("A", "hangup", 1.1), ends("A", "normal_clearing", "unknown", 1.1)), nil, "busy", false, nil},
	{"a stranger is refused", third, market.Stranger, talks,
		[]func(*story){event("A", "call.initiated", 0), does("A", "reject", .01), ends("A", "call_rejected", "callee", .01)}, nil, "refused: stranger", false, nil},
	{"a withheld caller is refused", "anonymous", market.Withheld, talks,
		[]func(*story){event("A", "call.initiated", 0), does("A", "reject", .01), ends("A", "call_rejected", "callee", .01)}, nil, "refused: withheld", false, nil},
	{"the caller leaves while the phone rings", guest, market.Party, hurried,
		upTo(8, ends("A", "normal_clearing", "caller", 4), leaves(4.01), ends("B", "originator_cancel", "caller", 4.01)), nil, "abandoned", false, nil},
	{"the caller leaves before the switch could react", guest, market.Party, hurried,
		[]func(*story){event("A", "call.initiated", 0), ends("A", "originator_cancel", "caller", 1.5)}, nil, "abandoned", false, nil},
	{"the caller leaves as the transfer is under way", guest, market.Party, party.GivesUp(50 * time.Millisecond),
		upTo(4, ends("A", "normal_clearing", "caller", .05)), nil, "abandoned", false, nil},
	{"the transfer meets a caller who has just left", guest, market.Party, hurried,
		upTo(3, failing("A", "transfer", .05, 422, "90018", false), ends("A", "normal_clearing", "caller", .04)), nil, "abandoned", false, nil},
	{"a stranger by the plan, who is a party", host, market.Stranger, talks,
		upTo(4, rings(who{guest, proxy}, .07), event("B", "call.initiated", .07), picksUp(1), event("B", "call.answered", 1), leaves(1.5),
			ends("B", "normal_clearing", "callee", 1.5), ends("A", "normal_clearing", "callee", 1.51)), nil, "talked", false, nil},
	{"the talk ends before the recording can begin", guest, market.Party, talks,
		but([]int{10, 11, 12, 13, 14, 15}, leaves(4), ends("A", "normal_clearing", "caller", 4), ends("B", "normal_clearing", "caller", 4)), nil, "talked", false, nil},
	{"the talk ends as the recording is overdue", guest, market.Party, talks,
		but([]int{10, 11, 12, 13, 14, 15}, leaves(5.05), ends("A", "normal_clearing", "caller", 5.05), ends("B", "normal_clearing", "caller", 5.05)), nil, "talked", false, nil},
	{"recorded by the transfer's own order", guest, market.Party, talks, but([]int{10}), nil, "talked", false, nil},
	{"both hang up at once, and the switch before it could know", guest, market.Party, talks,
		but([]int{12, 13, 14}, leaves(20.01), ends("B", "normal_clearing", "callee", 20), does("A", "hangup", 20.005), ends("A", "normal_clearing", "unknown", 20.005)), nil, "talked", false, nil},
	{"the end of B is told later than the hangup that follows it", guest, market.Party, talks,
		but([]int{13, 14}, does("A", "hangup", 20.02), ends("A", "normal_clearing", "unknown", 20.02), ends("B", "normal_clearing", "callee", 20.05)), nil, "talked", false, nil},
	{"the callee hangs up, which is told after the hangup that met it", guest, market.Party, talks,
		but([]int{12, 13, 14}, leaves(20.01), does("B", "hangup", 20.01), ends("B", "normal_clearing", "unknown", 20.01), ends("A", "normal_clearing", "callee", 20.05)), nil, "talked", false, nil},
	{"the time limit ends the talk, and the switch hangs up too", guest, market.Party, talks,
		but([]int{13, 14}, ends("B", "time_limit", "unknown", 20), does("A", "hangup", 20.01), ends("A", "normal_clearing", "unknown", 20.01)), nil, "talked", false, nil},
	{"A answered is told ten seconds late, and recorded then", guest, market.Party, talks,
		but([]int{3, 10, 11}, delayed("A", "call.answered", 13), does("A", "transfer", .04), does("A", "record_start", 13.1), records(13.1, 20)), nil, "talked", false, nil},
	{"the first ring is told five seconds late, and refused as too old", guest, market.Party, talks,
		[]func(*story){event("A", "call.initiated", 0), delayed("A", "call.initiated", 5), does("A", "reject", 5.1), ends("A", "call_rejected", "callee", 5.1)}, nil, "refused: party", true, nil},
	{"the answer comes after the caller has left", guest, market.Party, hurried,
		[]func(*story){event("A", "call.initiated", 0), ends("A", "originator_cancel", "caller", 1.5), failing("A", "answer", 2.5, 422, "90018", false)}, nil, "abandoned", false, nil},
	{"B answered is told ten seconds late, and recorded then", guest, market.Party, talks,
		but([]int{10, 11}, delayed("B", "call.answered", 13), does("A", "record_start", 13.1), records(13.1, 20)), nil, "talked", false, nil},
	{"not answered yet, asked again, and it works", guest, market.Party, talks,
		append(normal(), failing("A", "transfer", .02, 422, "90034", false)), nil, "talked", false, nil},
	{"both hang up at once, and the switch too", guest, market.Party, talks,
		but([]int{13, 14}, ends("B", "normal_clearing", "callee", 20), does("A", "hangup", 20.005), ends("A", "normal_clearing", "unknown", 20.005)), nil, "talked", false, nil},
}

func TestVerdicts(t *testing.T) {
	for _, c := range append(calls, wrongCalls()...) {
		t.Run(c.story, func(t *testing.T) {
			r := register(Config{Record: true})
			l := tell(c.from, c.lines...)
			v := r.Judge(expected(c.from, c.who, c.script), l, Trouble{c.down})
			check(t, v.Findings, c.want...)
			if v.Outcome != c.outcome {
				t.Errorf("outcome %q, want %q", v.Outcome, c.outcome)
			}
			if v.Failed != (c.failed || len(c.want) > 0) || v.Excused != (c.failed && len(c.want) == 0) {
				t.Errorf("failed %v, excused %v", v.Failed, v.Excused)
			}
			for _, f := range v.Findings {
				if f.Ladder == "" || f.Call != 1 || f.Booking != "bk" {
					t.Errorf("%s lacks its evidence: %+v", f.Kind, f)
				}
			}
		})
	}
}

// to is a whole call to a callee, with the caller id that they see.
func to(callee, shown string) []func(*story) {
	return upTo(4, rings(who{callee, shown}, .07), event("B", "call.initiated", .07), picksUp(1), event("B", "call.answered", 1), does("A", "record_start", 1.1),
		records(1.1, 2), leaves(2), ends("B", "normal_clearing", "callee", 2), ends("A", "normal_clearing", "callee", 2.01))
}

// lateAnswer is a call that goes well but for its beginning.
func lateAnswer(when float64) []func(*story) {
	return []func(*story){event("A", "call.initiated", 0), does("A", "answer", when), event("A", "call.answered", when+.02), does("A", "transfer", when+.03),
		rings(guestToHost, when+.06), event("B", "call.initiated", when+.06), picksUp(6), event("B", "call.answered", 6), does("A", "record_start", 6.01), records(6.01, 9),
		leaves(9), ends("A", "normal_clearing", "caller", 9), ends("B", "normal_clearing", "caller", 9.01)}
}

func wrongCalls() []judged {
	down := []Span{{at(-1), at(1)}}
	drop := func(e *carrier.Event) { e.Accepted, e.Faulted, e.GivenUp, e.Deliveries = false, true, true, nil }
	silence := append([]func(*story){event("A", "call.initiated", 0)}, ends("A", "originator_cancel", "caller", 9))
	return []judged{
		{"a stranger reaches the guest", third, market.Stranger, talks, to(guest, proxy), nil, "talked", false, []Kind{StrangerConnected}},
		{"a withheld caller reaches the guest", "anonymous", market.Withheld, talks, to(guest, proxy), nil, "talked", false, []Kind{WithheldConnected}},
		{"a late caller reaches somebody", third, market.Late, talks, to(guest, proxy), nil, "talked", false, []Kind{LateConnected}},
		{"a party reaches somebody else", guest, market.Party, talks, to(third, proxy), nil, "talked", false, []Kind{WrongPerson}},
		{"a fault excuses no wrong person", guest, market.Party, talks, to(third, proxy), down, "talked", false, []Kind{WrongPerson}},
		{"the caller's number is shown", guest, market.Party, talks, to(host, guest), nil, "talked", false, []Kind{NumberShown}},
		{"a number is shown that leads nowhere", guest, market.Party, talks, to(host, proxy2), nil, "talked", false, []Kind{WrongCallerID}},
		{"no number is shown", guest, market.Party, talks, to(host, ""), nil, "talked", false, []Kind{WrongCallerID}},
		{"a leak", guest, market.Party, talks, append(normal(), func(s *story) {
			s.Leaks = append(s.Leaks, carrier.Leak{Leg: "A", Action: "answer", Member: "/client_state", Number: num(guest)})
		}), nil, "talked", false, []Kind{NumberShown}},
		{"a stranger is transferred and leaves in time", third, market.Stranger, talks,
			upTo(4, ends("A", "normal_clearing", "caller", .05)), nil, "abandoned", false, []Kind{StrangerConnected}},

		// who hears what
		{"a stranger is answered, told and released", third, market.Stranger, talks, toldPast(), nil, "told: stranger", false, []Kind{AnsweredInVain}},
		{"the same under a fault", third, market.Stranger, talks, toldPast(), down, "told: stranger", false, nil},
		{"a withheld caller is answered, told and released", "anonymous", market.Withheld, talks, toldPast(), nil, "told: withheld", false, []Kind{AnsweredInVain}},

		// twice
		{"answered twice", guest, market.Party, talks, append(normal(), failing("A", "answer", .02, 422, "10015", false)), nil, "talked", false, []Kind{AnsweredTwice}},
		{"answered again by a switch that was killed", guest, market.Party, talks, append(normal(), failing("A", "answer", .02, 422, "10015", false)), down, "talked", false, nil},
		{"answered twice, with effect, by a switch that was killed", guest, market.Party, talks, append(normal(), does("A", "answer", 70)), down, "talked", false, []Kind{AnsweredTwice}},
		{"transferred twice", guest, market.Party, talks, append(normal(), does("A", "transfer", .05)), nil, "talked", false, []Kind{TransferredTwice}},
		{"transferred twice under a fault", guest, market.Party, talks, append(normal(), does("A", "transfer", .05), failing("A", "transfer", .03, 503, "", true)), nil, "talked", false, []Kind{TransferredTwice}},
		{"a repeat that is known as one", guest, market.Party, talks, append(normal(), func(s *story) {
			does("A", "transfer", .05)(s)
			s.Commands[len(s.Commands)-1].Effective, s.Commands[len(s.Commands)-1].Repeat = false, true
		}), nil, "talked", false, nil},
		{"recorded twice", guest, market.Party, talks, append(normal(), records(5, 20)), nil, "talked", false, []Kind{RecordedTwice}},
		{"recorded again after the first was stopped", guest, market.Party, talks, append(normal(), records(20, 21)), nil, "talked", false, nil},

		// what was owed
		{"refused with a live booking", guest, market.Party, talks,
			[]func(*story){event("A", "call.initiated", 0), does("A", "reject", .01), ends("A", "call_rejected", "callee", .01)}, nil, "refused: party", false, []Kind{CallerRefused}},
		{"refused with a live booking while the switch was down", guest, market.Party, talks,
			[]func(*story){event("A", "call.initiated", 0), does("A", "reject", .01), ends("A", "call_rejected", "callee", .01)}, down, "refused: party", true, nil},
		{"answered, told no, and gone", guest, market.Party, talks,
			upTo(3, does("A", "speak", .04), spoken(2), ends("A", "normal_clearing", "caller", 3)), nil, "refused: party", false, []Kind{CallerRefused}},
		{"a transfer fails by a fault, and the caller is released", guest, market.Party, talks,
			upTo(3, failing("A", "transfer", .04, 403, "10010", true), does("A", "hangup", .1), ends("A", "normal_clearing", "unknown", .1)), nil, "failed", true, nil},
		{"nothing follows the first ring", guest, market.Party, hurried, silence, nil, "abandoned", false, []Kind{EventIgnored}},
		{"nothing follows a stranger's ring", third, market.Stranger, hurried, silence, nil, "abandoned", false, []Kind{EventIgnored}},
		{"the first ring never arrives", guest, market.Party, restless,
			append(silence[:2:2], change("A", "call.initiated", drop)), nil, "abandoned", true, nil},
		{"the switch was down from the first ring on", guest, market.Party, restless, silence, []Span{{at(-1), time.Time{}}}, "abandoned", true, nil},
		{"a down time long before excuses nothing", guest, market.Party, restless, silence, []Span{{at(-9), at(-3)}}, "abandoned", false, []Kind{EventIgnored}},
		{"no transfer", guest, market.Party, talks, upTo(3, ends("A", "normal_clearing", "caller", 9)), nil, "failed", false, []Kind{EventIgnored}},
		{"a late answer", guest, market.Party, talks, lateAnswer(2.5), nil, "talked", false, []Kind{LateReaction}},
		{"a late transfer", guest, market.Party, talks,
			but([]int{3}, does("A", "transfer", 2.5)), nil, "talked", false, []Kind{LateReaction}},
		{"an answer that is late because of the world", guest, market.Party, talks,
			append(lateAnswer(2.5), delayed("A", "call.initiated", 2)), nil, "talked", false, nil},
		{"an answer that is late after a kill", guest, market.Party, talks, lateAnswer(2.5), down, "talked", false, nil},
		{"an answer that is late because the first delivery was lost", guest, market.Party, talks,
			append(lateAnswer(2.5), change("A", "call.initiated", func(e *carrier.Event) {
				e.Faulted = true
				e.Deliveries = []carrier.Delivery{{Copy: 1, Attempt: 1, Sent: at(0), Lost: true}, {Copy: 1, Attempt: 2, Sent: at(2.4), Status: 200}}
			})), nil, "talked", false, nil},
		{"late because the switch turned the first delivery away", guest, market.Party, talks,
			append(lateAnswer(2.5), change("A", "call.initiated", func(e *carrier.Event) {
				e.Deliveries = []carrier.Delivery{{Copy: 1, Attempt: 1, Sent: at(0), Status: 503}, {Copy: 1, Attempt: 2, Sent: at(2.4), Status: 200}}
			})), nil, "talked", false, []Kind{LateReaction}},
		{"the caller is left in silence", guest, market.Party, busy, told(ends("A", "normal_clearing", "caller", 9)), nil, "busy", false, []Kind{EventIgnored}},
		{"the caller leaves before he could be told", guest, market.Party, busy, told(ends("A", "normal_clearing", "caller", 2.9)), nil, "busy", false, nil},
		{"the line is said and the caller kept", guest, market.Party, busy,
			told(does("A", "speak", 1.1), spoken(3), ends("A", "normal_clearing", "caller", 9)), nil, "busy", false, []Kind{EventIgnored}},
		{"not recorded", guest, market.Party, talks, but([]int{10, 11, 15}), nil, "talked", false, []Kind{NotRecorded}},
		{"recorded late", guest, market.Party, talks, but([]int{10, 11}, does("A", "record_start", 5.5), records(5.5, 20)), nil, "talked", false, []Kind{LateReaction}},
		{"an outage keeps the recording from beginning", guest, market.Party, talks,
			but([]int{10, 11, 15}, failing("A", "record_start", 3.01, 503, "", true)), nil, "talked", true, nil},
		{"B answered is told late, and not recorded", guest, market.Party, talks,
			but([]int{10, 11, 12, 13, 14, 15}, delayed("B", "call.answered", 13), leaves(12), ends("A", "normal_clearing", "caller", 12), ends("B", "normal_clearing", "caller", 12)),
			nil, "talked", true, nil},
		{"it does so in a short talk", guest, market.Party, talks,
			but([]int{10, 11, 12, 13, 14, 15}, failing("A", "record_start", 3.01, 503, "", true), leaves(4), ends("A", "normal_clearing", "caller", 4), ends("B", "normal_clearing", "caller", 4)),
			nil, "talked", true, nil},
		{"a short talk with another fault in it", guest, market.Party, talks,
			but([]int{10, 11, 12, 13, 14, 15}, failing("A", "answer", .005, 503, "", true), leaves(4), ends("A", "normal_clearing", "caller", 4), ends("B", "normal_clearing", "caller", 4)),
			nil, "talked", false, nil},
		{"both have left when the recording is asked for", guest, market.Party, talks,
			but([]int{10, 11, 12, 13, 14, 15}, failing("A", "record_start", 4.01, 422, "90018", false), leaves(4), ends("A", "normal_clearing", "caller", 4), ends("B", "normal_clearing", "caller", 4)),
			nil, "talked", false, nil},
		{"the recording begins after the outage", guest, market.Party, talks,
			append(normal(), failing("A", "record_start", 3.005, 503, "", true)), nil, "talked", false, nil},
		{"a talk is cut", guest, market.Party, talks,
			but([]int{12, 13, 14}, does("A", "hangup", 9), leaves(9.01), ends("A", "normal_clearing", "unknown", 9), ends("B", "normal_clearing", "unknown", 9.01)), nil, "talked", false, []Kind{CallCut}},
		{"a ring is cut", guest, market.Party, talks,
			upTo(8, does("A", "hangup", 1), leaves(1.01), ends("A", "normal_clearing", "unknown", 1), ends("B", "originator_cancel", "unknown", 1.01)), nil, "abandoned", false, []Kind{CallCut}},

		// the wire
		{"an event is refused", guest, market.Party, talks, append(normal(), turnedAway("B", "call.bridged", 400)), nil, "talked", false, []Kind{EventRefused}},
		{"an event is answered 503 until it is given up", guest, market.Party, talks, append(normal(), change("B", "call.bridged", func(e *carrier.Event) {
			e.Accepted, e.GivenUp, e.Deliveries[0].Status = false, true, 503
		})), nil, "talked", false, []Kind{EventRefused}},
		{"an event is refused while the switch comes up", guest, market.Party, talks, append(normal(), turnedAway("B", "call.bridged", 404)), down, "talked", false, nil},
		{"the saved event is refused", guest, market.Party, talks, append(normal(), turnedAway("A", "call.recording.saved", 400)), nil, "talked", false, []Kind{RecordingLost}},
		{"a recording is never saved", guest, market.Party, talks, append(normal(), func(s *story) { s.Recordings[0].Size = 0 }), nil, "talked", false, []Kind{RecordingLost}},
		{"a recording fails at the carrier", guest, market.Party, talks, append(normal(), func(s *story) { s.Recordings[0].Size, s.Recordings[0].Failed = 0, true }), nil, "talked", false, nil},
		{"a command that no carrier takes", third, market.Stranger, talks,
			[]func(*story){event("A", "call.initiated", 0), failing("A", "reject", .01, 422, "10032", false), does("A", "hangup", .02), ends("A", "normal_clearing", "unknown", .02)},
			nil, "refused: stranger", false, []Kind{BadCommand}},
		{"the same by a fault", third, market.Stranger, talks,
			[]func(*story){event("A", "call.initiated", 0), failing("A", "reject", .01, 422, "10032", true), does("A", "hangup", .02), ends("A", "normal_clearing", "unknown", .02)},
			nil, "refused: stranger", false, nil},
		{"not answered yet, and never asked again", guest, market.Party, talks,
			but([]int{10, 11}, failing("A", "record_start", 3.01, 422, "90020", false)), nil, "talked", false, []Kind{BadCommand}},

		// the end
		{"a parked caller", guest, market.Party, talks,
			but([]int{13, 14}, ends("B", "normal_clearing", "callee", 20), unfinished("A")), nil, "talked", false, []Kind{NeverEnded}},
		{"a parked caller, after a kill", guest, market.Party, talks,
			but([]int{13, 14}, ends("B", "normal_clearing", "callee", 20), unfinished("A")), down, "talked", false, []Kind{NeverEnded}},
		{"a hangup that a fault forbade", guest, market.Party, talks,
			but([]int{13, 14}, ends("B", "normal_clearing", "callee", 20), failing("A", "hangup", 20.1, 403, "10010", true), unfinished("A")), nil, "talked", false, nil},
		{"people who talk for hours", guest, market.Party, party.Talks(3*time.Second, 5*time.Hour),
			but([]int{12, 13, 14, 15}, unfinished("A", "B")), nil, "talked", false, nil},
		{"a call that the switch never heard of", guest, market.Party, patient,
			[]func(*story){event("A", "call.initiated", 0), change("A", "call.initiated", drop), unfinished("A")}, nil, "unfinished", false, nil},
		{"a call that the switch turned away", guest, market.Party, patient,
			[]func(*story){event("A", "call.initiated", 0), turnedAway("A", "call.initiated", 400), unfinished("A")}, nil, "unfinished", false, []Kind{EventRefused, NeverEnded}},
	}
}

// Of a call that goes on only time tells whether it will ever end.
func TestCallsThatGoOn(t *testing.T) {
	ringing := upTo(8, unfinished("A", "B"))
	waiting := told(does("A", "speak", 1.1), spoken(3), unfinished("A"))
	slow := busy
	slow.AfterSpeech = 20 * time.Second
	halfway := but([]int{13, 14, 15}, ends("B", "normal_clearing", "callee", 20), change("B", "call.hangup", func(e *carrier.Event) {
		e.Accepted, e.Deliveries = false, nil // on its way
	}), unfinished("A"))
	for _, c := range []struct {
		story  string
		script party.Script
		lines  []func(*story)
		down   []Span
		now    float64
		want   []Kind
	}{
		{"the first ring was taken a second ago", patient, []func(*story){event("A", "call.initiated", 0), unfinished("A")}, nil, 1, nil},
		{"the same, three seconds ago", patient, []func(*story){event("A", "call.initiated", 0), unfinished("A")}, nil, 3, []Kind{EventIgnored, NeverEnded}},
		{"the caller will leave by himself", hurried, []func(*story){event("A", "call.initiated", 0), unfinished("A")}, nil, 3, []Kind{EventIgnored}},
		{"a phone rings", patient, ringing, nil, 50, nil},
		{"a phone rings for ever", patient, ringing, nil, 70, []Kind{NeverEnded}},
		{"the caller leaves some time after the line", slow, waiting, nil, 22, []Kind{EventIgnored}},
		{"the caller had to be gone by then", slow, waiting, nil, 26, []Kind{EventIgnored, NeverEnded}},
		{"B has just gone, and A will in a moment", talks, halfway, nil, 20.01, nil},
		{"B has gone, and A does not", talks, halfway, nil, 23, []Kind{NeverEnded}},
		{"the switch was down, and has had no time yet", talks, halfway, []Span{{at(10), at(40)}}, 41, nil},
		{"the switch was down, and has just been told", talks, append(halfway[:len(halfway)-1:len(halfway)-1], change("B", "call.hangup", func(e *carrier.Event) {
			e.Accepted = true
			e.Deliveries = []carrier.Delivery{{Copy: 1, Attempt: 1, Sent: at(20)}, {Copy: 1, Attempt: 2, Sent: at(41), Status: 200}}
		}), unfinished("A")), []Span{{at(10), at(40)}}, 42.5, nil},
		{"the switch was down, and is back", talks, halfway, []Span{{at(10), at(40)}}, 43, []Kind{NeverEnded}},
		{"the switch is down", talks, halfway, []Span{{From: at(10)}}, 80, nil},
	} {
		t.Run(c.story, func(t *testing.T) {
			r := register(Config{Record: true})
			r.now = func() time.Time { return at(c.now) }
			check(t, r.Judge(expected(guest, market.Party, c.script), tell(guest, c.lines...), Trouble{c.down}).Findings, c.want...)
		})
	}
}
