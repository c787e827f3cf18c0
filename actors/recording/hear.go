package recording

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"maskswitch/actors/journal"
	"maskswitch/actors/protocol"
)

// hearing is what becomes of a transcript.
type hearing uint8

const (
	hearStranger hearing = iota // it is of no call of ours, or of what is erased: it is not kept
	hearKnown                   // it is there already
	hearRow                     // it goes to a recording
	hearSession                 // it is kept until it is known of which
)

// heard says where a transcript belongs.
type heard struct {
	asked   *asked
	receipt *protocol.Receipt // what Done is told
	fate    hearing
	text    protocol.RecordingText
	err     error
}

// LogValue keeps a dead letter's log line free of what was said.
func (m heard) LogValue() slog.Value { return slog.StringValue("a transcript") }

// hear finds out where a transcript belongs.
func (d *Desk) hear(c actor.Context, m protocol.Transcribed) {
	receipt := protocol.ReceiptAccepted
	q := &asked{done: func(_ protocol.Recording, err error) { m.Done(receipt, err) }}
	d.hearing[q] = true
	self, root, ctx, store := c.Self(), c.ActorSystem().Root, d.ctx, d.config.Store
	d.config.Schedule(func() {
		text, fate, err := place(ctx, store, m.Event)
		if ctx.Err() == nil {
			root.Send(self, heard{q, &receipt, fate, text, err})
		}
	})
}

func (d *Desk) heard(c actor.Context, m heard) {
	q := m.asked
	if d.stopping {
		return
	}
	delete(d.hearing, q)
	switch {
	case m.err != nil:
		q.answer(protocol.Recording{}, journal.Refusal(m.err))
	case m.fate == hearStranger:
		*m.receipt = protocol.ReceiptUnknownCall
		q.answer(protocol.Recording{}, nil)
	case m.fate == hearKnown:
		*m.receipt = protocol.ReceiptDuplicate
		q.answer(protocol.Recording{}, nil)
	case m.fate == hearRow:
		policy := d.config.policy()
		q.id = m.text.Recording
		q.step = func(r protocol.Recording, now time.Time) (Decision, error) {
			return policy.Step(r, Transcribed{m.text}, now), nil
		}
		d.pass(c, q)
	case strings.TrimSpace(m.text.Text) == "":
		q.answer(protocol.Recording{}, nil)
	default:
		done := func(err error) { q.answer(protocol.Recording{}, journal.Refusal(err)) }
		change := journal.Change{Partition: d.config.Partition, Texts: []protocol.RecordingText{m.text}, Patient: true}
		if err := d.config.Journal.Append(change, done); err != nil {
			done(err)
		}
	}
}

// place finds the recording that a transcript is of: by its id, or by its session
// if that leaves no doubt.
func place(ctx context.Context, store Store, ev protocol.LegTranscribed) (protocol.RecordingText, hearing, error) {
	text := protocol.RecordingText{
		Recording: ev.Recording, Session: ev.Session, Kind: protocol.TextTranscript, Text: ev.Text, MadeBy: ev.ID, At: ev.At,
	}
	fate, err := hearStranger, journal.ErrNone
	if ev.Recording != "" {
		_, err = store.Recording(ctx, ev.Recording)
	}
	switch {
	case err == nil:
		fate = hearRow
	case !errors.Is(err, journal.ErrNone):
		return text, fate, err
	default:
		of, err := store.CallOfSession(ctx, ev.Session)
		if errors.Is(err, journal.ErrNone) {
			return text, fate, nil
		}
		if err != nil {
			return text, fate, err
		}
		siblings, err := store.Recordings(ctx, of.ID)
		if err != nil {
			return text, fate, err
		}
		text.Recording, fate = guess(ev.Recording, siblings)
		if fate == hearStranger {
			return text, fate, nil
		}
	}
	is, err := store.Text(ctx, text.Recording, text.Session, text.Kind)
	switch {
	case errors.Is(err, journal.ErrNone):
		return text, fate, nil
	case err == nil && (is.MadeBy == text.MadeBy || is.Recording == text.Recording):
		return text, hearKnown, nil
	}
	return text, fate, err
}

// guess says which of a call's recordings a transcript is of whose own has no
// row, or that names none.
func guess(id protocol.RecordingID, siblings []protocol.Recording) (protocol.RecordingID, hearing) {
	var there, fit []protocol.RecordingID
	gone := false
	for _, s := range siblings {
		switch s.Status {
		case protocol.RecordingReplaced:
			continue
		case protocol.RecordingErasing, protocol.RecordingErased:
			gone = true
			continue
		}
		there = append(there, s.ID)
		// What a pending stand-in stands for gets another id.
		if s.ID.StandIn() && s.Status == protocol.RecordingArchived || !s.ID.StandIn() && id == "" {
			fit = append(fit, s.ID)
		}
	}
	switch {
	case gone && len(there) == 0:
		return id, hearStranger
	case len(there) == 1 && len(fit) == 1:
		return fit[0], hearRow
	}
	return id, hearSession
}
