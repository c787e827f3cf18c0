// Package journal is the door to the store.
//
// Truth is rows. An actor decides, hands over one Change, and goes on; Done
// tells the outcome when the change is on disk, whole, or refused, whole.
// Changes become durable in the order of Append. What waits for a promise (a
// REST answer, a webhook's 200) waits for Done; actors do not.
//
// Two things can go wrong, and both mean that memory is ahead of the disk. A
// refused change (ErrTaken) concerns one actor, which is stopped and built
// again from its row. A failed commit halts the journal: everything that
// follows is refused with ErrHalted until Resume, and whoever owns the
// partition throws its memory away and recovers.
package journal

import (
	"context"
	"errors"
	"iter"
	"time"

	"maskswitch/actors/protocol"
)

// Change is durable as a whole or not at all. Its slices belong to the journal
// once it is appended. A Change with nothing in it is a barrier: its Done comes
// after all that was appended before it.
type Change struct {
	Partition  protocol.Partition
	Open       []protocol.Booking       // new live bookings
	Move       []Moving                 // bookings that get another end
	Close      []Closing                // bookings that end, or leave quarantine
	Numbers    []protocol.Number        // numbers as they now are
	Calls      []protocol.Call          // calls as they now are
	Story      []protocol.Line          // what happened to them
	Recordings []protocol.Recording     // recordings that became known; one that is known already stays as it is
	Recorded   []protocol.Recording     // recordings as they now are; one that is not there does nothing
	Texts      []protocol.RecordingText // of each kind the first stays
	Orders     []protocol.OrderRow      // orders of numbers as they now are
	Erasures   []protocol.ErasureRow    // erasures as they now are
	Forget     []Forgetting             // parties that bookings hold no more
	// Patient says that whoever waits is in no hurry: the change may wait a
	// moment for company, which makes it cheaper.
	Patient bool
}

// Empty says that the change is a barrier.
func (c Change) Empty() bool {
	return len(c.Open)+len(c.Move)+len(c.Close)+len(c.Numbers)+len(c.Calls)+len(c.Story)+len(c.Recordings)+
		len(c.Recorded)+len(c.Texts)+len(c.Orders)+len(c.Erasures)+len(c.Forget) == 0
}

// Moving gives a live booking another end. One that is not live does nothing.
type Moving struct {
	ID         protocol.BookingID
	LimitAt    time.Time
	IdleAt     time.Time
	CheckoutAt time.Time
}

// Closing ends a booking (Quarantined or Closed) or closes it after quarantine.
// A closing of a booking that is not there, or is closed already, does nothing.
type Closing struct {
	ID         protocol.BookingID
	State      protocol.BookingState // BookingQuarantined or BookingClosed
	Reason     string                // empty: keep the one on disk
	CheckoutAt time.Time             // the real end; zero: keep the one on disk
	FreeAt     time.Time             // end of quarantine; zero: keep
}

// Forgetting takes parties out of a booking that is closed. Of any other it
// takes nothing.
type Forgetting struct {
	ID   protocol.BookingID
	A, B bool // which of the two
}

// Done learns the fate of one Change. It is called once, from the committer, in
// the order of Append: it must not block, and usually posts to a mailbox or
// completes a reply. The error wraps ErrTaken or ErrHalted.
type Done func(error)

// Errors of the journal. Test with errors.Is.
var (
	ErrTaken  = errors.New("taken")          // the id or ref of a booking or an order is there already
	ErrBusy   = errors.New("journal busy")   // the queue is full; nothing was queued
	ErrHalted = errors.New("journal halted") // a commit failed; memory can no longer be trusted
	ErrClosed = errors.New("journal closed")
	ErrNone   = errors.New("no such row")
	ErrNewer  = errors.New("the store was written by a newer program")
)

// Appender is what an actor needs of the journal.
type Appender interface {
	// Append queues a change, or says why not (ErrBusy, ErrHalted, ErrClosed),
	// in which case done is not called.
	Append(c Change, done Done) error
}

// Item is one thing that a partition must hold in memory. One member is set.
type Item struct {
	Number  *protocol.Number
	Booking *protocol.Booking    // live or in quarantine
	Call    *protocol.Call       // with State: something is still due
	Ended   *protocol.SessionID  // of a finished call that ended less than EndedMemory ago
	Order   *protocol.OrderRow   // not over
	Erasure *protocol.ErasureRow // under way
}

// Store answers questions. Answers show what is on disk: a reader who was told
// Done finds the change.
type Store interface {
	// Live lists what a partition must hold in memory: numbers first, then held
	// bookings in order of id, then unfinished calls in order of id, sessions of
	// finished calls that ended at or after endedSince (microseconds since 1970),
	// orders of numbers that are not over, in order of id, and erasures that are
	// under way, in order of id. Recordings are not among them: there may be more
	// than fit, so the queue asks for DueRecordings.
	Live(ctx context.Context, p protocol.Partition, endedSince int64) iter.Seq2[Item, error]
	// Booking finds by id, BookingByRef by the marketplace's name: ErrNone if
	// there is none.
	Booking(ctx context.Context, id protocol.BookingID) (protocol.Booking, error)
	BookingByRef(ctx context.Context, ref protocol.Ref) (protocol.Booking, error)
	// Bookings lists in order of id, q.Limit at most, all if that is 0.
	Bookings(ctx context.Context, q protocol.BookingQuery) ([]protocol.Booking, error)
	// Call and CallOfSession find a call's row: ErrNone if there is none.
	Call(ctx context.Context, id protocol.CallID) (protocol.Call, error)
	CallOfSession(ctx context.Context, s protocol.SessionID) (protocol.Call, error)
	// Story lists a call's lines in order.
	Story(ctx context.Context, id protocol.CallID) ([]protocol.Line, error)
	// Calls lists calls in order of id, q.Limit at most, all if that is 0.
	Calls(ctx context.Context, q protocol.CallQuery) ([]protocol.Call, error)
	// FindCalls looks for calls by their own facts. It reads what may be many.
	FindCalls(ctx context.Context, q protocol.CallSearch) (protocol.CallPage, error)
	// Recording finds a recording: ErrNone if there is none.
	Recording(ctx context.Context, id protocol.RecordingID) (protocol.Recording, error)
	// Recordings lists a call's recordings in order of id, BookingRecordings those
	// of a booking.
	Recordings(ctx context.Context, id protocol.CallID) ([]protocol.Recording, error)
	BookingRecordings(ctx context.Context, id protocol.BookingID) ([]protocol.Recording, error)
	// DueRecordings lists recordings of which something is due, the earliest next
	// try first, then in order of id: those after the given try and id, limit at
	// most. OldestPending is how many are pending, and when the carrier told of the
	// oldest of those that it has told of; zero if there is none.
	DueRecordings(ctx context.Context, p protocol.Partition, after protocol.RecordingDue, limit int) ([]protocol.Recording, error)
	OldestPending(ctx context.Context, p protocol.Partition) (n int, noticedAt time.Time, err error)
	// ArchivedBefore lists archived recordings that nobody holds and that were
	// noticed before an instant, the oldest first, limit at most.
	ArchivedBefore(ctx context.Context, p protocol.Partition, before time.Time, limit int) ([]protocol.Recording, error)
	// Text finds a text about a recording by its id, or failing that by its
	// session: ErrNone if there is none.
	Text(ctx context.Context, id protocol.RecordingID, s protocol.SessionID, kind protocol.TextKind) (protocol.RecordingText, error)
	// Erasure finds an erasure: ErrNone if there is none.
	Erasure(ctx context.Context, id protocol.ErasureID) (protocol.ErasureRow, error)
	// Order and OrderByRef find an order of numbers: ErrNone if there is none.
	Order(ctx context.Context, id protocol.OrderID) (protocol.OrderRow, error)
	OrderByRef(ctx context.Context, ref protocol.Ref) (protocol.OrderRow, error)
	// Orders lists the newest orders of numbers, newest first, limit at most.
	Orders(ctx context.Context, limit int) ([]protocol.OrderRow, error)
	// Size is the space on disk in bytes; 0 for a store in memory.
	Size() int64
}

// Engine is what a store brings; group commit is shared.
type Engine interface {
	Store
	// Commit makes all changes durable in one transaction. refused[i] says why
	// change i alone was turned down (wrapping ErrTaken); it may be nil when none
	// was. err means that nothing was committed, or that nobody knows. Commit
	// and Probe are never called side by side.
	Commit(batch []Change) (refused []error, err error)
	// Probe is called after a failed Commit and before the next one: it makes a
	// durable write of no meaning. Once it has returned nil, every earlier batch
	// is either there for readers or gone for good.
	Probe() error
	// Close comes after the last Commit; readers may still be at work, and fail.
	Close() error
}
