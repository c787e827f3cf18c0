package erasure

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"maskswitch/actors/journal"
	"maskswitch/actors/protocol"
)

// portion is how many rows are in memory at once.
const portion = 200

// errand runs one job, on a goroutine of its own. It is the only one who writes
// its row.
type errand struct {
	config *Config
	job    Job
	turns  chan struct{} // of those who may look at the same time
}

// errHalted says that the journal takes nothing any more: the partition is built
// again, and this job with it.
var errHalted = errors.New("the journal has halted")

// run looks until nothing is left to be done.
func (e *errand) run(ctx context.Context) {
	for {
		select {
		case e.turns <- struct{}{}:
		case <-ctx.Done():
			return
		}
		done, err := e.look(ctx)
		<-e.turns
		switch {
		case ctx.Err() != nil || errors.Is(err, errHalted):
			return
		case done:
			e.config.log().Info("erasure done", zap.Stringer("erasure", e.job.ID), zap.Int("bookings", e.job.Bookings),
				zap.Int("recordings", e.job.Recordings), zap.Int("refused", len(e.job.Refused)+e.job.More))
			return
		case err != nil:
			e.config.log().Warn("erasure waits", zap.Stringer("erasure", e.job.ID), zap.Error(err))
		}
		timer := time.NewTimer(e.job.wait())
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
	}
}

// look goes through all bookings of the subject once, and writes down how that
// went. True if nothing is left to wait for.
func (e *errand) look(ctx context.Context) (done bool, err error) {
	before := e.job.Bookings + e.job.Recordings
	e.job.Waiting, e.job.Refused, e.job.More, e.job.Trouble = 0, nil, 0, ""
	unsettled, err := e.all(ctx)
	switch {
	case ctx.Err() != nil || errors.Is(err, errHalted):
		return false, err
	case err != nil:
		e.job.Trouble = "the store does not answer, or the queue of recordings; it is tried again"
	case unsettled == 0:
		e.job.DoneAt = time.Now()
	}
	e.job.Tries++
	if e.job.Bookings+e.job.Recordings > before {
		e.job.Tries = 0
	}
	if failed := e.commit(ctx, journal.Change{}); failed != nil {
		e.job.DoneAt = time.Time{}
		return false, failed
	}
	return !e.job.DoneAt.IsZero(), err
}

// all settles what can be settled now, and counts the bookings that cannot.
func (e *errand) all(ctx context.Context) (unsettled int, err error) {
	if e.job.Asked.Booking != (protocol.BookingID{}) {
		b, err := e.config.Store.Booking(ctx, e.job.Asked.Booking)
		if err != nil {
			return 0, err
		}
		return e.one(ctx, b)
	}
	for _, state := range [...]protocol.BookingState{protocol.BookingLive, protocol.BookingQuarantined, protocol.BookingClosed} {
		// In this order, a booking that goes on to the next state meanwhile is met
		// there.
		q := protocol.BookingQuery{State: state, Party: e.job.Asked.Party, Limit: portion}
		for {
			list, err := e.config.Store.Bookings(ctx, q)
			if err != nil {
				return 0, err
			}
			for _, b := range list {
				n, err := e.one(ctx, b)
				if err != nil {
					return 0, err
				}
				unsettled += n
			}
			if len(list) < portion {
				break
			}
			q.After = list[len(list)-1].ID
		}
	}
	return unsettled, nil
}

// one settles a booking, if it can be: 0 if so, or if it is refused.
func (e *errand) one(ctx context.Context, b protocol.Booking) (unsettled int, err error) {
	calls, err := e.callsAtWork(ctx, b.ID)
	if err != nil {
		return 0, err
	}
	recordings, err := e.config.Store.BookingRecordings(ctx, b.ID)
	if err != nil {
		return 0, err
	}
	v := judge(b, calls, recordings)
	if v.refused != nil {
		e.job.refuse(*v.refused)
		return 0, nil
	}
	if b.State == protocol.BookingQuarantined {
		if err := e.endQuarantine(ctx, b); err != nil {
			return 0, err
		}
	}
	for _, r := range v.erase {
		held, err := e.erase(ctx, r)
		if err != nil {
			return 0, err
		}
		if held != nil { // since it was read
			held.Booking = b.PublicID()
			e.job.refuse(*held)
			return 0, nil
		}
	}
	if left := len(v.erase) + v.calls; left > 0 {
		e.job.Waiting += left
		return 1, nil
	}
	return 0, e.forget(ctx, b, v.erased)
}

// callsAtWork lists the calls of a booking of which something is due.
func (e *errand) callsAtWork(ctx context.Context, id protocol.BookingID) ([]protocol.Call, error) {
	var out []protocol.Call
	q := protocol.CallQuery{Booking: id, Limit: portion}
	for {
		list, err := e.config.Store.Calls(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, c := range list {
			if c.State != "" {
				out = append(out, c)
			}
		}
		if len(list) < portion {
			return out, nil
		}
		q.After = list[len(list)-1].ID
	}
}

func (e *errand) endQuarantine(ctx context.Context, b protocol.Booking) error {
	done := make(chan error, 1)
	e.config.EndQuarantine(protocol.EndQuarantine{Booking: b, Done: func(err error) { done <- err }})
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// askWithin is how long the queue of recordings may take to promise something.
const askWithin = 30 * time.Second

// erase asks the queue. It gives a refusal if the recording is held.
func (e *errand) erase(ctx context.Context, r protocol.Recording) (*protocol.ErasureRefusal, error) {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	done := make(chan error, 1)
	e.config.Recordings(protocol.EraseRecording{
		ID: r.ID, Reason: "erasure " + e.job.ID.String(), Done: func(_ protocol.Recording, err error) { done <- err },
	})
	select {
	case err := <-done:
		var refused *protocol.Error
		if errors.As(err, &refused) && refused.Kind == protocol.Conflict {
			return &protocol.ErasureRefusal{Recording: r.ID, Code: refused.Code, Detail: refused.Detail}, nil
		}
		return nil, err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// forget takes the subject out of a booking, and counts that in the same write.
func (e *errand) forget(ctx context.Context, b protocol.Booking, erased int) error {
	sideA, sideB := e.job.sides(b)
	if !(sideA && b.PartyA.Known()) && !(sideB && b.PartyB.Known()) {
		return nil // it was, by an erasure before this one
	}
	was := e.job
	e.job.Bookings++
	e.job.Recordings += erased
	err := e.commit(ctx, journal.Change{Forget: []journal.Forgetting{{ID: b.ID, A: sideA, B: sideB}}})
	if err != nil {
		e.job = was
	}
	return err
}

// retryWait is how long a change waits for room in the journal.
const retryWait = 200 * time.Millisecond

// commit writes a change together with the row of the job, and waits for it.
func (e *errand) commit(ctx context.Context, change journal.Change) error {
	change.Partition, change.Erasures, change.Patient = e.config.Partition, []protocol.ErasureRow{e.job.Row()}, true
	for {
		done := make(chan error, 1)
		err := e.config.Journal.Append(change, func(err error) { done <- err })
		if err == nil {
			err = <-done
		}
		switch {
		case err == nil:
			return nil
		case !errors.Is(err, journal.ErrBusy):
			return errors.Join(errHalted, err)
		}
		select {
		case <-time.After(retryWait):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
