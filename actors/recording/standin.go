package recording

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"maskswitch/actors/protocol"
)

// realIDs is how the carrier calls a recording.
func (e errand) realIDs(ctx context.Context) ([]protocol.RecordingID, *protocol.RecordingError) {
	if !e.row.ID.StandIn() {
		return []protocol.RecordingID{e.row.ID}, nil
	}
	found, trouble := e.search(ctx)
	var ids []protocol.RecordingID
	for _, f := range found {
		ids = append(ids, f.ID)
	}
	return ids, trouble
}

// search asks the carrier which recordings a stand-in stands for.
func (e errand) search(ctx context.Context) ([]protocol.CarrierRecording, *protocol.RecordingError) {
	q := protocol.RecordingSearch{LegUUID: e.row.LegUUID}
	if q.LegUUID == "" || e.row.ID.Expected() {
		q = protocol.RecordingSearch{Session: e.row.Session}
	}
	if q == (protocol.RecordingSearch{}) {
		return nil, nil // nothing names it
	}
	listed, err := e.config.Carrier.FindRecordings(ctx, q)
	if err != nil {
		return nil, carrierTrouble(err)
	}
	var found []protocol.CarrierRecording
	for _, f := range listed {
		if e.row.ID.Expected() || same(e.row, f.LegUUID, f.StartedAt) {
			found = append(found, f)
		}
	}
	return found, nil
}

// startsApart is how far two reports of one beginning may differ.
const startsApart = 2 * time.Second

// same says whether a row is of the recording that began on a leg at an instant.
func same(r protocol.Recording, legUUID string, startedAt time.Time) bool {
	if r.LegUUID != "" && legUUID != "" && r.LegUUID != legUUID {
		return false
	}
	return r.StartedAt.Sub(startedAt).Abs() <= startsApart
}

// resolve finds the recordings that a stand-in stands for; false if there are
// none yet. Those that have rows already, or are in the archive by the name of
// another stand-in, are told what was promised of this one.
func (e errand) resolve(ctx context.Context) (Resolved, bool, *protocol.RecordingError) {
	siblings, known, trouble := e.siblings(ctx)
	if trouble != nil {
		return Resolved{}, false, trouble
	}
	var fresh []protocol.CarrierRecording
	if len(known) == 0 || e.row.ID.Expected() {
		listed, trouble := e.search(ctx)
		if trouble != nil {
			return Resolved{}, false, trouble
		}
		for _, f := range listed {
			if id, there := home(siblings, e.row.ID, f); there {
				known = append(known, id)
				continue
			}
			fresh = append(fresh, f)
			known = append(known, f.ID)
		}
	}
	if trouble := e.inherit(ctx, known); trouble != nil {
		return Resolved{}, false, trouble
	}
	return Resolved{fresh}, len(known) > 0, nil
}

// siblings are the recordings of the same call, and which of them a stand-in
// stands for.
func (e errand) siblings(ctx context.Context) (all []protocol.Recording, known []protocol.RecordingID, _ *protocol.RecordingError) {
	if e.row.Call == (protocol.CallID{}) {
		return nil, nil, nil
	}
	all, err := e.config.Store.Recordings(ctx, e.row.Call)
	if err != nil {
		return nil, nil, storeTrouble(err)
	}
	for _, s := range all {
		if s.ID != e.row.ID && s.Status != protocol.RecordingReplaced && e.standsFor(s) {
			known = append(known, s.ID)
		}
	}
	return all, known, nil
}

// standsFor says whether a stand-in stands for what another row is of.
func (e errand) standsFor(s protocol.Recording) bool {
	if e.row.ID.Expected() {
		return !s.ID.Expected()
	}
	return !s.ID.StandIn() && same(e.row, s.LegUUID, s.StartedAt)
}

// inherit has recordings held or erased as was promised of their stand-in. Those
// without a row get one that says so.
func (e errand) inherit(ctx context.Context, ids []protocol.RecordingID) *protocol.RecordingError {
	policy := e.config.policy()
	step := func(r protocol.Recording, now time.Time) (Decision, error) {
		if e.row.Status == protocol.RecordingErasing {
			return policy.Erase(r, reason(e.row.Why), now)
		}
		return policy.Hold(r, cmp.Or(r.Hold, e.row.Hold))
	}
	if e.row.Status != protocol.RecordingErasing && e.row.Hold == "" {
		return nil
	}
	for _, id := range ids {
		answers := make(chan error, 1)
		e.ask(&asked{id: id, step: step, done: func(_ protocol.Recording, err error) { answers <- err }})
		select {
		case err := <-answers:
			if err != nil && protocol.KindOf(err) != protocol.NotFound {
				return &protocol.RecordingError{Trouble: protocol.TroubleLater, Detail: fmt.Sprintf("what was promised of it does not go for recording %s: %v", id, err)}
			}
		case <-ctx.Done():
			return &protocol.RecordingError{Trouble: protocol.TroubleLater, Detail: "the queue has not answered"}
		}
	}
	return nil
}

// home says by the name of which other stand-in a recording is in the archive,
// or was. One that is still on its way is found by its own stand-in, and not by
// that of the whole call.
func home(siblings []protocol.Recording, but protocol.RecordingID, f protocol.CarrierRecording) (protocol.RecordingID, bool) {
	for _, s := range siblings {
		if s.ID == but || !s.ID.StandIn() || s.ID.Expected() || !same(s, f.LegUUID, f.StartedAt) {
			continue
		}
		switch s.Status {
		case protocol.RecordingArchived, protocol.RecordingErasing, protocol.RecordingErased:
			return s.ID, true
		case protocol.RecordingPending:
			if but.Expected() {
				return s.ID, true
			}
		}
	}
	return "", false
}
