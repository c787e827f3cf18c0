package call

import (
	"context"
	"errors"
	"hash/maphash"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"go.uber.org/zap"

	"maskswitch/actors/journal"
	"maskswitch/actors/protocol"
)

// Shard is the parent of a share of the calls: it knows which session is which
// call's, remembers those that are over, and builds a call that failed again
// from its row. It does no I/O.
type Shard struct {
	config   *Config
	live     map[protocol.SessionID]*actor.PID
	ending   map[string]struct{} // by PID: told to stop, and not gone yet
	waiting  map[protocol.SessionID][]any
	rebuilds map[protocol.SessionID]int
	ended    sessions
	stopping bool
}

// rebuildMost is how often a call is built again before it is given up.
const rebuildMost = 3

// NewShard makes one.
func NewShard(c *Config) *Shard {
	return &Shard{
		config:   c,
		live:     make(map[protocol.SessionID]*actor.PID),
		ending:   make(map[string]struct{}),
		waiting:  make(map[protocol.SessionID][]any),
		rebuilds: make(map[protocol.SessionID]int),
		ended:    sessions{known: make(map[uint64]struct{}), keep: c.EndedMemory},
	}
}

// rebuilt is a row read for a call whose actor failed.
type rebuilt struct {
	session protocol.SessionID
	row     protocol.Call
	err     error
}

// Receive handles one message.
func (s *Shard) Receive(c actor.Context) {
	switch m := c.Message().(type) {
	case *actor.Stopping, *actor.Restarting:
		s.stopping = true
	case protocol.Delivery:
		s.deliver(c, m)
	case protocol.RestoreCall:
		s.spawn(c, m.Call.Session, m)
	case protocol.BookingOver:
		s.bookingOver(c, m)
	case protocol.PauseCall:
		s.pause(c, m)
	case protocol.RememberEnded:
		s.ended.add(m.Session, time.Now())
	case over:
		s.over(c, m)
	case *actor.Terminated:
		s.failed(c, m.Who)
	case rebuilt:
		s.rebuild(c, m)
	}
}

// deliver hands an event to its call. An incoming ring begins one, since it has
// come by way of its number; so does an event that the door has found to be
// early. Any other event of a session that is not here is the door's to judge.
func (s *Shard) deliver(c actor.Context, d protocol.Delivery) {
	session := d.Event.Facts().Session
	if queue, ok := s.waiting[session]; ok {
		s.waiting[session] = append(queue, d)
		return
	}
	if pid, ok := s.live[session]; ok {
		c.Send(pid, d)
		return
	}
	ring, isRing := d.Event.(protocol.LegRang)
	_, isRecording := d.Event.(protocol.LegRecorded)
	switch {
	case s.ended.has(session) && isRecording:
		s.settled(d, protocol.ReceiptUnknownCall) // the door keeps it
	case s.ended.has(session):
		s.settled(d, protocol.ReceiptDuplicate)
	case isRing && ring.Incoming && s.config.Most.reached():
		d.Done(protocol.ReceiptOverloaded, protocol.Errorf(protocol.Unavailable, "too_many_calls",
			"as many calls are in progress as MAX_CALLS allows (%d); send it again", s.config.Most.most))
	case isRing && ring.Incoming, d.Early:
		s.spawn(c, session, d)
	default:
		d.Done(protocol.ReceiptUnknownCall, nil)
	}
}

// bookingOver tells a call that is here, or is being built again. One that is
// neither is over.
func (s *Shard) bookingOver(c actor.Context, m protocol.BookingOver) {
	if queue, ok := s.waiting[m.Session]; ok {
		s.waiting[m.Session] = append(queue, m)
	} else if pid, ok := s.live[m.Session]; ok {
		c.Send(pid, m)
	}
}

// pause hands on what is asked of the recording of a call.
func (s *Shard) pause(c actor.Context, m protocol.PauseCall) {
	if queue, ok := s.waiting[m.Session]; ok {
		s.waiting[m.Session] = append(queue, m)
	} else if pid, ok := s.live[m.Session]; ok {
		c.Send(pid, m)
	} else {
		m.Done(protocol.RecordingSwitch{}, notLive())
	}
}

// settled answers for a call that is over, once its end is on disk.
func (s *Shard) settled(d protocol.Delivery, receipt protocol.Receipt) {
	err := s.config.Journal.Append(journal.Change{Patient: true}, func(err error) { d.Done(receipt, err) })
	if err != nil {
		d.Done(protocol.ReceiptOverloaded, err)
	}
}

func (s *Shard) spawn(c actor.Context, session protocol.SessionID, first any) {
	pid := c.Spawn(s.config.Child)
	s.live[session] = pid
	c.Send(pid, first)
}

// over stops a call's actor, after what was passed to it already. One that came
// to nothing is not remembered: its first event comes again.
func (s *Shard) over(c actor.Context, m over) {
	if pid, ok := s.live[m.session]; ok && pid.Equal(m.who) {
		delete(s.live, m.session)
		delete(s.rebuilds, m.session)
		s.ending[pid.Id] = struct{}{}
		c.Poison(pid)
	}
	if !m.void {
		s.ended.add(m.session, time.Now())
	}
}

// failed has the call of a child that died read again, after a barrier: its row
// may still be on its way to the disk.
func (s *Shard) failed(c actor.Context, who *actor.PID) {
	if _, ok := s.ending[who.Id]; ok || s.stopping {
		delete(s.ending, who.Id)
		return
	}
	for session, pid := range s.live {
		if !pid.Equal(who) {
			continue
		}
		delete(s.live, session)
		s.waiting[session] = nil
		self, root, store := c.Self(), c.ActorSystem().Root, s.config.Store
		read := func(err error) {
			var row protocol.Call
			if err == nil {
				row, err = store.CallOfSession(context.Background(), session)
			}
			root.Send(self, rebuilt{session, row, err})
		}
		if err := s.config.Journal.Append(journal.Change{}, func(err error) { go read(err) }); err != nil {
			read(err)
		}
		return
	}
}

func (s *Shard) rebuild(c actor.Context, m rebuilt) {
	queue := s.waiting[m.session]
	delete(s.waiting, m.session)
	if s.stopping {
		return
	}
	switch {
	case errors.Is(m.err, journal.ErrNone):
		// Nothing was promised: the carrier delivers its event again.
	case m.err != nil:
		panic(m.err) // the store cannot be read: the partition starts over
	case m.row.State == "":
		s.ended.add(m.session, time.Now())
	case s.rebuilds[m.session] >= rebuildMost:
		s.abandon(c, m.row)
	default:
		s.rebuilds[m.session]++
		s.spawn(c, m.session, protocol.RestoreCall{Call: m.row})
	}
	for _, waiting := range queue {
		c.Send(c.Self(), waiting)
	}
}

// abandon ends a call that cannot be run: two people on a line that nobody
// watches are worse off than two who have to call again.
func (s *Shard) abandon(c actor.Context, row protocol.Call) {
	s.config.Log.Error("call given up: its actor failed too often; both legs are hung up",
		zap.Stringer("call", row.ID), zap.Stringer("booking", row.Booking))
	call, err := Restore(row, s.config.Settings)
	now := time.Now()
	var fx Effects
	if err == nil {
		fx = call.abandon(now)
		for _, cmd := range fx.Commands {
			s.config.Outbox.Put(context.Background(), c.ActorSystem().Root, nil, row.ID, time.Time{}, cmd)
		}
	}
	row.Stage, row.Outcome, row.State = StageClosed.String(), protocol.OutcomeFailed, ""
	row.EndAt = now
	if err := s.config.Journal.Append(journal.Change{Partition: row.Partition, Calls: []protocol.Call{row}, Story: fx.Lines}, nil); err != nil {
		panic(err)
	}
	if call.Report && call.Stage < StageOver || err != nil { // who cannot be asked may have had to report
		c.Send(s.config.Bookings(row.Booking), protocol.CallOver{Booking: row.Booking, Session: row.Session, At: row.EndAt})
	}
	s.config.Observer.CallEnded(row, true)
	delete(s.rebuilds, row.Session)
	s.ended.add(row.Session, time.Now())
}

// sessions knows those that were over not long ago, eight bytes each: a
// delivery that comes after the end is then known as late, and answers nobody.
type sessions struct {
	known map[uint64]struct{}
	order []ending // from first on, by time
	first int
	keep  time.Duration
}

type ending struct {
	session uint64
	at      time.Time
}

var sessionSeed = maphash.MakeSeed()

func (m *sessions) add(s protocol.SessionID, now time.Time) {
	for m.first < len(m.order) && now.Sub(m.order[m.first].at) > m.keep {
		delete(m.known, m.order[m.first].session)
		m.first++
	}
	if m.first > len(m.order)/2 {
		m.order = append(m.order[:0], m.order[m.first:]...)
		m.first = 0
	}
	sum := maphash.String(sessionSeed, string(s))
	if _, ok := m.known[sum]; !ok {
		m.known[sum] = struct{}{}
		m.order = append(m.order, ending{sum, now})
	}
}

func (m *sessions) has(s protocol.SessionID) bool {
	_, ok := m.known[maphash.String(sessionSeed, string(s))]
	return ok
}
