package judge

import (
	"slices"
	"testing"
	"time"

	"maskswitch/loadtest/market"
	"maskswitch/loadtest/party"
)

// toldPast is a caller who is answered, told that his booking has ended, and
// released.
func toldPast() []func(*story) {
	return []func(*story){event("A", "call.initiated", 0), does("A", "answer", .01), event("A", "call.answered", .03), does("A", "speak", .04),
		event("A", "call.speak.started", .04), spoken(2.04), does("A", "hangup", 2.06), ends("A", "normal_clearing", "unknown", 2.06)}
}

// late has a booking of guest and host that ended long before instant 0.
func late() *Register {
	r := New(Config{Record: true})
	r.Opening("bk", guest, host, Terms{}, at(-100))
	r.Opened("bk", Answer{Proxy: proxy, Expires: at(-50)}, at(-100))
	return r
}

func TestLateCallers(t *testing.T) {
	stays := party.Script{After: time.Second, Talk: 5 * time.Second}
	answered := toldPast()[:3:3]
	spoke := toldPast()[:6:6]
	down := []Span{{at(-1), at(1)}}
	gone := ends("A", "normal_clearing", "caller", 9)
	for _, c := range []struct {
		story   string
		lines   []func(*story)
		down    []Span
		outcome string
		want    []Kind
	}{
		{"rejected", []func(*story){event("A", "call.initiated", 0), does("A", "reject", .01), ends("A", "call_rejected", "callee", .01)}, nil, "refused: late", nil},
		{"told and released", toldPast(), nil, "told: late", nil},
		{"told, and leaves by himself at once", append(spoke, ends("A", "normal_clearing", "caller", 2.5)), nil, "told: late", nil},
		{"leaves in mid-sentence", append(toldPast()[:5:5], ends("A", "normal_clearing", "caller", 1)), nil, "abandoned", nil},
		{"leaves as soon as he is answered", append(answered, ends("A", "normal_clearing", "caller", .5)), nil, "abandoned", nil},
		{"the sentence meets a caller who has left", append(answered, failing("A", "speak", .6, 422, "90018", false), ends("A", "normal_clearing", "caller", .5)), nil, "abandoned", nil},

		{"nothing follows the ring", []func(*story){event("A", "call.initiated", 0), gone}, nil, "abandoned", []Kind{EventIgnored}},
		{"silence", append(answered, gone), nil, "abandoned", []Kind{LeftInSilence}},
		{"silence after a kill", append(answered, gone), down, "abandoned", nil},
		{"silence, and released", append(answered, does("A", "hangup", .5), ends("A", "normal_clearing", "unknown", .5)), nil, "refused: late", []Kind{LeftInSilence}},
		{"silence, and released late", append(answered, does("A", "hangup", 3), ends("A", "normal_clearing", "unknown", 3)), nil, "refused: late", []Kind{LeftInSilence}},
		{"the sentence fails by a fault, and he is released", append(answered, failing("A", "speak", .04, 500, "", true),
			does("A", "hangup", .5), ends("A", "normal_clearing", "unknown", .5)), nil, "refused: late", nil},
		{"a late sentence", append(answered, does("A", "speak", 3), spoken(5), does("A", "hangup", 5.1), ends("A", "normal_clearing", "unknown", 5.1)), nil, "told: late", []Kind{LateReaction}},
		{"half a sentence", append(toldPast()[:5:5], does("A", "hangup", 1), ends("A", "normal_clearing", "unknown", 1)), nil, "refused: late", []Kind{LeftInSilence}},
		{"kept on the line", append(spoke, gone), nil, "told: late", []Kind{LeftOnTheLine}},
		{"told again and again", append(spoke, does("A", "speak", 2.1), gone), nil, "told: late", []Kind{LeftOnTheLine}},
		{"released late", append(spoke, does("A", "hangup", 5), ends("A", "normal_clearing", "unknown", 5)), nil, "told: late", []Kind{LateReaction}},
		{"told, and connected to the next pair", append(spoke, does("A", "transfer", 2.1), rings(who{third, proxy}, 2.2), event("B", "call.initiated", 2.2), picksUp(3),
			event("B", "call.answered", 3), does("A", "record_start", 3.1), records(3.1, 9), leaves(9), gone, ends("B", "normal_clearing", "caller", 9)), nil, "talked", []Kind{LateConnected}},
		{"answered and connected at once", to(host, proxy), nil, "talked", []Kind{LateConnected}},
		{"a transfer is under way when he leaves", append(answered, does("A", "transfer", .04), ends("A", "normal_clearing", "caller", .05)), nil, "abandoned", []Kind{LateConnected}},
	} {
		t.Run(c.story, func(t *testing.T) {
			v := late().Judge(expected(guest, market.Late, stays), tell(guest, c.lines...), Trouble{c.down})
			check(t, v.Findings, c.want...)
			if v.Outcome != c.outcome || v.Want != Refuse || v.Told != (c.outcome == "told: late") {
				t.Errorf("%s, want %s: outcome %q, want %q; told %v", v.Want, Refuse, v.Outcome, c.outcome, v.Told)
			}
			if len(c.want) == 0 && v.Failed {
				t.Error("failed, and it was right")
			}
		})
	}
}

// A party by the plan, whose booking has ended, is as late as a late one.
func TestWhoIsLateIsTheRegistersToSay(t *testing.T) {
	v := late().Judge(expected(guest, market.Party, talks), tell(guest, toldPast()...), Trouble{})
	check(t, v.Findings)
	if v.Outcome != "told: party" || v.Failed {
		t.Errorf("%+v", v)
	}
	silence := append(toldPast()[:3:3], ends("A", "normal_clearing", "caller", 9))
	check(t, late().Judge(expected(guest, market.Party, talks), tell(guest, silence...), Trouble{}).Findings, LeftInSilence)
	check(t, late().Judge(expected(host, market.Stranger, talks), tell(host, toldPast()...), Trouble{}).Findings)
	// One whom the register has forgotten is so by the plan.
	check(t, New(Config{}).Judge(expected(guest, market.Late, talks), tell(guest, toldPast()...), Trouble{}).Findings)
	check(t, New(Config{}).Judge(expected(guest, market.Late, talks), tell(guest, silence...), Trouble{}).Findings, LeftInSilence)
	// One who stays is neither told nor let go without a reason.
	v = register(Config{}).Judge(expected(guest, market.Late, talks), tell(guest, toldPast()...), Trouble{})
	check(t, v.Findings, CallerRefused)
	if v.Told {
		t.Error("a party of a live booking counts as told")
	}
}

func TestToldCallersHaveALadderOfTheirOwn(t *testing.T) {
	r, s := late(), NewLadders()
	for _, lines := range [][]func(*story){toldPast(), toldPast(), {event("A", "call.initiated", 0), does("A", "reject", .01), ends("A", "call_rejected", "callee", .01)}} {
		l := tell(guest, lines...)
		s.Add("late", r.Judge(expected(guest, market.Late, talks), l, Trouble{}), l)
	}
	report := s.Report()
	if len(report) != 2 || report[0].Script != "late" || report[1].Script != toldHabit || report[0].Calls != 1 || report[1].Calls != 2 {
		t.Fatalf("%+v", report)
	}
	var steps []string
	for _, g := range report[1].Rungs {
		steps = append(steps, g.Step)
		if g.Missing+g.Unexpected+g.Late+g.Duplicate != 0 {
			t.Errorf("%+v", g)
		}
	}
	want := []string{"A call.initiated", "answer A", "A call.answered", "speak A", "call.speak.started, ended", "hangup", "A call.hangup"}
	if !slices.Equal(steps, want) {
		t.Errorf("%q, want %q", steps, want)
	}
	l := tell(third, toldPast()...)
	if v := r.Judge(expected(third, market.Stranger, talks), l, Trouble{}); v.Rungs[stepAnswer].Unexpected != 1 {
		t.Errorf("the answer of a stranger is expected: %+v", v.Rungs[stepAnswer])
	}
}
