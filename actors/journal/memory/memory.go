// Package memory is a journal engine that keeps its rows in maps: for the tests
// of actors, and as the model that other engines are compared with.
//
// It outlives its Group: the same Engine handed to a new Group is a store that
// was reopened. Times come back as a file would return them, in UTC and cut to
// the microsecond. Faults are ordered beforehand: Fail, FailAfter, Hold.
package memory

import (
	"bytes"
	"fmt"
	"slices"
	"sync"
	"time"

	"maskswitch/actors/journal"
	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
)

// Engine is a journal.Engine. Its methods may be called from any goroutine.
type Engine struct {
	mu         sync.Mutex
	numbers    map[phone.Number]protocol.Number
	bookings   map[protocol.BookingID]protocol.Booking
	refs       map[protocol.Ref]protocol.BookingID
	calls      map[protocol.CallID]protocol.Call
	sessions   map[protocol.SessionID]protocol.CallID
	story      map[protocol.CallID][]protocol.Line // in order of N
	recordings map[protocol.RecordingID]protocol.Recording
	texts      []protocol.RecordingText // in the order of their coming
	orders     map[protocol.OrderID]protocol.OrderRow
	erasures   map[protocol.ErasureID]protocol.ErasureRow

	before, after []error // what the next commits fail with
	probes        []error
	gate          chan struct{} // nil: open
	slow          chan struct{} // what the next answer waits for; nil: nothing
	commits       int
	closes        int
}

var _ journal.Engine = (*Engine)(nil)

// New makes an empty store.
func New() *Engine {
	return &Engine{
		numbers:    map[phone.Number]protocol.Number{},
		bookings:   map[protocol.BookingID]protocol.Booking{},
		refs:       map[protocol.Ref]protocol.BookingID{},
		calls:      map[protocol.CallID]protocol.Call{},
		sessions:   map[protocol.SessionID]protocol.CallID{},
		story:      map[protocol.CallID][]protocol.Line{},
		recordings: map[protocol.RecordingID]protocol.Recording{},
		orders:     map[protocol.OrderID]protocol.OrderRow{},
		erasures:   map[protocol.ErasureID]protocol.ErasureRow{},
	}
}

// Commit implements journal.Engine.
func (e *Engine) Commit(batch []journal.Change) ([]error, error) {
	e.mu.Lock()
	gate, before, after := e.gate, next(&e.before), next(&e.after)
	e.mu.Unlock()
	if gate != nil {
		<-gate
	}
	if before != nil {
		return nil, before
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.commits++
	var refused []error
	for i, c := range batch {
		if err := e.write(c); err != nil {
			if refused == nil {
				refused = make([]error, len(batch))
			}
			refused[i] = err
		}
	}
	return refused, after
}

// Probe implements journal.Engine. There is never anything undecided.
func (e *Engine) Probe() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return next(&e.probes)
}

// Close implements journal.Engine. It keeps everything.
func (e *Engine) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closes++
	return nil
}

// Size implements journal.Store.
func (e *Engine) Size() int64 { return 0 }

func (e *Engine) write(c journal.Change) error {
	if err := e.taken(c.Open); err != nil {
		return err
	}
	if err := e.ordered(c.Orders); err != nil {
		return err
	}
	for _, b := range c.Open {
		b.CreatedAt, b.CheckoutAt, b.FreeAt = cut(b.CreatedAt), cut(b.CheckoutAt), cut(b.FreeAt)
		b.LimitAt, b.IdleAt, b.Asked = cut(b.LimitAt), cut(b.IdleAt), b.Asked.Truncate(time.Microsecond)
		e.bookings[b.ID] = b
		if b.Ref != "" {
			e.refs[b.Ref] = b.ID
		}
	}
	for _, m := range c.Move {
		if b, there := e.bookings[m.ID]; there && b.State == protocol.BookingLive {
			b.LimitAt, b.IdleAt, b.CheckoutAt, b.FreeAt = cut(m.LimitAt), cut(m.IdleAt), cut(m.CheckoutAt), cut(m.CheckoutAt)
			e.bookings[m.ID] = b
		}
	}
	for _, cl := range c.Close {
		e.close(cl)
	}
	for _, n := range c.Numbers {
		n.ChangedAt, n.RestUntil = cut(n.ChangedAt), cut(n.RestUntil)
		e.numbers[n.Number] = n
	}
	for _, call := range c.Calls {
		e.call(call)
	}
	for _, l := range c.Story {
		l.At = cut(l.At)
		lines := e.story[l.Call]
		at, found := slices.BinarySearchFunc(lines, l.N, func(l protocol.Line, n int) int { return l.N - n })
		if !found {
			e.story[l.Call] = slices.Insert(lines, at, l)
		}
	}
	for _, r := range c.Recordings {
		if _, known := e.recordings[r.ID]; !known {
			e.recordings[r.ID] = cutRecording(r)
		}
	}
	for _, r := range c.Recorded {
		if was, known := e.recordings[r.ID]; known {
			r.Call, r.Booking, r.Partition = was.Call, was.Booking, was.Partition
			e.recordings[r.ID] = cutRecording(r)
		}
	}
	for _, t := range c.Texts {
		e.text(t)
	}
	for _, o := range c.Orders {
		if was, there := e.orders[o.ID]; there {
			was.Stage, was.ChangedAt, was.Detail = o.Stage, cut(o.ChangedAt), o.Detail
			e.orders[o.ID] = was
			continue
		}
		o.CreatedAt, o.ChangedAt = cut(o.CreatedAt), cut(o.ChangedAt)
		e.orders[o.ID] = o
	}
	for _, x := range c.Erasures {
		if was, there := e.erasures[x.ID]; there {
			was.DoneAt, was.Detail = cut(x.DoneAt), x.Detail
			e.erasures[x.ID] = was
			continue
		}
		x.CreatedAt, x.DoneAt = cut(x.CreatedAt), cut(x.DoneAt)
		e.erasures[x.ID] = x
	}
	for _, f := range c.Forget {
		e.forget(f)
	}
	return nil
}

func cutRecording(r protocol.Recording) protocol.Recording {
	for _, at := range []*time.Time{&r.StartedAt, &r.EndedAt, &r.NoticedAt, &r.NextTryAt, &r.ArchivedAt, &r.ErasedAt} {
		*at = cut(*at)
	}
	return r
}

// text keeps the first text of a kind; an empty one takes it away.
func (e *Engine) text(t protocol.RecordingText) {
	if t.Text == "" {
		e.texts = slices.DeleteFunc(e.texts, func(x protocol.RecordingText) bool {
			return x.Kind == t.Kind && about(x, t.Recording, t.Session)
		})
		return
	}
	if t.Recording != "" {
		t.Session = ""
	}
	if !slices.ContainsFunc(e.texts, func(x protocol.RecordingText) bool {
		return x.Kind == t.Kind && x.Recording == t.Recording && x.Session == t.Session
	}) {
		t.At = cut(t.At)
		e.texts = append(e.texts, t)
	}
}

// about says whether a text is one of a recording: it has its id, or none and
// its session.
func about(t protocol.RecordingText, id protocol.RecordingID, s protocol.SessionID) bool {
	if t.Recording != "" {
		return t.Recording == id
	}
	return t.Session != "" && t.Session == s
}

func (e *Engine) forget(f journal.Forgetting) {
	b, there := e.bookings[f.ID]
	if !there || b.State != protocol.BookingClosed {
		return
	}
	if f.A {
		b.PartyA = phone.Number{}
	}
	if f.B {
		b.PartyB = phone.Number{}
	}
	e.bookings[f.ID] = b
}

// ordered checks that no order takes another's ref.
func (e *Engine) ordered(orders []protocol.OrderRow) error {
	refs := make(map[protocol.Ref]bool)
	for _, o := range e.orders {
		refs[o.Ref] = true
	}
	fresh := make(map[protocol.OrderID]bool)
	for _, o := range orders {
		if _, there := e.orders[o.ID]; there || fresh[o.ID] {
			continue
		}
		fresh[o.ID] = true
		if o.Ref == "" {
			continue
		}
		if refs[o.Ref] {
			return fmt.Errorf("order %s: ref %w", o.ID, journal.ErrTaken)
		}
		refs[o.Ref] = true
	}
	return nil
}

// taken checks everything that a change may be refused for, before any of it is
// written.
func (e *Engine) taken(open []protocol.Booking) error {
	for i, b := range open {
		if _, there := e.bookings[b.ID]; there {
			return fmt.Errorf("booking %s: id %w", b.ID, journal.ErrTaken)
		}
		if _, there := e.refs[b.Ref]; there {
			return fmt.Errorf("booking %s: ref %w", b.ID, journal.ErrTaken)
		}
		for _, other := range open[:i] {
			if b.ID == other.ID || b.Ref != "" && b.Ref == other.Ref {
				return fmt.Errorf("booking %s: twice in one change: %w", b.ID, journal.ErrTaken)
			}
		}
	}
	return nil
}

func (e *Engine) close(c journal.Closing) {
	b, there := e.bookings[c.ID]
	if !there || b.State == protocol.BookingClosed {
		return
	}
	b.State = c.State
	if c.Reason != "" {
		b.Reason = c.Reason
	}
	if !c.CheckoutAt.IsZero() {
		b.CheckoutAt = cut(c.CheckoutAt)
	}
	if !c.FreeAt.IsZero() {
		b.FreeAt = cut(c.FreeAt)
	}
	e.bookings[c.ID] = b
}

func (e *Engine) call(c protocol.Call) {
	c.RangAt, c.AnsweredAt, c.DialedAt = cut(c.RangAt), cut(c.AnsweredAt), cut(c.DialedAt)
	c.TalkAt, c.EndAt, c.ConsentAt = cut(c.TalkAt), cut(c.EndAt), cut(c.ConsentAt)
	e.calls[c.ID] = c
	// A call's id is made from its session, so it keeps it. Should two calls
	// claim one session, the younger has it.
	if id, there := e.sessions[c.Session]; !there || bytes.Compare(id[:], c.ID[:]) < 0 {
		e.sessions[c.Session] = c.ID
	}
}

// cut makes of a time what a file makes of it.
func cut(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return time.UnixMicro(t.UnixMicro()).UTC()
}

func next(errs *[]error) error {
	if len(*errs) == 0 {
		return nil
	}
	err := (*errs)[0]
	*errs = (*errs)[1:]
	return err
}
