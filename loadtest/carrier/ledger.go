package carrier

import (
	"encoding/json"
	"slices"
	"sync/atomic"
	"time"

	"maskswitch/actors/phone"
)

// Ledger is the truth about one call up to an instant. It is a copy: keep it,
// change it. Its instants are by this machine's clock, without the carrier's
// skew; a zero one has not come.
type Ledger struct {
	Number  uint64
	Session string
	Placed  time.Time    // when it was due
	Caller  phone.Number // who dialled; zero if withheld
	Proxy   phone.Number // what they dialled

	Legs        []Leg        // A first
	Events      []Event      // in the order they happened
	Commands    []Command    // in the order they arrived, look-ups of a leg among them
	Connections []Connection // each leg that was dialled, and who was told what
	Recordings  []Recording
	Leaks       []Leak
	Over        bool // as Call.Done
}

// Leg is one party's side.
type Leg struct {
	Name        string // A, B, and B2 for the second leg that was dialled
	ControlID   string
	LegID       string
	From, To    phone.Number
	ClientState string // base64, as it is now
	Answered    bool
	Alive       bool
}

// Event is one webhook.
type Event struct {
	ID          string // the "id" of every delivery
	Kind        string // "call.answered"
	Leg         string
	At          time.Time // when it happened
	ClientState string    // base64, as it was sent; empty for null
	Cause       string    // hangup cause, or the status of a speech's end
	Source      string    // hangup source
	Recording   string    // recording id
	Faulted     bool      // its Plan was not the zero one
	Deliveries  []Delivery
	Accepted    bool // at least one delivery was answered 2xx
	Refused     bool // at least one was answered so that it never comes again
	GivenUp     bool // at least one copy ran out of deliveries, or was dropped
}

// Delivery is one attempt to deliver one copy of an event.
type Delivery struct {
	Copy    int // from 1; more than one only for duplicates
	Attempt int // as in meta.attempt
	Due     time.Time
	Sent    time.Time     // later than Due when the senders are busy
	Took    time.Duration // until the answer
	Status  int           // 0: no answer
	Err     string
	Lost    bool // it never left: a fault
}

// Command is one request about a leg.
type Command struct {
	Leg       string // empty for a leg that never was
	ControlID string
	Action    string // "transfer"; "status" for the look-up of a leg
	ID        string // command_id
	Attempt   int    // counts requests with this action and id on the leg, from 1
	Body      json.RawMessage
	At        time.Time
	Took      time.Duration // until it was answered; 0 while it is held
	Status    int           // as answered; 0 while it is held, and if the connection was cut
	Code      string        // the error code, if refused
	Effective bool          // it did something
	Repeat    bool          // ignored, as the id had taken effect less than 60 s before
	Faulted   bool          // a fault or OnCommand refused, held or cut it
}

// Connection is what the two people of a dialled leg know of each other.
type Connection struct {
	Leg    string
	Caller phone.Number // zero if withheld
	Proxy  phone.Number // what the caller dialled
	Shown  phone.Number // the caller id that the callee saw
	Callee phone.Number
	Rang   time.Time
	Talked time.Time // zero: the callee did not pick up
	Ended  time.Time
}

// Recording is one file. SHA256 is of what its link serves, in hex.
type Recording struct {
	ID, Leg          string
	Call             uint64 // as Ledger.Number
	Session          string
	Format, Channels string
	Started, Ended   time.Time     // Ended is zero while it runs
	Paused           time.Duration // so much of it is not recorded
	Transcribed      bool          // it was asked for with a transcription
	Size             int64         // 0 until it is saved
	SHA256           string
	Failed           bool // it ends in call.recording.error
	Untold           bool // its saved event never comes
	Tries            int  // requests for the file by a good link
	Fetches          int  // of those: answered with the whole file
	Deleted          bool // by the switch
}

// Leak is a party's own number in a place where the other side, or a log of
// the carrier's, sees it.
type Leak struct {
	Leg    string
	Action string
	Member string // "/from_display_name"
	Number phone.Number
}

// Ledger copies what is known now.
func (k *Call) Ledger() Ledger {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.ledger()
}

func (k *Call) ledger() Ledger {
	l := Ledger{Number: k.number, Session: k.session, Placed: k.placed, Over: k.over(),
		Caller: number(k.from), Proxy: number(k.to), Leaks: slices.Clone(k.leaks)}
	if len(k.legs) > 0 {
		l.Legs = make([]Leg, 0, len(k.legs))
	}
	for _, g := range k.legs {
		leg := Leg{Name: g.name, ControlID: g.control, LegID: g.id, From: number(g.from), To: number(g.to),
			Answered: !g.answered.IsZero(), Alive: g.alive()}
		if g.state != nil {
			leg.ClientState = *g.state
		}
		l.Legs = append(l.Legs, leg)
	}
	attempts := 0
	for _, ev := range k.events {
		attempts += len(ev.Deliveries)
	}
	if len(k.events) > 0 {
		l.Events = make([]Event, len(k.events))
	}
	deliveries := make([]Delivery, 0, attempts) // one array for all: a run copies every ledger
	for i, ev := range k.events {
		from := len(deliveries)
		deliveries = append(deliveries, ev.Deliveries...)
		l.Events[i] = ev.Event
		l.Events[i].Deliveries = slices.Clip(deliveries[from:])
	}
	if len(k.commands) > 0 {
		l.Commands = make([]Command, len(k.commands))
	}
	for i, c := range k.commands {
		l.Commands[i] = *c
	}
	for _, c := range k.connections {
		l.Connections = append(l.Connections, *c)
	}
	for _, r := range k.recordings {
		l.Recordings = append(l.Recordings, r.seen())
	}
	return l
}

// event copies one event, for a hook.
func (k *Call) event(ev *event) Event {
	k.mu.Lock()
	defer k.mu.Unlock()
	return ev.Event
}

// Leaks are the places where a party's own number was sent to, or shown on,
// the other side.
func (k *Call) Leaks() []Leak { return k.Ledger().Leaks }

// Effects counts how often an action did something, over all legs.
func (l Ledger) Effects(action string) int {
	n := 0
	for _, c := range l.Commands {
		if c.Action == action && c.Effective {
			n++
		}
	}
	return n
}

// EffectsOn counts how often an action did something on one leg.
func (l Ledger) EffectsOn(leg, action string) int {
	n := 0
	for _, c := range l.Commands {
		if c.Leg == leg && c.Action == action && c.Effective {
			n++
		}
	}
	return n
}

// Event finds the first event of a kind on a leg.
func (l Ledger) Event(leg, kind string) (Event, bool) {
	i := slices.IndexFunc(l.Events, func(e Event) bool { return e.Leg == leg && e.Kind == kind })
	if i < 0 {
		return Event{}, false
	}
	return l.Events[i], true
}

// Alive are the names of the legs that live.
func (l Ledger) Alive() []string {
	var names []string
	for _, g := range l.Legs {
		if g.Alive {
			names = append(names, g.Name)
		}
	}
	return names
}

// Talked says whether the callee picked up at all.
func (l Ledger) Talked() bool {
	return slices.ContainsFunc(l.Connections, func(c Connection) bool { return !c.Talked.IsZero() })
}

// Totals counts over all calls since the start, forgotten ones among them.
type Totals struct {
	Calls, Done int64
	Deliveries  int64 // attempts that got an answer, or none in time
	Accepted    int64
	Redelivered int64 // attempts after the first
	Refused     int64 // answered 4xx, so that the event is lost
	GivenUp     int64 // copies that ran out of deliveries
	Commands    int64 // requests about legs
	Repeats     int64 // ignored, because their id had taken effect
	Leaks       int64
}

type totals struct {
	calls, done, deliveries, accepted, redelivered, refused, givenUp, commands, repeats, leaks atomic.Int64
}

// Totals reads the counters.
func (c *Carrier) Totals() Totals {
	t := &c.totals
	return Totals{Calls: t.calls.Load(), Done: t.done.Load(), Deliveries: t.deliveries.Load(), Accepted: t.accepted.Load(),
		Redelivered: t.redelivered.Load(), Refused: t.refused.Load(), GivenUp: t.givenUp.Load(),
		Commands: t.commands.Load(), Repeats: t.repeats.Load(), Leaks: t.leaks.Load()}
}

func (t *totals) count(d *Delivery) {
	if d.Lost {
		return
	}
	t.deliveries.Add(1)
	if d.Attempt > 1 {
		t.redelivered.Add(1)
	}
	switch {
	case d.Status/100 == 2:
		t.accepted.Add(1)
	case !retried(d.Status):
		t.refused.Add(1)
	}
}
