package order

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
)

var began = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// told is a story of events, a minute apart.
type told []Event

func offers(monthly ...protocol.Money) Offered {
	var o Offered
	for i, m := range monthly {
		o.Offers = append(o.Offers, protocol.NumberOffer{Number: number(i), Monthly: m, Currency: "USD"})
	}
	return o
}

func dollars(n int) []protocol.Money { return slices.Repeat([]protocol.Money{10_000}, n) }

// sale is the carrier's word on an order: of each number p, s or f.
func sale(id string, fates string) Sold {
	s := Sold{Order: protocol.CarrierOrder{ID: id, Status: protocol.PurchaseSuccess}}
	for i, fate := range fates {
		one := protocol.OrderedNumber{Number: number(i)}
		switch fate {
		case 's':
			one.Status = protocol.PurchaseSuccess
		case 'f':
			one.Status = protocol.PurchaseFailure
		case 'p':
			s.Order.Status = protocol.PurchasePending
		}
		s.Order.Numbers = append(s.Order.Numbers, one)
	}
	return s
}

func refusal(remedy protocol.Remedy, status int, code string) error {
	return fmt.Errorf("ask: %w", &protocol.NumbersError{Remedy: remedy, Status: status, Code: code, Detail: "no"})
}

var unsure = &protocol.NumbersError{Remedy: protocol.RemedyLater, Unsure: true, Detail: "no answer"}

// outcomes has one of each number: a is done, l later, anything else stuck.
func outcomes(fates string) Handled {
	var h Handled
	for i, fate := range fates {
		out := Outcome{Number: number(i)}
		switch fate {
		case 'a':
		case 'l':
			out.Later, out.Why = true, "not yet"
		default:
			out.Why = "broken"
		}
		h.Numbers = append(h.Numbers, out)
	}
	return h
}

var steps = []struct {
	story   string
	count   int
	most    protocol.Money
	given   told
	when    Event
	stage   protocol.OrderStage
	act     Act
	wait    time.Duration // until NextTryAt
	trouble string        // is part of it; "-": none
}{
	{"offers that fit are bought", 2, 20_000, told{}, offers(dollars(2)...), protocol.OrderOrdering, ActBuy, 0, "-"},
	{"too few offers: nothing is bought", 3, 0, told{}, offers(dollars(2)...), protocol.OrderFailed, ActNothing, 0, "only 2 of 3"},
	{"no offers at all", 1, 0, told{}, offers(), protocol.OrderFailed, ActNothing, 0, "only 0 of 1"},
	{"the cheapest are too dear", 2, 24_999, told{}, offers(30_000, 12_500, 12_500), protocol.OrderFailed, ActNothing, 0, "2.50 USD a month together, and 2.4999"},
	{"the cheapest are just not too dear", 2, 25_000, told{}, offers(30_000, 12_500, 12_500), protocol.OrderOrdering, ActBuy, 0, "-"},
	{"a search is refused for good", 1, 0, told{}, Offered{Err: refusal(protocol.RemedyNone, 401, "10009")}, protocol.OrderFailed, ActNothing, 0, "10009"},
	{"a search is throttled", 1, 0, told{}, Offered{Err: refusal(protocol.RemedyLater, 429, "")}, protocol.OrderSearching, ActSearch, 2 * time.Second, "429"},
	{"the pauses grow", 1, 0, told{Offered{Err: unsure}, Offered{Err: unsure}, Offered{Err: unsure}}, Offered{Err: unsure}, protocol.OrderSearching, ActSearch, 16 * time.Second, "no answer"},
	{"the carrier asks for a longer pause", 1, 0, told{}, Offered{Err: &protocol.NumbersError{Remedy: protocol.RemedyLater, After: time.Minute}}, protocol.OrderSearching, ActSearch, time.Minute, ""},
	{"an error that is nobody's", 1, 0, told{}, Offered{Err: errors.New("bug")}, protocol.OrderSearching, ActSearch, 2 * time.Second, "bug"},

	{"sold at once", 2, 0, told{offers(dollars(2)...)}, sale("o1", "ss"), protocol.OrderAssigning, ActAssign, 0, "-"},
	{"sold later", 2, 0, told{offers(dollars(2)...)}, sale("o1", "pp"), protocol.OrderPending, ActPoll, 2 * time.Second, "-"},
	{"sold by and by", 2, 0, told{offers(dollars(2)...), sale("o1", "pp")}, sale("o1", "sp"), protocol.OrderPending, ActPoll, 4 * time.Second, "-"},
	{"one is not sold: another is looked for", 2, 0, told{offers(dollars(2)...), sale("o1", "pp")}, sale("o1", "sf"), protocol.OrderSearching, ActSearch, 4 * time.Second, "1 numbers had gone"},
	{"one is not named any more", 2, 0, told{offers(dollars(2)...), sale("o1", "pp")}, sale("o1", "s"), protocol.OrderSearching, ActSearch, 4 * time.Second, "1 numbers had gone"},
	{"for the rest there are no offers: on with what is bought", 2, 0, told{offers(dollars(2)...), sale("o1", "sf")}, offers(), protocol.OrderAssigning, ActAssign, 0, ""},
	{"the limit is for both purchases", 2, 20_000, told{offers(dollars(2)...), sale("o1", "sf")},
		Offered{Offers: []protocol.NumberOffer{{Number: number(7), Monthly: 10_001, Currency: "USD"}}}, protocol.OrderAssigning, ActAssign, 0, ""},
	{"a number that we have is no offer", 2, 0, told{offers(dollars(2)...), sale("o1", "sf")}, offers(10_000), protocol.OrderAssigning, ActAssign, 0, ""},
	{"an offer in other money is none", 2, 0, told{offers(dollars(2)...), sale("o1", "sf")},
		Offered{Offers: []protocol.NumberOffer{{Number: number(7), Monthly: 1, Currency: "EUR"}}}, protocol.OrderAssigning, ActAssign, 0, ""},

	{"gone before they were bought", 2, 0, told{offers(dollars(2)...)}, Sold{Err: refusal(protocol.RemedySearch, 400, "85001")}, protocol.OrderSearching, ActSearch, 2 * time.Second, "85001"},
	{"a purchase is throttled: nothing was sold", 2, 0, told{offers(dollars(2)...)}, Sold{Err: refusal(protocol.RemedyLater, 429, "10011")}, protocol.OrderSearching, ActSearch, 2 * time.Second, "429"},
	{"a purchase is refused for good", 2, 0, told{offers(dollars(2)...)}, Sold{Err: refusal(protocol.RemedyNone, 403, "20100")}, protocol.OrderFailed, ActNothing, 0, "20100"},
	{"nobody knows whether it was sold: ask, two minutes after its row", 2, 0, told{offers(dollars(2)...)}, Sold{Err: unsure}, protocol.OrderOrdering, ActFind, time.Minute, "not known"},
	{"it was: the order is adopted", 2, 0, told{offers(dollars(2)...), Sold{Err: unsure}}, Found{Orders: []string{"o1"}}, protocol.OrderPending, ActPoll, 0, ""},
	{"it was: the numbers are adopted", 1, 0, told{offers(dollars(1)...), Sold{Err: unsure}}, Found{Numbers: []phone.Number{number(0)}}, protocol.OrderAssigning, ActAssign, 0, ""},
	{"it seems that it was not: ask again", 2, 0, told{offers(dollars(2)...), Sold{Err: unsure}}, Found{}, protocol.OrderOrdering, ActFind, lookPause, ""},
	{"it was not: search", 2, 0, told{offers(dollars(2)...), Sold{Err: unsure}, Found{}}, Found{}, protocol.OrderSearching, ActSearch, 0, "knows nothing"},
	{"the carrier cannot be asked", 2, 0, told{offers(dollars(2)...), Sold{Err: unsure}}, Found{Err: unsure}, protocol.OrderOrdering, ActFind, 2 * time.Second, "no answer"},
	{"the carrier will never tell", 2, 0, told{offers(dollars(2)...), Sold{Err: unsure}}, Found{Err: refusal(protocol.RemedyNone, 401, "10009")}, protocol.OrderFailed, ActNothing, 0, "2 numbers ordered at 2026-03-01T12:00:00Z is not known"},
	{"an order of an earlier purchase is no news", 2, 0, told{offers(dollars(2)...), sale("o1", "sf"),
		Offered{Offers: []protocol.NumberOffer{{Number: number(7), Monthly: 1, Currency: "USD"}}}, Sold{Err: unsure}},
		Found{Orders: []string{"o1"}, Numbers: []phone.Number{number(0)}}, protocol.OrderOrdering, ActFind, lookPause, ""},
	{"two orders in doubt are both awaited", 1, 0, told{offers(dollars(1)...), Sold{Err: unsure}, Found{Orders: []string{"o1", "o2"}}}, sale("o1", "s"), protocol.OrderPending, ActPoll, 0, "-"},

	{"the carrier does not find its own order yet", 2, 0, told{offers(dollars(2)...), sale("o1", "pp")}, Sold{Err: refusal(protocol.RemedyNone, http.StatusNotFound, "10005")}, protocol.OrderPending, ActPoll, 4 * time.Second, "10005"},
	{"an order may not be asked for: on with what is bought", 2, 0, told{offers(dollars(2)...), sale("o1", "sp")}, Sold{Err: refusal(protocol.RemedyNone, 403, "10010")}, protocol.OrderAssigning, ActAssign, 0, ""},
	{"documents are wanted", 1, 0, told{offers(dollars(1)...)}, Sold{Order: protocol.CarrierOrder{ID: "o1", Requirements: true, Numbers: []protocol.OrderedNumber{{Number: number(0)}}}}, protocol.OrderPending, ActPoll, 2 * time.Second, "documents"},

	{"assigned", 2, 0, told{offers(dollars(2)...), sale("o1", "ss")}, outcomes("aa"), protocol.OrderAdding, ActAdd, 0, "-"},
	{"one is not active yet: the other does not wait for it", 2, 0, told{offers(dollars(2)...), sale("o1", "ss")}, outcomes("al"), protocol.OrderAdding, ActAdd, 0, "-"},
	{"and then it is waited for", 2, 0, told{offers(dollars(2)...), sale("o1", "ss"), outcomes("al"), outcomes("a")}, second(outcomes("al")), protocol.OrderAssigning, ActAssign, 2 * time.Second, "not yet"},
	{"some were assigned before the trouble", 2, 0, told{offers(dollars(2)...), sale("o1", "ss")}, with(outcomes("a"), unsure), protocol.OrderAssigning, ActAssign, 2 * time.Second, "no answer"},
	{"one cannot be assigned: it is told in the end", 2, 0, told{offers(dollars(2)...), sale("o1", "ss"), outcomes("ax")}, outcomes("a"), protocol.OrderFailed, ActNothing, 0, "1 of 2 numbers are bought and in the pool; 1 are bought and not in the pool"},
	{"no number can be assigned any more", 2, 0, told{offers(dollars(2)...), sale("o1", "ss")}, with(Handled{}, refusal(protocol.RemedyNone, 401, "10009")), protocol.OrderFailed, ActNothing, 0, "2 are bought and not in the pool"},
	{"what was bought without our knowing is adopted", 1, 0, told{offers(dollars(1)...), sale("o1", "s")}, found(outcomes("a"), "o2"), protocol.OrderPending, ActPoll, 0, "-"},
	{"and so are its numbers", 1, 0, told{offers(dollars(1)...), sale("o1", "s"), found(outcomes("a"), "o2")}, sale("o2", "ss"), protocol.OrderAssigning, ActAssign, 0, "-"},
	{"and they are told", 1, 0, told{offers(dollars(1)...), sale("o1", "s"), found(outcomes("a"), "o2"), sale("o2", "ss"), outcomes("aa")}, outcomes("aa"), protocol.OrderDone, ActNothing, 0, "1 numbers more than"},
	{"added", 2, 0, told{offers(dollars(2)...), sale("o1", "ss"), outcomes("aa")}, outcomes("aa"), protocol.OrderDone, ActNothing, 0, "-"},
	{"the pool is not ready", 2, 0, told{offers(dollars(2)...), sale("o1", "ss"), outcomes("aa")}, outcomes("al"), protocol.OrderAdding, ActAdd, 2 * time.Second, "not yet"},
	{"the pool does not want one", 2, 0, told{offers(dollars(2)...), sale("o1", "ss"), outcomes("aa")}, outcomes("ax"), protocol.OrderFailed, ActNothing, 0, "broken"},
}

func with(h Handled, err error) Handled {
	h.Err = err
	return h
}

func found(h Handled, ids ...string) Handled {
	h.Found.Orders = ids
	return h
}

func TestStep(t *testing.T) {
	for _, test := range steps {
		t.Run(test.story, func(t *testing.T) {
			now := began
			asked := asking("r1", test.count)
			asked.MostMonthly = test.most
			j := Begin(protocol.NewOrderID(now), asked, "77", 0, now)
			for _, ev := range test.given {
				j, _ = j.Step(ev, now)
				now = now.Add(time.Minute)
			}
			before := j.Row()
			next, act := j.Step(test.when, now)
			if j.Row() != before {
				t.Error("the step has changed the state that it came from")
			}
			wait := time.Duration(0)
			if !next.NextTryAt.IsZero() {
				wait = next.NextTryAt.Sub(now)
			}
			if next.Stage != test.stage || act != test.act || wait != test.wait {
				t.Errorf("%s, act %d after %s (%s); want %s, act %d after %s", next.Stage, act, wait, next.Trouble, test.stage, test.act, test.wait)
			}
			if got := next.Trouble; test.trouble == "-" && got != "" || test.trouble != "-" && !strings.Contains(got, test.trouble) {
				t.Errorf("trouble %q, want %q in it", got, test.trouble)
			}
			if !next.ChangedAt.Equal(now) {
				t.Errorf("changed at %s, want %s", next.ChangedAt, now)
			}
			checkRow(t, next)
		})
	}
}

// checkRow holds a state against what is built again from its row. What was due
// may differ in one thing only: nobody buys who comes back to an order.
func checkRow(t *testing.T, j Job) {
	t.Helper()
	back, act, err := Restore(j.Row())
	if err != nil {
		t.Fatal(err)
	}
	if act == ActBuy {
		t.Error("a restored order buys")
	}
	if j.Stage == protocol.OrderOrdering {
		if earliest := j.PostedAt.Add(settle); back.NextTryAt.Before(earliest) {
			t.Errorf("a restored order looks at %s, and not before %s may it", back.NextTryAt, earliest)
		}
		j.Doubt, j.NextTryAt = back.Doubt, back.NextTryAt
	}
	if back.Row() != j.Row() {
		t.Errorf("restored %s, want %s", back.Row().Detail, j.Row().Detail)
	}
}

// TestEveryStageEnds lets each stage fail for ever in a way that time may heal.
func TestEveryStageEnds(t *testing.T) {
	var tests = []struct {
		stage string
		given told
		again Event
		want  string
	}{
		{"searching", told{}, Offered{Err: unsure}, "it took too long. no answer"},
		{"buying, refused", told{offers(dollars(2)...)}, Sold{Err: refusal(protocol.RemedySearch, 400, "85001")}, "it took too long"},
		{"looking", told{offers(dollars(2)...), Sold{Err: unsure}}, Found{Err: unsure}, "is not known"},
		{"pending", told{offers(dollars(2)...)}, sale("o1", "sp"), "has not finished its order o1"},
		{"assigning", told{offers(dollars(2)...), sale("o1", "ss")}, outcomes("ll"), "2 are bought and not in the pool"},
		{"adding", told{offers(dollars(2)...), sale("o1", "ss"), outcomes("aa")}, outcomes("ll"), "2 are bought and not in the pool"},
	}
	for _, test := range tests {
		t.Run(test.stage, func(t *testing.T) {
			now := began
			j := Begin(protocol.NewOrderID(now), asking("", 2), "77", 0, now)
			for _, ev := range test.given {
				j, _ = j.Step(ev, now)
			}
			steps := 0
			for ; !j.Stage.Over(); steps++ {
				ev := test.again
				switch {
				case steps > 2000:
					t.Fatalf("no end after %s in the stage %s", now.Sub(began), j.Stage)
				case j.Stage == protocol.OrderSearching && test.stage != "searching":
					ev = offers(dollars(2)...)
				case j.Stage == protocol.OrderAssigning && test.stage == "pending":
					ev = outcomes("a")
				case j.Stage == protocol.OrderAdding && test.stage == "pending":
					ev = outcomes("a")
				}
				now = later(now, j.NextTryAt)
				j, _ = j.Step(ev, now)
			}
			if !strings.Contains(j.Trouble, test.want) || j.Stage != protocol.OrderFailed {
				t.Errorf("%s: %q, want %q in it", j.Stage, j.Trouble, test.want)
			}
			if took := now.Sub(began); took < patience-longestPause-time.Minute || took > 2*patience+time.Hour {
				t.Errorf("it ended after %s", took)
			}
			if test.stage == "pending" && j.count(Added) != 1 {
				t.Errorf("%d numbers are in the pool, and one was sold", j.count(Added))
			}
		})
	}
}

// TestDoubtEnds lets every purchase vanish without a trace: that must not go on
// for ever either.
func TestDoubtEnds(t *testing.T) {
	now := began
	j := Begin(protocol.NewOrderID(now), asking("", 1), "77", 0, now)
	bought := 0
	for act := j.due(); act != ActNothing; {
		var ev Event
		switch act {
		case ActSearch:
			ev = offers(dollars(1)...)
		case ActBuy:
			bought++
			ev = Sold{Err: unsure}
		case ActFind:
			ev = Found{}
		}
		now = later(now, j.NextTryAt)
		j, act = j.Step(ev, now)
		if now.Sub(began) > 2*patience {
			t.Fatal("it does not end")
		}
	}
	if least := settle + lookPause; bought > int(patience/least)+1 {
		t.Errorf("%d purchases in a day, which is more often than every %s", bought, least)
	}
}

// second is the outcome of the second number alone.
func second(h Handled) Handled {
	h.Numbers = h.Numbers[1:]
	return h
}
