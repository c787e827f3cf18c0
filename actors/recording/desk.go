package recording

import (
	"context"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"go.uber.org/zap"
	"golang.org/x/time/rate"

	"maskswitch/actors/journal"
	"maskswitch/actors/protocol"
)

// Desk is the queue of a partition, and the parent of the recordings at which
// something is being done. It knows the soonest of what is due, decides what
// begins and when, and does no I/O: rows are the truth, and each actor reads its
// own. One actor at most is at a recording, so nobody else writes its row.
//
// A link that works goes first, for it spares the carrier a question and dies
// after ten minutes. But each fourth download is that of whoever has waited the
// longest, so that a crowd of new recordings cannot starve the others.
type Desk struct {
	config  *Config
	pace    *rate.Limiter // of all downloads together; nil: none
	open    bool          // what an earlier life wrote can be read
	early   []any         // came before that
	lanes   *lanes
	brake   brake
	live    map[protocol.RecordingID]*child
	who     map[string]protocol.RecordingID // by PID
	unsure  map[protocol.RecordingID]bool   // an actor died, and perhaps a write is on its way
	running [acts]int
	young   *child // the download that was begun last
	links   map[protocol.RecordingID]link
	fresh   []protocol.RecordingID // those of links, as they came
	turn    int                    // downloads begun
	place   protocol.RecordingDue  // how far the store has been walked through
	reading bool
	hearing map[*asked]bool // transcripts whose recording is being looked for
	ctx     context.Context
	cancel  context.CancelFunc
	timer   *time.Timer
	ticker  *time.Timer
	sweeper *time.Timer

	stopping bool
	drained  chan struct{} // closed when all that came before the end is answered
}

// child is a recording at which something is being done.
type child struct {
	id    protocol.RecordingID
	pid   *actor.PID
	act   Act
	since time.Time // its beginning
	acts  bool      // it has one of the places of that act
	sent  int       // messages
	asked []*asked  // among them, answered or not
}

// NewDesk makes one.
func NewDesk(c *Config) *Desk {
	d := &Desk{
		config: c, lanes: newLanes(),
		live: make(map[protocol.RecordingID]*child), who: make(map[string]protocol.RecordingID),
		unsure: make(map[protocol.RecordingID]bool), links: make(map[protocol.RecordingID]link),
		hearing: make(map[*asked]bool), drained: make(chan struct{}),
	}
	if c.Bandwidth > 0 {
		d.pace = rate.NewLimiter(rate.Limit(c.Bandwidth), int(min(c.Bandwidth, mostAtOnce)))
	}
	return d
}

const (
	// startWait lets what an earlier life of the partition had under way notice
	// that it is over.
	startWait   = time.Second
	rebuildWait = 5 * time.Second // lest a recording fails in a circle
	lookEvery   = 15 * time.Second
	linksMost   = 2 * laneMost
	mostAtOnce  = 256 << 10 // bytes that bandwidth lets through in one go
	oldestEach  = 4         // downloads, one of which is the oldest's
)

// Messages of the desk to itself.
type (
	openUp  struct{}
	opened  struct{ err error }
	wake    struct{}
	lookNow struct{}
	sweep   struct{}
	last    struct{}
)

// Receive handles one message.
func (d *Desk) Receive(c actor.Context) {
	switch m := c.Message().(type) {
	case *actor.Started:
		d.start(c)
	case *actor.Stopping, *actor.Restarting:
		d.stop()
		c.Send(c.Self(), last{})
	case last:
		if d.stopping {
			close(d.drained)
		}
	case protocol.FetchRecording, protocol.HoldRecording, protocol.EraseRecording, protocol.Transcribed, *asked:
		d.outside(c, m)
	case openUp:
		d.openUp(c)
	case opened:
		d.opened(c, m.err)
	case *actor.Terminated:
		d.died(c, m.Who)
	case tried:
		d.learn(m)
	case over:
		d.over(c, m)
	case rows:
		d.rows(c, m)
	case heard:
		d.heard(c, m)
	case lookNow:
		d.look(c)
	case sweep:
		d.sweep(c)
	case wake:
		d.goOn(c)
	}
}

func (d *Desk) start(c actor.Context) {
	d.ctx, d.cancel = context.WithCancel(context.Background())
	d.timer = d.after(c, startWait, openUp{})
	c.Spawn(doorkeeper(d.drained))
}

// drainWait is more than a mailbox takes. That of a desk that has failed is not
// read any more.
const drainWait = time.Second

// doorkeeper keeps a desk that stops alive until it has answered what is in its
// mailbox: of an actor that is gone, messages are forgotten.
func doorkeeper(drained <-chan struct{}) *actor.Props {
	return actor.PropsFromFunc(func(c actor.Context) {
		if _, stopping := c.Message().(*actor.Stopping); !stopping {
			return
		}
		select {
		case <-drained:
		case <-time.After(drainWait):
		}
	})
}

// after sends the desk a message from itself, later.
func (d *Desk) after(c actor.Context, wait time.Duration, m any) *time.Timer {
	self, root := c.Self(), c.ActorSystem().Root
	return time.AfterFunc(wait, func() { root.Send(self, m) })
}

// openUp waits for whatever an earlier life has left to be written.
func (d *Desk) openUp(c actor.Context) {
	self, root := c.Self(), c.ActorSystem().Root
	tell := func(err error) { root.Send(self, opened{err}) }
	if err := d.config.Journal.Append(journal.Change{}, tell); err != nil {
		tell(err)
	}
}

func (d *Desk) opened(c actor.Context, err error) {
	switch {
	case d.stopping:
		return
	case err != nil:
		d.timer = d.after(c, startWait, openUp{})
		return
	}
	d.open = true
	for _, m := range d.early {
		d.outside(c, m)
	}
	d.early = nil
	d.look(c)
	if d.config.Retention > 0 {
		d.sweeper = d.after(c, sweepFirst, sweep{})
	}
}

// stop answers all who wait. What has been begun ends with the actors.
func (d *Desk) stop() {
	d.stopping = true
	d.cancel()
	for _, t := range []*time.Timer{d.timer, d.ticker, d.sweeper} {
		if t != nil {
			t.Stop()
		}
	}
	for _, m := range d.early {
		refuse(m)
	}
	for q := range d.hearing {
		q.answer(protocol.Recording{}, errStopping)
	}
	for _, one := range d.live {
		one.refuse(errStopping)
	}
	d.early, d.links, d.lanes = nil, nil, newLanes()
}

var errStopping = protocol.Errorf(protocol.Unavailable, "queue_stopping", "the queue of recordings is stopping; what was asked may have taken effect: repeat it")

func refuse(m any) {
	switch m := m.(type) {
	case protocol.HoldRecording:
		m.Done(protocol.Recording{}, errStopping)
	case protocol.EraseRecording:
		m.Done(protocol.Recording{}, errStopping)
	case protocol.Transcribed:
		m.Done(protocol.ReceiptOverloaded, errStopping)
	case *asked:
		m.answer(protocol.Recording{}, errStopping)
	}
}

func (k *child) refuse(err error) {
	for _, q := range k.asked {
		q.answer(protocol.Recording{}, err)
	}
}

// outside takes what others send.
func (d *Desk) outside(c actor.Context, m any) {
	switch {
	case d.stopping:
		refuse(m)
		return
	case !d.open:
		d.early = append(d.early, m)
		return
	}
	policy := d.config.policy()
	switch m := m.(type) {
	case protocol.FetchRecording:
		d.fetch(m)
	case protocol.HoldRecording:
		d.pass(c, &asked{id: m.ID, done: m.Done, step: func(r protocol.Recording, _ time.Time) (Decision, error) {
			return policy.Hold(r, m.Reason)
		}})
	case protocol.EraseRecording:
		d.pass(c, &asked{id: m.ID, done: m.Done, step: func(r protocol.Recording, now time.Time) (Decision, error) {
			return policy.Erase(r, m.Reason, now)
		}})
	case protocol.Transcribed:
		d.hear(c, m)
	case *asked:
		d.pass(c, m)
	}
	d.goOn(c)
}

// fetch notes a recording that is on disk as pending, or counts one that is lost
// before it was ever here.
func (d *Desk) fetch(m protocol.FetchRecording) {
	id := m.Row.ID
	if m.Row.Status == protocol.RecordingLost {
		d.config.observer().Lost()
		d.config.log().Error("a recording is lost", zap.String("recording", string(id)), zap.Stringer("call", m.Row.Call), zap.String("why", m.Row.Why))
		return
	}
	if m.Link != "" && len(d.links) < linksMost {
		if _, there := d.links[id]; !there {
			d.fresh = append(d.fresh, id)
		}
		d.links[id] = link{m.Link, m.Since}
	}
	if d.live[id] == nil {
		d.lanes.put(ActFetch, protocol.RecordingDue{At: m.Row.NextTryAt, ID: id})
	}
}

// pass hands what is asked to the actor of its recording.
func (d *Desk) pass(c actor.Context, q *asked) {
	one := d.live[q.id]
	if one == nil {
		one = d.spawn(c, q.id, ActNothing, false)
	}
	one.asked = append(one.asked, q)
	one.sent++
	c.Send(one.pid, q)
}

func (d *Desk) spawn(c actor.Context, id protocol.RecordingID, act Act, acts bool) *child {
	one := &child{id: id, pid: c.Spawn(d.config.Child), act: act, acts: acts, since: time.Now(), sent: 1}
	d.live[id], d.who[one.pid.Id] = one, id
	d.lanes.drop(id)
	if acts {
		d.running[act]++
		if act == ActFetch {
			d.young = one
		}
	}
	c.Send(one.pid, begin{id: id, act: act, may: acts, link: d.links[id], pace: d.pace, settled: !d.unsure[id]})
	return one
}

// over lets a recording go at which nothing is being done, unless something has
// been asked of it in the meantime.
func (d *Desk) over(c actor.Context, m over) {
	one := d.live[m.id]
	if d.stopping || one == nil || !one.pid.Equal(m.who) {
		return
	}
	now := time.Now()
	for _, r := range m.fresh {
		if d.live[r.ID] == nil && !d.lanes.knows(r.ID) {
			d.lanes.put(d.config.policy().Due(r), protocol.RecordingDue{At: r.NextTryAt, ID: r.ID})
		}
	}
	if m.seen == one.sent {
		d.forget(one)
		c.Stop(one.pid)
		switch {
		case m.failed:
			d.unsure[m.id] = true
			d.lanes.put(one.act, protocol.RecordingDue{At: now.Add(rebuildWait), ID: m.id})
		default:
			delete(d.unsure, m.id)
			if m.act != ActFetch {
				delete(d.links, m.id)
			}
			if !m.row.NextTryAt.IsZero() {
				d.lanes.put(m.act, protocol.RecordingDue{At: m.row.NextTryAt, ID: m.id})
			}
		}
	}
	d.goOn(c)
}

func (d *Desk) forget(one *child) {
	delete(d.live, one.id)
	delete(d.who, one.pid.Id)
	if one.acts {
		d.running[one.act]--
	}
}

// learn takes from one try what holds for others.
func (d *Desk) learn(m tried) {
	switch changed := d.brake.note(m, time.Now()); {
	case changed && d.brake.on():
		d.config.log().Error("the archive does not work; recordings wait at the carrier", zap.Stringer("trouble", m.err.Trouble), zap.Error(m.err))
	case changed:
		d.config.log().Info("the archive works again")
	}
}

// died has the row of a recording read again whose actor failed, after what may
// still be on its way to the disk.
func (d *Desk) died(c actor.Context, who *actor.PID) {
	one := d.live[d.who[who.Id]]
	if d.stopping || one == nil {
		return
	}
	d.forget(one)
	one.refuse(protocol.Errorf(protocol.Unavailable, "recording_recovering", "the recording is being read again from the store; try again"))
	d.unsure[one.id] = true
	d.lanes.put(one.act, protocol.RecordingDue{At: time.Now().Add(rebuildWait), ID: one.id})
	d.goOn(c)
}
