package order

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"maskswitch/actors/journal"
	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
)

func TestAnOrderIsToldWhenItIsOnDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, stock(3))
		release := w.engine.Hold()
		answers := w.place(asking("r1", 2))
		synctest.Wait()
		if len(answers) > 0 || len(w.shop.sent) > 0 {
			t.Fatalf("before the row is on disk: %d answers, requests %v", len(answers), w.shop.sent)
		}
		release()
		synctest.Wait()
		got := <-answers
		if got.err != nil || got.repeated || got.order.Asked.Count != 2 || got.order.Asked.Connection != "77" || got.order.Stage != protocol.OrderSearching {
			t.Errorf("%+v", got)
		}
		w.judge(2)
	})
}

func TestTheSameRefIsTheSameOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stock(9)
		s.pending = time.Hour
		w := newWorld(t, s)
		first, second := w.place(asking("r1", 2)), w.place(asking("r1", 2)) // the second before the first is on disk
		other := w.place(asking("r1", 3))
		a, b, c := <-first, <-second, <-other
		if a.err != nil || b.err != nil || a.repeated || !b.repeated || a.order.ID != b.order.ID {
			t.Errorf("at once: %+v and %+v", a, b)
		}
		conflict := func(got answer, when string) {
			t.Helper()
			var refusal *protocol.Error
			if !errors.As(got.err, &refusal) || refusal.Kind != protocol.Conflict || refusal.Code != "order_conflict" || refusal.Field != "order_id" {
				t.Errorf("%s: a different request under the same ref: %+v", when, got)
			}
		}
		conflict(c, "at once")
		w.crash()
		w.boot()
		if got := <-w.place(asking("r1", 2)); got.err != nil || !got.repeated || got.order.ID != a.order.ID {
			t.Errorf("after a restart: %+v", got)
		}
		w.judge(2)
		if got := <-w.place(asking("r1", 2)); got.err != nil || !got.repeated || got.order.Stage != protocol.OrderDone || got.order.Added != 2 {
			t.Errorf("when it is over: %+v", got)
		}
		conflict(<-w.place(asking("r1", 3)), "when it is over")
		if n := s.purchases(); n != 1 {
			t.Errorf("%d purchases", n)
		}
		if got := <-w.place(asking("", 2)); got.err != nil || got.repeated || got.order.ID == a.order.ID {
			t.Errorf("without a ref: %+v", got)
		}
	})
}

func TestRefusedAtTheDesk(t *testing.T) {
	change := func(f func(*protocol.OrderNumbers)) protocol.OrderNumbers {
		asked := asking("r1", 2)
		f(&asked)
		return asked
	}
	var tests = []struct {
		name       string
		asked      protocol.OrderNumbers
		connection string
		code       string
		field      string
	}{
		{"no such country", change(func(o *protocol.OrderNumbers) { o.Country = "XX" }), "77", "unknown_country", "country"},
		{"small letters", change(func(o *protocol.OrderNumbers) { o.Country = "us" }), "77", "unknown_country", "country"},
		{"no country", change(func(o *protocol.OrderNumbers) { o.Country = "" }), "77", "unknown_country", "country"},
		{"a region", change(func(o *protocol.OrderNumbers) { o.Country = "US-312" }), "77", "unknown_country", "country"},
		{"a long area code", change(func(o *protocol.OrderNumbers) { o.AreaCode = "312555" }), "77", "bad_area_code", "area_code"},
		{"an area code of letters", change(func(o *protocol.OrderNumbers) { o.AreaCode = "3l2" }), "77", "bad_area_code", "area_code"},
		{"none", change(func(o *protocol.OrderNumbers) { o.Count = 0 }), "77", "out_of_range", "count"},
		{"too many", change(func(o *protocol.OrderNumbers) { o.Count = 501 }), "77", "out_of_range", "count"},
		{"less than nothing", change(func(o *protocol.OrderNumbers) { o.MostMonthly = -1 }), "77", "out_of_range", "max_monthly_cost"},
		{"for nobody", asking("r1", 2), "", "missing", "connection_id"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, stock(3))
				w.crash()
				w.config.Connection = test.connection
				w.boot()
				got := <-w.place(test.asked)
				var refusal *protocol.Error
				if !errors.As(got.err, &refusal) || refusal.Kind != protocol.Invalid || refusal.Code != test.code || refusal.Field != test.field {
					t.Errorf("%v, want %s (%s)", got.err, test.code, test.field)
				}
				if _, there := w.row(); there {
					t.Error("it left a row")
				}
			})
		})
	}
}

func TestAnOrderMayNameItsApplication(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, stock(3))
		asked := asking("r1", 1)
		asked.Connection = "78"
		w.ordered(asked)
		w.end()
		if got := w.shop.owned[0].Connection; got != "78" {
			t.Errorf("its calls go to %q", got)
		}
	})
}

func TestTooManyOrders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stock(3 * mostLive)
		s.pending = time.Hour
		w := newWorld(t, s)
		for range mostLive {
			w.ordered(asking("", 1))
		}
		if got := <-w.place(asking("", 1)); protocol.KindOf(got.err) != protocol.Unavailable {
			t.Errorf("one too many: %v", got.err)
		}
		time.Sleep(2 * time.Hour)
		if got := <-w.place(asking("", 1)); got.err != nil {
			t.Errorf("when they are over: %v", got.err)
		}
	})
}

// TestLostAnswers has answers of the carrier vanish, with the process alive.
func TestLostAnswers(t *testing.T) {
	for _, name := range []string{"search", "buy", "order", "orders", "owned", "assign"} {
		for _, after := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				s := stock(9)
				s.pending = 5 * time.Second
				lost, doubt := 0, name != "orders" // which are asked for only in doubt
				s.meet = func(_ context.Context, _ int, request string, late bool) error {
					if !doubt && request == "buy" && late {
						doubt = true
						return unsure
					}
					if request == name && late == after && lost < 3 {
						lost++
						return unsure
					}
					return nil
				}
				w := newWorld(t, s)
				w.ordered(asking("r1", 3))
				w.judge(3)
				if want := 3; lost != want && !(name == "buy" && after && lost == 1) {
					t.Errorf("%s, after its effect %t: %d answers were lost, want %d", name, after, lost, want)
				}
			})
		}
	}
}

// TestASlowDiskBuysNothing holds the row that announces a purchase: when it is on
// disk at last, somebody may have looked for the purchase already.
func TestASlowDiskBuysNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, stock(9))
		var release func()
		w.tap = func(n int) fateOfRow {
			if n == 2 { // ordering
				release = w.engine.Hold()
			}
			return rowWritten
		}
		w.ordered(asking("r1", 2))
		time.Sleep(buyWithin + time.Second)
		synctest.Wait()
		release()
		synctest.Wait()
		if n := w.shop.asked("buy"); n != 0 {
			t.Errorf("%d purchases were sent too late", n)
		}
		w.judge(2)
	})
}

func TestABusyJournalDelaysAnOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, stock(9))
		var busy atomic.Int64
		w.refuse = func() error {
			if o, there := w.row(); there && o.Stage == protocol.OrderSearching && busy.Add(1) <= 3 {
				return journal.ErrBusy
			}
			return nil
		}
		w.ordered(asking("r1", 2))
		w.judge(2)
		if n := busy.Load(); n < 4 {
			t.Errorf("the journal was asked %d times", n)
		}
	})
}

func TestABusyJournalRefusesANewOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, stock(9))
		w.refuse = func() error { return journal.ErrBusy }
		if got := <-w.place(asking("r1", 2)); protocol.KindOf(got.err) != protocol.Unavailable {
			t.Errorf("%+v", got)
		}
		synctest.Wait()
		w.refuse = nil
		w.ordered(asking("r1", 2))
		w.judge(2)
	})
}

// TestAHaltedJournal fails a commit in the middle: nothing more is done until the
// partition is built again.
func TestAHaltedJournal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, stock(9))
		w.tap = func(n int) fateOfRow {
			if n == 2 { // ordering
				w.engine.FailAfter(errors.New("disk"))
			}
			return rowWritten
		}
		w.ordered(asking("r1", 2))
		time.Sleep(time.Hour)
		if n := w.shop.asked("buy"); n != 0 {
			t.Errorf("%d purchases without a row", n)
		}
		w.crash()
		w.tap = nil
		w.boot()
		w.judge(2)
	})
}

// TestAFailedOrderIsBuiltAgain has the actor of an order panic.
func TestAFailedOrderIsBuiltAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stock(9)
		s.pending = time.Hour
		w := newWorld(t, s)
		var failed atomic.Bool
		w.refuse = func() error {
			if o, there := w.row(); there && o.Stage == protocol.OrderPending && failed.CompareAndSwap(false, true) {
				panic("a bug")
			}
			return nil
		}
		w.ordered(asking("r1", 2))
		w.judge(2)
		if !failed.Load() || s.purchases() != 1 {
			t.Errorf("it failed: %t; %d purchases", failed.Load(), s.purchases())
		}
	})
}

// TestTheOtherTagsStay assigns a number that somebody has labelled.
func TestTheOtherTagsStay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stock(3)
		labelled := false
		s.meet = func(_ context.Context, _ int, name string, after bool) error {
			if name == "buy" && after {
				s.mu.Lock()
				s.owned[0].Tags, labelled = []string{"sales"}, true
				s.mu.Unlock()
			}
			return nil
		}
		w := newWorld(t, s)
		w.ordered(asking("r1", 1))
		w.judge(1)
		if got := s.owned[0].Tags; !labelled || !slices.Equal(got, []string{"sales", DefaultTag}) {
			t.Errorf("tags %v", got)
		}
	})
}

// TestAPartyIsNoNumber has the pool refuse one of three.
func TestAPartyIsNoNumber(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, stock(3))
		w.adding = func(n phone.Number, done func(error)) {
			if n == number(1) {
				done(protocol.Errorf(protocol.Conflict, "number_is_party", "%s is a party", n))
				return
			}
			done(nil)
		}
		w.ordered(asking("r1", 3))
		o := w.end()
		if o.Stage != protocol.OrderFailed || o.Added != 2 || !strings.Contains(o.Trouble, "2 of 3 numbers are bought and in the pool") ||
			!strings.Contains(o.Trouble, "is a party") {
			t.Errorf("%s, %d added: %s", o.Stage, o.Added, o.Trouble)
		}
		if strings.Contains(o.Trouble, number(1).E164()[2:]) {
			t.Errorf("a number is in the trouble: %s", o.Trouble)
		}
	})
}

// TestABrokenRow shows that one such order does not keep others from the desk.
func TestABrokenRow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, stock(3))
		bad := protocol.OrderRow{ID: protocol.NewOrderID(time.Now()), CreatedAt: time.Now(), ChangedAt: time.Now(), Detail: "{"}
		w.system.Root.Send(w.desk, protocol.RestoreOrder{Row: bad})
		if _, err := View(bad); err == nil {
			t.Error("a broken row can be viewed")
		}
		w.ordered(asking("r1", 2))
		w.judge(2)
	})
}
