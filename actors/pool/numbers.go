package pool

import (
	"fmt"
	"slices"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"go.uber.org/zap"

	"maskswitch/actors/journal"
	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
)

// Messages about numbers. Each Done is called once and must not block.
type (
	// List asks for numbers and what they carry.
	List struct {
		Query protocol.NumberQuery
		Done  func([]protocol.NumberStatus)
	}
	// Look asks for one number.
	Look struct {
		Number phone.Number
		Done   func(protocol.NumberStatus, error)
	}
	// Shift gives a number another state.
	Shift struct {
		To   protocol.MoveNumberTo
		Done func(protocol.NumberStatus, error)
	}
	// Retire takes a number out: when it is empty, or with Force at once.
	Retire struct {
		Number phone.Number
		Force  bool
		Done   func(protocol.RetiredNumber, error)
	}
	// Room asks how many more bookings fit.
	Room struct{ Done func(protocol.Headroom) }

	// evicted says that the bookings of a number have been ended.
	evicted struct {
		retire Retire
		ended  []protocol.Booking
		err    error
	}
	// tidy looks again at a number that could not be retired.
	tidy struct{ number phone.Number }
)

func (a *Actor) receiveNumbers(c actor.Context, m any) {
	switch m := m.(type) {
	case protocol.AddNumbers:
		a.add(c, m)
	case List:
		m.Done(a.ledger.list(m.Query, time.Now()))
	case Look:
		status, err := a.look(m.Number)
		m.Done(status, err)
	case Shift:
		a.shift(c, m)
	case Retire:
		a.retire(c, m)
	case evicted:
		a.evicted(c, m)
	case tidy:
		a.retireIfEmpty(c, m.number)
	case Room:
		m.Done(a.ledger.headroom())
	case protocol.PlaceOrder:
		if a.orders == nil {
			m.Done(protocol.NumberOrder{}, false, protocol.Errorf(protocol.Unavailable, "no_orders", "this switch orders no numbers"))
			return
		}
		c.Send(a.orders, m)
	}
}

// add writes the numbers that are new or were retired, and takes them in at
// once: a booking on one of them is written after them.
func (a *Actor) add(c actor.Context, m protocol.AddNumbers) {
	now := time.Now().UTC().Truncate(time.Microsecond)
	var fresh []protocol.Number
	asked := make(map[phone.Number]bool, len(m.Numbers))
	known := 0
	for _, n := range m.Numbers {
		if a.ledger.isParty(n) {
			m.Done(protocol.Added{}, protocol.Errorf(protocol.Conflict, "number_is_party",
				"%s is a party of a booking and cannot be a proxy number", n))
			return
		}
		if asked[n] {
			continue
		}
		asked[n] = true
		if status, ok := a.ledger.status(n, now); ok && status.State != protocol.NumberRetired {
			continue
		} else if ok {
			known++
		}
		fresh = append(fresh, protocol.Number{Number: n, Partition: a.Partition, ChangedAt: now})
	}
	answer := protocol.Added{New: len(fresh), Pool: a.inPool() + len(fresh)}
	err := a.Journal.Append(journal.Change{Partition: a.Partition, Numbers: fresh}, func(err error) {
		m.Done(answer, journal.Refusal(err))
	})
	if err != nil {
		m.Done(protocol.Added{}, journal.Refusal(err))
		return
	}
	for _, n := range fresh {
		a.serve(c, n)
	}
	a.counted()
}

// inPool counts the numbers that are not retired.
func (a *Actor) inPool() int {
	n := 0
	for state, count := range a.ledger.figures().Numbers {
		if protocol.NumberState(state) != protocol.NumberRetired {
			n += count
		}
	}
	return n
}

// serve takes in a number, new or from the store, or one that was retired.
func (a *Actor) serve(c actor.Context, n protocol.Number) {
	if pid := a.numbers[n.Number]; pid != nil {
		a.ledger.move(n)
		c.Send(pid, protocol.MoveNumber{State: n.State})
		return
	}
	a.ledger.add(n)
	a.numbers[n.Number] = c.Spawn(a.Number(n, a.booking, a.call))
	if !n.RestUntil.IsZero() {
		a.rests.push(n.RestUntil, n.Number)
		a.arm(c)
	}
}

func (a *Actor) look(n phone.Number) (protocol.NumberStatus, error) {
	status, ok := a.ledger.status(n, time.Now())
	if !ok {
		return status, protocol.Errorf(protocol.NotFound, "number_not_found", "the pool has no such number")
	}
	return status, nil
}

// shift does what an operator asks, if the life of a number allows it.
func (a *Actor) shift(c actor.Context, m Shift) {
	status, err := a.look(m.To.Number)
	if err != nil {
		m.Done(status, err)
		return
	}
	if err := checkShift(status, m.To, time.Now()); err != nil {
		m.Done(status, err)
		return
	}
	if status.State == m.To.State && status.RestUntil.Equal(utc(m.To.RestUntil)) {
		m.Done(status, nil)
		return
	}
	a.become(c, status.Number, m.To.State, m.To.RestUntil, func(err error) {
		if err != nil {
			m.Done(protocol.NumberStatus{}, err)
			return
		}
		m.Done(after(status, m.To.State, m.To.RestUntil), nil)
	})
	a.retireIfEmpty(c, m.To.Number)
}

func checkShift(now protocol.NumberStatus, to protocol.MoveNumberTo, at time.Time) error {
	if !to.RestUntil.IsZero() && (to.State != protocol.NumberResting || !to.RestUntil.After(at)) {
		err := protocol.Errorf(protocol.Invalid, "out_of_range", "a rest ends in the future, and only a resting number has one")
		err.Field = "rest_until"
		return err
	}
	if now.State == to.State {
		return nil
	}
	may, onlyEmpty := protocol.MayMove(now.State, to.State, protocol.ByOperator)
	switch {
	case !may:
		return protocol.Errorf(protocol.Conflict, "number_state", "a %s number cannot become %s", now.State, to.State)
	case onlyEmpty && !empty(now):
		return protocol.Errorf(protocol.Conflict, "number_in_use",
			"the number shows %d live bookings and remembers %d; drain it with DELETE, or end them with DELETE ?force=true",
			now.Live, now.Quarantined)
	}
	return nil
}

func empty(s protocol.NumberStatus) bool { return s.Live == 0 && s.Quarantined == 0 }

func after(s protocol.NumberStatus, state protocol.NumberState, restUntil time.Time) protocol.NumberStatus {
	s.State, s.RestUntil, s.ChangedAt = state, utc(restUntil), time.Now().UTC().Truncate(time.Microsecond)
	return s
}

// utc is an instant as the store returns it.
func utc(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Microsecond)
}

// become writes a number's state and makes it so at once: what comes after it is
// written after it. done learns when the disk has it, or why nothing has changed.
func (a *Actor) become(c actor.Context, n protocol.Number, state protocol.NumberState, restUntil time.Time, done func(error)) bool {
	n.State, n.RestUntil, n.ChangedAt = state, utc(restUntil), time.Now().UTC().Truncate(time.Microsecond)
	err := a.Journal.Append(journal.Change{Partition: a.Partition, Numbers: []protocol.Number{n}}, func(err error) {
		done(journal.Refusal(err))
	})
	if err != nil {
		done(journal.Refusal(err))
		return false
	}
	a.ledger.move(n)
	c.Send(a.numbers[n.Number], protocol.MoveNumber{State: state})
	if !restUntil.IsZero() {
		a.rests.push(restUntil, n.Number)
		a.arm(c)
	}
	a.counted()
	a.Log.Info("number moved", zap.Stringer("num", n.Number), zap.Stringer("state", state))
	return true
}

// wakeRested puts numbers whose rest is over back into service.
func (a *Actor) wakeRested(c actor.Context, now time.Time) {
	for {
		n, at, ok := a.rests.due(now)
		if !ok {
			return
		}
		status, known := a.ledger.status(n, now)
		if !known || status.State != protocol.NumberResting || !status.RestUntil.Equal(at) {
			continue // it was told otherwise meanwhile
		}
		if !a.become(c, status.Number, protocol.NumberServing, time.Time{}, func(error) {}) {
			a.rests.push(now.Add(retryWait), n)
		}
	}
}

// retireIfEmpty retires draining numbers that nobody depends on any more.
func (a *Actor) retireIfEmpty(c actor.Context, numbers ...phone.Number) {
	for _, n := range slices.Compact(numbers) {
		status, ok := a.ledger.status(n, time.Now())
		if !ok || status.State != protocol.NumberDraining || !empty(status) {
			continue
		}
		if !a.become(c, status.Number, protocol.NumberRetired, time.Time{}, func(error) {}) {
			self, root := c.Self(), c.ActorSystem().Root
			time.AfterFunc(retryWait, func() { root.Send(self, tidy{n}) })
		}
	}
}

// retire drains a number; with Force it ends its bookings too, and retires it
// when they have ended. A process that dies in between leaves a draining number.
func (a *Actor) retire(c actor.Context, m Retire) {
	status, err := a.look(m.Number)
	switch {
	case err != nil:
		m.Done(protocol.RetiredNumber{}, err)
		return
	case status.State == protocol.NumberRetired:
		m.Done(protocol.RetiredNumber{Number: status}, nil)
		return
	case empty(status):
		a.retired(c, m, status, nil)
		return
	}
	drained := func(err error) {}
	if !m.Force {
		drained = func(err error) {
			if err != nil {
				m.Done(protocol.RetiredNumber{}, err)
				return
			}
			m.Done(protocol.RetiredNumber{Number: after(status, protocol.NumberDraining, time.Time{})}, nil)
		}
	}
	if status.State == protocol.NumberDraining && !m.Force {
		m.Done(protocol.RetiredNumber{Number: status}, nil)
		return
	}
	if status.State != protocol.NumberDraining && !a.become(c, status.Number, protocol.NumberDraining, time.Time{}, drained) {
		if m.Force {
			m.Done(protocol.RetiredNumber{}, journal.Refusal(journal.ErrBusy))
		}
		return
	}
	if !m.Force {
		return
	}
	self, root := c.Self(), c.ActorSystem().Root
	c.Send(a.numbers[m.Number], protocol.Evict{Reason: "number_retired", Done: func(ended []protocol.Booking, err error) {
		root.Send(self, evicted{m, ended, err})
	}})
}

func (a *Actor) evicted(c actor.Context, m evicted) {
	status, err := a.look(m.retire.Number)
	switch {
	case err != nil || m.err != nil:
		m.retire.Done(protocol.RetiredNumber{}, &protocol.Error{
			Kind: protocol.Unavailable, Code: "not_all_ended", Err: m.err,
			Detail: fmt.Sprintf("%d bookings were ended, and some could not be; the number is draining: try again", len(m.ended)),
		})
	case status.State == protocol.NumberRetired: // by itself: its last booking left it empty
		m.retire.Done(protocol.RetiredNumber{Number: status, Ended: m.ended}, nil)
	case status.State != protocol.NumberDraining || status.Live > 0:
		m.retire.Done(protocol.RetiredNumber{}, protocol.Errorf(protocol.Conflict, "number_state",
			"the number was given another state meanwhile; %d bookings were ended", len(m.ended)))
	default:
		a.retired(c, m.retire, status, m.ended)
	}
}

func (a *Actor) retired(c actor.Context, m Retire, status protocol.NumberStatus, ended []protocol.Booking) {
	a.become(c, status.Number, protocol.NumberRetired, time.Time{}, func(err error) {
		if err != nil {
			m.Done(protocol.RetiredNumber{}, err)
			return
		}
		m.Done(protocol.RetiredNumber{Number: after(status, protocol.NumberRetired, time.Time{}), Ended: ended}, nil)
	})
}
