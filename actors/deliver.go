package actors

import (
	"context"
	"errors"
	"time"

	"maskswitch/actors/call"
	"maskswitch/actors/journal"
	"maskswitch/actors/pool"
	"maskswitch/actors/protocol"
)

// Deliver takes one event of the carrier's to the actor that decides, and
// returns when its effect is on disk. read is when the webhook was read. An
// error means that the event must come again.
//
// A ring goes by its number. Everything else goes to the call of its session;
// if there is none, the store is asked whether there was.
func (s *Switch) Deliver(ctx context.Context, ev protocol.LegEvent, read time.Time) (protocol.Receipt, error) {
	p, leave, err := s.enter()
	if err != nil {
		return protocol.ReceiptOverloaded, err
	}
	defer leave()
	if text, isText := ev.(protocol.LegTranscribed); isText {
		return s.transcribed(ctx, p, text)
	}
	ring, isRing := ev.(protocol.LegRang)
	receipt, err := s.pass(ctx, p, protocol.Delivery{Event: ev, Read: read}, isRing && ring.Incoming)
	switch {
	case errors.Is(err, call.ErrForeignLeg):
		return protocol.ReceiptUnknownCall, nil
	case err == nil && receipt == protocol.ReceiptUnknownCall:
		return s.unknown(ctx, p, ev, read)
	}
	return receipt, err
}

// pass hands a delivery in, by the pool or straight to the calls, and waits.
func (s *Switch) pass(ctx context.Context, p *pool.Partition, d protocol.Delivery, byPool bool) (protocol.Receipt, error) {
	return s.wait(ctx, func(done func(protocol.Receipt, error)) {
		d.Done = done
		if byPool {
			s.system.Root.Send(p.Pool, d)
		} else {
			s.system.Root.Send(p.Call(d.Event.Facts().Session), d)
		}
	})
}

// wait has an event handed over, and waits until it is on disk or refused.
func (s *Switch) wait(ctx context.Context, hand func(done func(protocol.Receipt, error))) (protocol.Receipt, error) {
	type answer struct {
		receipt protocol.Receipt
		err     error
	}
	answers := make(chan answer, 1)
	hand(func(r protocol.Receipt, err error) { answers <- answer{r, err} })
	select {
	case a := <-answers:
		if a.err != nil {
			return protocol.ReceiptOverloaded, journal.Refusal(a.err)
		}
		return a.receipt, nil
	case <-ctx.Done():
		return protocol.ReceiptOverloaded, &protocol.Error{Kind: protocol.Unavailable, Code: "timeout", Detail: "the event was not written in time; send it again", Err: ctx.Err()}
	}
}

// unknown judges an event of a session that no call in memory has. It may be
// very late, or come before the ring that should have come first; a recording is
// kept in any case.
func (s *Switch) unknown(ctx context.Context, p *pool.Partition, ev protocol.LegEvent, read time.Time) (protocol.Receipt, error) {
	about := ev.Facts()
	row, err := s.journal.CallOfSession(ctx, about.Session)
	if err != nil && !errors.Is(err, journal.ErrNone) {
		return protocol.ReceiptOverloaded, journal.Refusal(err)
	}
	known := err == nil
	recorded, isRecording := ev.(protocol.LegRecorded)
	_, isHangup := ev.(protocol.LegHungUp)
	switch {
	case known && row.State != "":
		return protocol.ReceiptOverloaded, protocol.Errorf(protocol.Unavailable, "recovering", "the call of this event is being built again; send it again")
	case known && isRecording:
		return s.keepRecording(ctx, p, recorded, row, known)
	case known:
		return protocol.ReceiptDuplicate, nil
	case about.Tag.Known():
		// A process has died with the call in its memory: all its events come
		// again, in any order.
		receipt, err := s.pass(ctx, p, protocol.Delivery{Event: ev, Read: read, Early: true}, false)
		if err == nil && receipt == protocol.ReceiptUnknownCall && isRecording {
			// The others have begun the call since the store was asked, and ended
			// it. That is on disk now, so the store knows whose recording this is.
			return s.unknown(ctx, p, ev, read)
		}
		return receipt, err
	case isRecording:
		return s.keepRecording(ctx, p, recorded, row, known)
	case isHangup:
		return s.pass(ctx, p, protocol.Delivery{Event: ev, Read: read, Early: true}, true)
	}
	return protocol.ReceiptUnknownCall, nil
}

// transcribed hands a transcript to the queue of recordings: no call depends on
// it.
func (s *Switch) transcribed(ctx context.Context, p *pool.Partition, ev protocol.LegTranscribed) (protocol.Receipt, error) {
	if p.Recordings == nil {
		return protocol.ReceiptUnknownCall, nil
	}
	return s.wait(ctx, func(done func(protocol.Receipt, error)) {
		s.system.Root.Send(p.Recordings, protocol.Transcribed{Event: ev, Done: done})
	})
}

// keepRecording writes down a recording whose call is over or not known, and
// tells the queue.
func (s *Switch) keepRecording(ctx context.Context, p *pool.Partition, ev protocol.LegRecorded, of protocol.Call, known bool) (protocol.Receipt, error) {
	row := protocol.SavedRecording(ev)
	if known {
		row.Call, row.Booking, row.Partition, row.Caller = of.ID, of.Booking, of.Partition, of.Caller
		if b, err := s.journal.Booking(ctx, of.Booking); err == nil && b.Terms.Summary && s.config.Calls.Summaries {
			row.Summary = protocol.SummaryWaiting
		} else if err == nil && !b.PartyA.Known() && !b.PartyB.Known() {
			row.Status, row.Why = protocol.RecordingErasing, "its booking was erased before it came"
		}
	}
	_, err := s.journal.Recording(ctx, row.ID)
	switch {
	case err == nil:
		return protocol.ReceiptDuplicate, nil
	case !errors.Is(err, journal.ErrNone):
		return protocol.ReceiptOverloaded, journal.Refusal(err)
	}
	return s.wait(ctx, func(done func(protocol.Receipt, error)) {
		change := journal.Change{Partition: row.Partition, Recordings: []protocol.Recording{row}, Patient: true}
		written := func(err error) {
			if err == nil && p.Recordings != nil {
				s.system.Root.Send(p.Recordings, protocol.FetchRecording{Row: row, Link: ev.Link, Since: ev.At})
			}
			done(protocol.ReceiptAccepted, err)
		}
		if err := s.journal.Append(change, written); err != nil {
			done(protocol.ReceiptOverloaded, err)
		}
	})
}
