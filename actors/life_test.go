package actors_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"maskswitch/actors/actorstest"
	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
)

// lifeTables reads the tables of LIFE.md: rows of cells, without their heads.
func lifeTables(t *testing.T) (tables [][][]string) {
	t.Helper()
	text, err := os.ReadFile("protocol/LIFE.md")
	if err != nil {
		t.Fatal(err)
	}
	inside := false
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") {
			inside = false
			continue
		}
		var cells []string
		for _, cell := range strings.Split(strings.Trim(line, "|"), "|") {
			cells = append(cells, strings.TrimSpace(cell))
		}
		switch {
		case !inside:
			inside = true
			tables = append(tables, nil)
		case strings.Trim(cells[0], "-") == "":
		default:
			tables[len(tables)-1] = append(tables[len(tables)-1], cells)
		}
	}
	return tables
}

// The written moves of a number are those of the code, and those that the switch
// makes.
func TestLifeTableOfMoves(t *testing.T) {
	written := make(map[string]bool)
	for _, row := range lifeTables(t)[1] {
		written[strings.Join(row, " ")] = true
	}
	coded := make(map[string]bool)
	for _, m := range protocol.NumberMoves() {
		condition := ""
		if m.Empty {
			condition = "empty"
		}
		coded[strings.Join([]string{m.From.String(), m.To.String(), m.By.String(), condition}, " ")] = true
	}
	for row := range written {
		if !coded[row] {
			t.Errorf("written, and not in the code: %s", row)
		}
	}
	for row := range coded {
		if !written[row] {
			t.Errorf("in the code, and not written: %s", row)
		}
	}
	for _, from := range protocol.NumberStates() {
		for _, to := range protocol.NumberStates() {
			for _, used := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s to %s, used %v", from, to, used), func(t *testing.T) { tryMove(t, from, to, used) })
			}
		}
	}
}

// tryMove has an operator move a number that is, or is not, empty, and holds
// what happens against the table.
func tryMove(t *testing.T, from, to protocol.NumberState, used bool) {
	world(t, func(t *testing.T, w *actorstest.World, lent protocol.Booking) {
		ctx, n := context.Background(), actorstest.Number(9001)
		if _, err := w.AddNumbers(ctx, []phone.Number{n}); err != nil {
			t.Fatal(err)
		}
		if used {
			w.Book("other", 1, 2) // the first number has them already
		}
		if used && from == protocol.NumberRetired {
			return // retired numbers are empty
		}
		if from != protocol.NumberServing {
			if _, err := w.MoveNumber(ctx, protocol.MoveNumberTo{Number: n, State: from}); err != nil && !(from == protocol.NumberDraining && !used) {
				t.Fatal(err)
			}
		}
		if from == protocol.NumberDraining && !used {
			if s, _ := w.Number(ctx, n); s.State != protocol.NumberRetired {
				t.Fatalf("an empty number that drains is %s", s.State)
			}
			return
		}
		status, err := w.MoveNumber(ctx, protocol.MoveNumberTo{Number: n, State: to})
		may, onlyEmpty := protocol.MayMove(from, to, protocol.ByOperator)
		want := from == to || may && !(onlyEmpty && used)
		if (err == nil) != want {
			t.Fatalf("%v, %v", status.State, err)
		}
		if err != nil && protocol.KindOf(err) != protocol.Conflict {
			t.Errorf("refused with %v", err)
		}
		if err == nil && status.State != to {
			t.Errorf("answered %s", status.State)
		}
		settle()
		now, _ := w.Number(ctx, n)
		w.Restart()
		again, err := w.Number(ctx, n)
		if err != nil || again.State != now.State || again.Live != now.Live {
			t.Errorf("recovered %+v, %v; was %+v", again, err, now)
		}
	})
}

// What the written table says of a state is what happens in it.
func TestLifeTableOfStates(t *testing.T) {
	rows := lifeTables(t)[0]
	if len(rows) != len(protocol.NumberStates()) {
		t.Fatalf("%d states written, %d in the code", len(rows), len(protocol.NumberStates()))
	}
	for _, row := range rows {
		state, ok := protocol.ParseNumberState(row[0])
		if !ok {
			t.Fatalf("no state is called %s", row[0])
		}
		lends, connects, tells := row[1] == "get it", row[2] == "are connected", row[3] == "are told"
		if lends != state.Lends() || connects != state.Connects() {
			t.Errorf("%s: the code says lends %v, connects %v", state, state.Lends(), state.Connects())
		}
		t.Run(state.String(), func(t *testing.T) {
			world(t, func(t *testing.T, w *actorstest.World, lent protocol.Booking) {
				ctx := context.Background()
				w.Book("late", 3, 4)
				if _, err := w.CloseBooking(ctx, "late"); err != nil {
					t.Fatal(err)
				}
				if state == protocol.NumberRetired {
					// Only by force, while somebody is on it; that ends his booking too.
					gone, err := w.RetireNumber(ctx, lent.NumberA, true)
					if err != nil || gone.Number.State != state || len(gone.Ended) != 1 || gone.Ended[0].ID != lent.ID {
						t.Fatalf("%+v, %v", gone, err)
					}
				} else if _, err := w.MoveNumber(ctx, protocol.MoveNumberTo{Number: lent.NumberA, State: state}); err != nil {
					t.Fatal(err)
				}
				for _, restarted := range []bool{false, true} {
					if restarted {
						w.Restart()
					}
					_, err := w.OpenBooking(ctx, actorstest.Asked(fmt.Sprint("new", restarted), 5, 6))
					if (err == nil) != lends {
						t.Errorf("restarted %v: a new booking: %v", restarted, err)
					}
					if err == nil {
						w.CloseBooking(ctx, fmt.Sprint("new", restarted))
					}
					wantMet(t, w, 1, lent.NumberA, connects, protocol.OutcomeUnallocated)
					wanted := protocol.OutcomeUnallocated
					if tells {
						wanted = protocol.OutcomeNoBooking
					}
					wantMet(t, w, 3, lent.NumberA, false, wanted)
				}
			})
		})
	}
}

// wantMet rings a number and checks whether the caller is on his way to somebody,
// or why not.
func wantMet(t *testing.T, w *actorstest.World, from int, to phone.Number, connected bool, refused protocol.Outcome) {
	t.Helper()
	call := actorstest.Call(fmt.Sprintf("s-%d-%d", from, len(w.Carrier.Sent())), from, to)
	w.Tell(call.Rings())
	settle()
	row := w.Row(call.Session)
	if connected != (row.Caller != protocol.PartyNone) {
		t.Errorf("caller %d: %s %s", from, row.Stage, row.Reason)
	}
	w.Tell(call.Tagged(w.Carrier.Sent()).HungUp(a, protocol.CauseOriginatorCancel))
	if !connected {
		wantOutcome(t, w, call.Session, refused)
	}
}

func TestADrainedNumberRetiresByItself(t *testing.T) {
	world(t, func(t *testing.T, w *actorstest.World, lent protocol.Booking) {
		ctx, n := context.Background(), lent.NumberA
		state := func(want protocol.NumberState) {
			t.Helper()
			settle()
			if got, err := w.Number(ctx, n); err != nil || got.State != want {
				t.Fatalf("%s, %v; want %s", got.State, err, want)
			}
		}
		gone, err := w.RetireNumber(ctx, n, false)
		if err != nil || gone.Number.State != protocol.NumberDraining || len(gone.Ended) != 0 {
			t.Fatalf("%+v, %v", gone, err)
		}
		w.Restart()
		talk(t, w, "s1", lent)
		time.Sleep(24 * time.Hour) // checkout
		state(protocol.NumberDraining)
		if s, _ := w.Number(ctx, n); s.Live != 0 || s.Quarantined != 1 {
			t.Errorf("%+v", s)
		}
		time.Sleep(24 * time.Hour) // quarantine
		state(protocol.NumberRetired)
		w.Restart()
		state(protocol.NumberRetired)
		if added, err := w.AddNumbers(ctx, []phone.Number{n}); err != nil || added.New != 1 || added.Pool != 1 {
			t.Errorf("added again: %+v, %v", added, err)
		}
		state(protocol.NumberServing)
		w.Restart()
		state(protocol.NumberServing)
		w.Book("again", 1, 2)
	})
}

func TestARestEndsByTheClock(t *testing.T) {
	world(t, func(t *testing.T, w *actorstest.World, lent protocol.Booking) {
		ctx, n := context.Background(), lent.NumberA
		rest := func(until time.Time) {
			t.Helper()
			if _, err := w.MoveNumber(ctx, protocol.MoveNumberTo{Number: n, State: protocol.NumberResting, RestUntil: until}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := w.MoveNumber(ctx, protocol.MoveNumberTo{Number: n, State: protocol.NumberResting, RestUntil: time.Now()}); protocol.KindOf(err) != protocol.Invalid {
			t.Errorf("a rest that is over: %v", err)
		}
		began := time.Now()
		rest(began.Add(time.Hour))
		rest(began.Add(6 * time.Hour)) // longer than was said at first
		for _, step := range []struct {
			after time.Duration
			want  protocol.NumberState
		}{{2 * time.Hour, protocol.NumberResting}, {6*time.Hour - time.Second, protocol.NumberResting}, {6 * time.Hour, protocol.NumberServing}} {
			time.Sleep(time.Until(began.Add(step.after)))
			settle()
			if s, _ := w.Number(ctx, n); s.State != step.want {
				t.Fatalf("after %v: %s", step.after, s.State)
			}
			w.Restart()
			settle()
		}
		rest(time.Now().Add(time.Hour))
		w.Crash()
		time.Sleep(2 * time.Hour)
		if err := w.Boot(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if s, _ := w.Number(ctx, n); s.State != protocol.NumberServing || !s.RestUntil.IsZero() {
			t.Errorf("a rest that was over before the start: %+v", s)
		}
		rest(time.Time{})
		time.Sleep(1000 * time.Hour)
		if s, _ := w.Number(ctx, n); s.State != protocol.NumberResting {
			t.Errorf("a rest without an end: %s", s.State)
		}
	})
}

// Retiring by force ends every booking of the number and says which; other
// numbers and their bookings are left alone.
func TestRetiringByForce(t *testing.T) {
	world(t, func(t *testing.T, w *actorstest.World, lent protocol.Booking) {
		ctx := context.Background()
		if _, err := w.AddNumbers(ctx, []phone.Number{actorstest.Number(9001)}); err != nil {
			t.Fatal(err)
		}
		w.Book("elsewhere", 1, 2)
		var here []string
		for i := range 20 {
			if b := w.Book(fmt.Sprint("bk", i), 10+2*i, 11+2*i); b.NumberA == lent.NumberA {
				here = append(here, string(b.Ref))
			}
		}
		here = append(here, "bk")
		gone, err := w.RetireNumber(ctx, lent.NumberA, true)
		if err != nil || gone.Number.State != protocol.NumberRetired {
			t.Fatalf("%+v, %v", gone.Number, err)
		}
		var ended []string
		for _, b := range gone.Ended {
			ended = append(ended, string(b.Ref))
			if row, err := w.Booking(ctx, string(b.Ref)); err != nil || row.Reason != "number_retired" || row.State == protocol.BookingLive {
				t.Errorf("%s: %+v, %v", b.Ref, row, err)
			}
		}
		slices.Sort(ended)
		slices.Sort(here)
		if !slices.Equal(ended, here) {
			t.Errorf("ended %v, were there %v", ended, here)
		}
		before, _ := w.Headcount(ctx)
		w.Restart()
		if after, _ := w.Headcount(ctx); after != before || after.Active != 22-len(here) {
			t.Errorf("live after: %+v, before the restart %+v", after, before)
		}
		if again, err := w.RetireNumber(ctx, lent.NumberA, true); err != nil || len(again.Ended) != 0 {
			t.Errorf("again: %+v, %v", again, err)
		}
		if _, err := w.RetireNumber(ctx, actorstest.Number(5), true); protocol.KindOf(err) != protocol.NotFound {
			t.Errorf("a number that is not ours: %v", err)
		}
	})
}
