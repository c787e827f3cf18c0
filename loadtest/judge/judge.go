package judge

import (
	"hash/maphash"
	"sync"
	"time"

	"maskswitch/actors/phone"
	"maskswitch/loadtest/carrier"
)

// Config sets a Register up. In its zero value nothing is to be recorded.
type Config struct {
	// Record: talked calls must be recorded, unless the booking says otherwise.
	Record bool
	// Consent is the sentence that both must have heard before they are recorded;
	// empty: none.
	Consent string
	// Archive: what was recorded must be in the switch's archive. Each recording
	// costs some kilobytes until the end.
	Archive bool
	// Lookup is how long after its end a recording is owed of which no event
	// was taken: so long the switch waits before it asks the carrier.
	Lookup time.Duration
	React  time.Duration // a command later than this after its event is a finding; 0: 2 s
	// Fuzz is how far the switch's idea of a booking's end may be from ours,
	// either way; 0: 2 s.
	Fuzz time.Duration
	// Speed is the carrier's: what people take is so many times faster than
	// their script says. 0: 1.
	Speed float64
	// Keep is how long an ended booking is remembered, so that its late callers
	// are known for what they are; 0: 5 minutes. Each costs some 400 bytes.
	Keep time.Duration
}

// Finding is one wrong behaviour. Numbers in it are masked.
type Finding struct {
	Kind    Kind
	Call    uint64 // as the carrier counts; 0: of no call
	Booking string
	At      time.Time
	Text    string // what had to happen, and what happened
	Ladder  string // the call as it went, for people
}

// Trouble is the spans of time in which the tester itself killed the switch or
// played an outage. What happened then, or shortly after, is excused.
type Trouble struct{ Down []Span }

// Span is a time; a zero To is not over yet.
type Span struct{ From, To time.Time }

// overlaps says whether something that lasted from a to b was touched by
// trouble; after says how long its effects last.
func (t Trouble) overlaps(a, b time.Time, after time.Duration) bool {
	for _, s := range t.Down {
		if !b.Before(s.From) && (s.To.IsZero() || !a.After(s.To.Add(after))) {
			return true
		}
	}
	return false
}

// Register knows the bookings, and judges calls by them.
type Register struct {
	cfg     Config
	now     func() time.Time
	seed    maphash.Seed
	byID    [shards]idShard
	byKey   [shards]keyShard
	pending [shards]pendingShard
	judged  legMemory
	archive archive
}

const shards = 64

// New makes an empty Register.
func New(cfg Config) *Register {
	set(&cfg.React, 2*time.Second)
	set(&cfg.Fuzz, 2*time.Second)
	set(&cfg.Keep, 5*time.Minute)
	set(&cfg.Speed, 1)
	r := &Register{cfg: cfg, now: time.Now, seed: maphash.MakeSeed()}
	for i := range shards {
		r.byID[i].bookings = map[string]*booking{}
		r.byKey[i].bookings = map[key][]*booking{}
		r.pending[i].bookings = map[phone.Number][]*booking{}
	}
	r.judged.seed = r.seed
	r.archive.owed = map[string]*owed{}
	return r
}

func set[T comparable](v *T, otherwise T) {
	var zero T
	if *v == zero {
		*v = otherwise
	}
}

// Strays judges commands for legs that the carrier does not know. Legs of calls
// that were judged in the last minutes are not strays: the carrier has
// forgotten them, the switch need not have.
func (r *Register) Strays(commands []carrier.Command) []Finding {
	var found []Finding
	for _, c := range commands {
		if !r.judged.knows(c.ControlID) {
			found = append(found, Finding{Kind: StrayCommand, At: c.At,
				Text: c.Action + " for a call control id that the carrier never gave out; send commands only to ids that came with an event"})
		}
	}
	return found
}

// legMemory remembers legs by hash, in two generations, so that it forgets by
// dropping a map.
type legMemory struct {
	seed     maphash.Seed
	mu       sync.Mutex
	now, old map[uint64]struct{}
	since    time.Time
}

// legLife is how long a generation lasts; a leg is known for one to two.
const legLife = 5 * time.Minute

func (m *legMemory) note(l *carrier.Ledger, at time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.now == nil || at.Sub(m.since) > legLife {
		m.old, m.now, m.since = m.now, make(map[uint64]struct{}, len(m.now)), at
	}
	for i := range l.Legs {
		m.now[maphash.String(m.seed, l.Legs[i].ControlID)] = struct{}{}
	}
}

func (m *legMemory) knows(control string) bool {
	h := maphash.String(m.seed, control)
	m.mu.Lock()
	defer m.mu.Unlock()
	_, now := m.now[h]
	_, old := m.old[h]
	return now || old
}
