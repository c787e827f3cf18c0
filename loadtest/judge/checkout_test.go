package judge

import (
	"testing"
	"time"

	"maskswitch/loadtest/market"
	"maskswitch/loadtest/party"
)

// hungUpAt is a talk that the switch ends, or people do who talk until then.
func hungUpAt(when float64) []func(*story) {
	return but([]int{11, 12, 13, 14, 15}, records(3.01, when), does("A", "hangup", when), leaves(when+.01), ends("A", "normal_clearing", "unknown", when),
		ends("B", "normal_clearing", "unknown", when+.01))
}

func talkedUntil(when float64) []func(*story) {
	return but([]int{11, 12, 13, 14, 15}, records(3.01, when), leaves(when), ends("A", "normal_clearing", "caller", when), ends("B", "normal_clearing", "caller", when+.01))
}

func TestCheckoutInATalk(t *testing.T) {
	cut := Terms{Cut: true}
	graced := Terms{Cut: true, Grace: 5 * time.Second}
	atRing := upTo(8, does("A", "hangup", 2), leaves(2.01), ends("A", "normal_clearing", "unknown", 2), ends("B", "originator_cancel", "unknown", 2.01))
	closed := func(when float64) func(*Register) {
		return func(r *Register) { r.Closing("bk", at(when)); r.Closed("bk", at(when+.1)) }
	}
	closing := func(r *Register) { r.Closing("bk", at(8)) }
	hours := party.Talks(3*time.Second, time.Hour)
	for _, c := range []struct {
		story   string
		terms   Terms
		expires float64 // by the clock
		does    func(*Register)
		lines   []func(*story)
		down    []Span
		outcome string
		want    []Kind
	}{
		{"they finish", Terms{}, 8, nil, talkedUntil(60), nil, "talked", nil},
		{"they may finish, and are cut", Terms{}, 8, nil, hungUpAt(12), nil, "talked", []Kind{FinishCut}},
		{"the same, when it was closed", Terms{}, 900, closed(8), hungUpAt(9), nil, "talked", []Kind{FinishCut}},
		{"the same, when it may have been closed", Terms{}, 900, closing, hungUpAt(9), nil, "talked", []Kind{FinishCut}},
		{"cut while it lives", Terms{}, 900, nil, hungUpAt(9), nil, "talked", []Kind{CallCut}},
		{"they may finish, and a kill cuts them", Terms{}, 8, nil, hungUpAt(12), []Span{{at(11), at(12)}}, "talked", nil},
		{"a ring may go on, and is cut", Terms{}, 900, closed(1), atRing, nil, "abandoned", []Kind{FinishCut}},

		{"cut at checkout", cut, 8, nil, hungUpAt(8.1), nil, "cut at checkout", nil},
		{"cut within the fuzz before it", cut, 8, nil, hungUpAt(6.1), nil, "cut at checkout", nil},
		{"cut before it", cut, 8, nil, hungUpAt(5.5), nil, "talked", []Kind{CallCut}},
		{"cut before it was closed", cut, 900, closed(8), hungUpAt(7), nil, "talked", []Kind{CallCut}},
		{"cut as it was closed", cut, 900, closed(8), hungUpAt(8.05), nil, "cut at checkout", nil},
		{"cut before the end that it was given", cut, 8, func(r *Register) { r.Extending("bk", at(500), at(1)); r.Extended("bk", at(500), at(1.1)) }, hungUpAt(8.1), nil, "talked", []Kind{CallCut}},
		{"cut at the end that it was given", cut, 900, func(r *Register) { r.Extending("bk", at(8), at(1)); r.Extended("bk", at(8), at(1.1)) }, hungUpAt(8.1), nil, "cut at checkout", nil},
		{"a ring is cut", cut, 900, closed(1), atRing, nil, "cut at checkout", nil},
		{"cut after the grace", graced, 900, closed(8), hungUpAt(13.1), nil, "cut at checkout", nil},
		{"cut within the grace", graced, 900, closed(8), hungUpAt(10), nil, "talked", []Kind{CallCut}},
		{"they leave within the grace", graced, 900, closed(8), talkedUntil(10), nil, "talked", nil},

		{"they talk on", cut, 900, closed(8), talkedUntil(10.5), nil, "talked", []Kind{TalkedOn}},
		{"they leave just in time", cut, 900, closed(8), talkedUntil(10.1), nil, "talked", nil},
		{"they talk on after the end by the clock", cut, 8, nil, talkedUntil(12.5), nil, "talked", []Kind{TalkedOn}},
		{"within the fuzz", cut, 8, nil, talkedUntil(12), nil, "talked", nil},
		{"they talk on after the grace", graced, 900, closed(8), talkedUntil(15.5), nil, "talked", []Kind{TalkedOn}},
		{"cut far too late", cut, 900, closed(8), hungUpAt(13), nil, "cut at checkout", []Kind{TalkedOn}},
		{"cut as soon as the switch is up again", cut, 900, closed(8), hungUpAt(31), []Span{{at(7), at(30)}}, "talked", nil},
		{"not even then", cut, 900, closed(8), talkedUntil(40), []Span{{at(7), at(30)}}, "talked", []Kind{TalkedOn}},
		{"the end was asked for and is not certain", cut, 900, closing, talkedUntil(60), nil, "talked", nil},
		{"it may have been opened again", cut, 900, func(r *Register) {
			r.Opening("bk", guest, host, cut, at(7))
			closed(8)(r)
		}, talkedUntil(60), nil, "talked", nil},
		{"one that has ended long ago had other terms", Terms{}, 8, func(r *Register) {
			r.Opening("old", guest, host, cut, at(-90))
			r.Opened("old", Answer{Proxy: proxy, Expires: at(-60)}, at(-80))
		}, hungUpAt(12), nil, "talked", []Kind{FinishCut}},
		{"the hangup meets a fault", cut, 900, closed(8), append(talkedUntil(60), failing("A", "hangup", 8.1, 500, "", true)), nil, "talked", nil},
		{"the switch heard too late of the ring", cut, 900, closed(8), append(talkedUntil(60), delayed("A", "call.initiated", 59)), nil, "talked", nil},
	} {
		t.Run(c.story, func(t *testing.T) {
			r := New(Config{Record: true})
			r.Opening("bk", guest, host, c.terms, at(-100))
			r.Opened("bk", Answer{Proxy: proxy, Expires: at(c.expires)}, at(-100))
			if c.does != nil {
				c.does(r)
			}
			v := r.Judge(expected(guest, market.Party, hours), tell(guest, c.lines...), Trouble{c.down})
			check(t, v.Findings, c.want...)
			if v.Outcome != c.outcome {
				t.Errorf("outcome %q, want %q", v.Outcome, c.outcome)
			}
			if len(c.want) == 0 && v.Failed && !v.Excused {
				t.Error("failed, and it was right")
			}
		})
	}
}

// Of a talk that goes on the judge says so while it does.
func TestTalkThatGoesOn(t *testing.T) {
	for now, want := range map[float64][]Kind{10: nil, 10.5: {TalkedOn}} {
		r := New(Config{Record: true})
		r.now = func() time.Time { return at(now) }
		r.Opening("bk", guest, host, Terms{Cut: true}, at(-100))
		r.Opened("bk", Answer{Proxy: proxy, Expires: at(900)}, at(-100))
		r.Closing("bk", at(8))
		r.Closed("bk", at(8.1))
		l := tell(guest, but([]int{12, 13, 14, 15}, unfinished("A", "B"))...)
		check(t, r.Judge(expected(guest, market.Party, party.Talks(3*time.Second, time.Hour)), l, Trouble{}).Findings, want...)
	}
}

// Where two bookings may have led to a callee, only both together oblige.
func TestTwoBookingsOfOnePair(t *testing.T) {
	for _, second := range []Terms{{}, {Cut: true}} {
		r := New(Config{Record: true})
		for i, terms := range []Terms{{Cut: true}, second} {
			id := []string{"bk", "again"}[i]
			r.Opening(id, guest, host, terms, at(-100))
			r.Opened(id, Answer{Proxy: proxy, Expires: at([]float64{1, 1.5}[i])}, at(-99))
		}
		want := []Kind{TalkedOn}
		if !second.Cut {
			want = nil
		}
		check(t, r.Judge(expected(guest, market.Party, party.Talks(3*time.Second, time.Hour)), tell(guest, talkedUntil(60)...), Trouble{}).Findings, want...)
	}
}

// The notice before a cut has its own rung, whoever hears it.
func TestTheNoticeIsNoLineForACallerWhoWaits(t *testing.T) {
	r := register(Config{Record: true})
	v := r.Judge(expected(guest, market.Party, talks), tell(guest, append(normal(), does("A", "speak", 10), event("A", "call.speak.started", 10),
		event("B", "call.speak.started", 10), spoken(12), event("B", "call.speak.ended", 12))...), Trouble{})
	check(t, v.Findings)
	if v.Rungs[stepNotice].Received != 1 || v.Rungs[stepTell].Received != 0 || v.Rungs[stepSpoken].Received != 4 || v.Rungs[stepSpoken].Unexpected != 0 {
		t.Errorf("notice %+v, told %+v, spoken %+v", v.Rungs[stepNotice], v.Rungs[stepTell], v.Rungs[stepSpoken])
	}
}
