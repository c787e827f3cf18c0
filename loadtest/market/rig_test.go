package market

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"maskswitch/loadtest/pace"
	"maskswitch/loadtest/party"
)

// steady is a marketplace in which everything happens.
func steady() Config {
	return Config{
		Hosts: 400, Guests: 4000, HostSkew: .8, GuestSkew: .2, Live: 600,
		Opens:  []pace.Stage{{For: 10 * time.Minute, From: 4, To: 4}},
		Lasts:  party.Range{Min: 30 * time.Second, Max: 5 * time.Minute},
		Closed: .5, Extended: .2, Shortened: .2, Repeated: .1, Read: .3,
		Pairs: .3, Cuts: .4, Grace: party.Range{Max: 5 * time.Second}, Idle: .2, IdleAfter: party.Range{Min: 10 * time.Second, Max: time.Minute},
		Regional: .5, Regions: []string{"CA", "US-312"},
		Unrecorded: .2, Wav: .1, Mono: .3, Summaries: .4,
		FromHost: .4, Strangers: .05, Withheld: .03, Late: .04, Twins: .06, Redials: .4,
		RedialAfter: party.Range{Min: 2 * time.Second, Max: 8 * time.Second}, Mix: party.Everyday(),
	}
}

func calls(rate float64, length time.Duration) []pace.Stage {
	return []pace.Stage{{For: length, From: rate, To: rate}}
}

func newMarket(t fatal, cfg Config, stages []pace.Stage, seed uint64) *Market {
	t.Helper()
	m, err := New(cfg, pace.New(stages, pace.Poisson, seed), seed)
	if err != nil {
		t.Fatalf("%+v: %v", cfg, err)
	}
	return m
}

// fatal is what testing and rapid have in common.
type fatal interface {
	Helper()
	Fatalf(format string, args ...any)
	Errorf(format string, args ...any)
}

// text tells a stream apart from another one.
func text(m *Market, most int) string {
	var b strings.Builder
	for _, k := range m.WarmUp() {
		fmt.Fprintf(&b, "%+v\n", *k)
	}
	for range most {
		op, ok := m.Next()
		if !ok {
			break
		}
		fmt.Fprintf(&b, "%v %v", op.At, op.Kind)
		if op.Booking != nil {
			fmt.Fprintf(&b, " %+v", *op.Booking)
		}
		if op.Call != nil {
			fmt.Fprintf(&b, " %+v", *op.Call)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// naive is the same marketplace with nothing clever in it: it knows every
// booking, and looks at all of them whenever it is asked.
type naive struct {
	fatal
	cfg      Config
	end      time.Duration
	due      []time.Duration // of the calls
	bookings []*seen
	by       map[*Booking]*seen

	last     time.Duration
	dialled  []Op
	waiting  map[string][]time.Duration // who may dial again, since when
	outcomes map[string]int
}

type seen struct {
	*Booking
	warm bool
	ops  []Op
}

func newNaive(t fatal, m *Market, stages []pace.Stage, seed uint64) *naive {
	n := &naive{fatal: t, cfg: m.cfg, end: m.end, by: map[*Booking]*seen{}, waiting: map[string][]time.Duration{}, outcomes: map[string]int{}}
	p := pace.New(stages, pace.Poisson, seed)
	for at, ok := p.Next(); ok; at, ok = p.Next() {
		n.due = append(n.due, at)
	}
	for _, b := range m.WarmUp() {
		if b.Opens != 0 {
			t.Fatalf("booking %d of the warm-up opens at %v", b.N, b.Opens)
		}
		n.meet(b, true)
	}
	if len(n.bookings) != n.cfg.Live {
		t.Fatalf("%d bookings are live, want %d", len(n.bookings), n.cfg.Live)
	}
	return n
}

func (n *naive) meet(b *Booking, warm bool) {
	s := &seen{Booking: b, warm: warm}
	n.bookings = append(n.bookings, s)
	n.by[b] = s
	switch {
	case b.N != len(n.bookings):
		n.Fatalf("booking %d is opened as the %dth", b.N, len(n.bookings))
	case b.Host == b.Guest, !strings.HasPrefix(b.Host, "+12"), !strings.HasPrefix(b.Guest, "+13"):
		n.Fatalf("host %s, guest %s", b.Host, b.Guest)
	case b.Lasts <= 0, b.Lasts+b.Extends <= 0, b.Ends <= b.Opens, b.Ends > b.Opens+b.Lasts+b.Extends:
		n.Fatalf("life of booking %+v", *b)
	case !b.Closed && b.Ends != b.Opens+b.Lasts+b.Extends:
		n.Fatalf("booking %+v expires at another time than was asked for", *b)
	case b.Summary && b.Recording == RecordOff:
		n.Fatalf("booking %+v wants a summary of what is not recorded", *b)
	case b.Grace != b.Grace.Truncate(time.Second), b.Grace > 0 && !b.Cut, b.Region != "" && !slices.Contains(n.cfg.Regions, b.Region):
		n.Fatalf("booking %+v has terms that nobody can ask for", *b)
	}
}

// callable is what may be dialled at an instant.
func (n *naive) callable(s *seen, at time.Duration) bool {
	return (s.warm || s.Opens+n.cfg.Settle <= at) && at < s.Ends-n.cfg.Settle
}

func (n *naive) live(at time.Duration) map[*Booking]bool {
	all := map[*Booking]bool{}
	for _, s := range n.bookings {
		if n.callable(s, at) {
			all[s.Booking] = true
		}
	}
	return all
}

// watch holds one operation against all that came before it.
func (n *naive) watch(m *Market, op Op) {
	if op.At < n.last || op.At > n.end {
		n.Fatalf("%v at %v, after %v and in a run of %v", op.Kind, op.At, n.last, n.end)
	}
	n.last = op.At
	if op.Kind == Dial {
		n.dial(m, op)
		return
	}
	if op.Call != nil || op.Booking == nil {
		n.Fatalf("%v with booking %v and call %v", op.Kind, op.Booking, op.Call)
	}
	if op.Kind == Open {
		if n.by[op.Booking] != nil || op.Booking.Opens != op.At {
			n.Fatalf("booking %+v is opened at %v", *op.Booking, op.At)
		}
		n.meet(op.Booking, false)
		return
	}
	s := n.by[op.Booking]
	if s == nil {
		n.Fatalf("%v of booking %d, which was never opened", op.Kind, op.Booking.N)
	}
	had := func(k Kind) bool { return slices.ContainsFunc(s.ops, func(o Op) bool { return o.Kind == k }) }
	switch {
	case had(op.Kind), had(Close):
		n.Fatalf("%v of booking %d after %v", op.Kind, s.N, s.ops)
	case op.Kind == Close && (op.At != s.Ends || !s.Closed), op.Kind != Close && op.At >= s.Ends:
		n.Fatalf("%v at %v of %+v", op.Kind, op.At, *s.Booking)
	case op.Kind == Repeat && (len(s.ops) > 0 || s.warm || op.At > s.Opens+200*time.Millisecond):
		n.Fatalf("repeat at %v of %+v after %v", op.At, *s.Booking, s.ops)
	case op.Kind == Extend && (s.Extends == 0 || op.At >= s.Opens+s.Lasts):
		n.Fatalf("extend at %v of %+v", op.At, *s.Booking)
	case op.Kind == Extend && s.Extends < 0 && s.Opens+s.Lasts+s.Extends-op.At < 2*n.cfg.Settle:
		n.Fatalf("at %v the end of %+v is brought forward, to %v", op.At, *s.Booking, s.Opens+s.Lasts+s.Extends)
	}
	s.ops = append(s.ops, op)
}

func (n *naive) dial(m *Market, op Op) {
	k := op.Call
	if k == nil || k.N != uint64(len(n.dialled)+1) {
		n.Fatalf("call %+v comes after %d", k, len(n.dialled))
	}
	// Each takes an instant of the pace; of twins the second one comes early.
	i := len(n.dialled)
	second := k.Twin && i > 0 && n.dialled[i-1].Call.Twin && n.dialled[i-1].Booking == op.Booking && n.outcomes["twin"]%2 == 1
	if i >= len(n.due) || second && op.At != n.due[i-1] || !second && op.At != n.due[i] {
		n.Fatalf("call %d is dialled at %v, out of %d by the pace", k.N, op.At, len(n.due))
	}
	if second && (op.At != n.dialled[i-1].At || k.Host == n.dialled[i-1].Call.Host || k.From == n.dialled[i-1].Call.From) {
		n.Fatalf("twins %+v and %+v", *n.dialled[i-1].Call, *k)
	}
	if n.outcomes["twin"]%2 == 1 && !second {
		n.Fatalf("call %d follows one of a pair of twins", k.N)
	}
	n.dialled = append(n.dialled, op)
	n.outcomes[k.Caller.String()]++

	live := n.live(op.At)
	if len(live) != len(m.live) {
		n.Fatalf("%d bookings can be called at %v, want %d", len(m.live), op.At, len(live))
	}
	for i, l := range m.live {
		if !live[l.Booking] || l.place != i {
			n.Fatalf("booking %+v can be called at %v, from place %d of %d", *l.Booking, op.At, l.place, i)
		}
	}
	if op.Booking == nil {
		if len(live) > 0 || k.Twin || k.Redial || k.Caller == Late {
			n.Fatalf("call %+v is about nothing, with %d live bookings", *k, len(live))
		}
		n.outcomes["nothing"]++
		return
	}
	s := n.by[op.Booking]
	if s == nil {
		n.Fatalf("a call about booking %d, which was never opened", op.Booking.N)
	}
	caller := s.Guest
	if k.Host {
		caller = s.Host
		n.outcomes["host"]++
	}
	if k.Caller == Late {
		if since := op.At - s.Ends; since < n.cfg.Settle || since > longAgo {
			n.Fatalf("a late call %v after the end", since)
		}
	} else if !live[s.Booking] {
		n.Fatalf("a %v dials at %v about %+v", k.Caller, op.At, *s.Booking)
	}
	switch {
	case k.Caller == Stranger && !strings.HasPrefix(k.From, "+14"), k.Caller == Withheld && k.From != "anonymous",
		(k.Caller == Party || k.Caller == Late) && k.From != caller:
		n.Fatalf("call %+v comes from somebody else than %s", *k, caller)
	case k.Caller != Party && (k.Habit != k.Caller.String() || k.Twin || k.Redial || k.Script.Patience <= k.Script.After || k.Script.Callee != 0):
		n.Fatalf("call %+v", *k)
	case k.Caller == Party && !slices.ContainsFunc(n.cfg.Mix, func(h party.Habit) bool { return h.Name == k.Habit }):
		n.Fatalf("habit %q is not of the mix", k.Habit)
	}
	n.redials(op)
}

// redials holds that whoever dials again got no answer before, and waited.
func (n *naive) redials(op Op) {
	k := op.Call
	if k.Caller != Party {
		return
	}
	if k.Twin {
		n.outcomes["twin"]++
	}
	who := fmt.Sprint(op.Booking.N, k.Host)
	if k.Redial {
		n.outcomes["redial"]++
		i := slices.IndexFunc(n.waiting[who], func(ready time.Duration) bool { return ready <= op.At })
		if i < 0 {
			n.Fatalf("call %+v comes again at %v, after calls that end %v", *k, op.At, n.waiting[who])
		}
		n.waiting[who] = slices.Delete(n.waiting[who], i, i+1)
	}
	if up, answered := outcome(k.Script); !answered {
		n.outcomes["unanswered"]++
		n.waiting[who] = append(n.waiting[who], op.At+time.Duration(float64(up)/n.cfg.Speed)+n.cfg.RedialAfter.Min)
	}
}

// over holds the whole stream against what was planned.
func (n *naive) over() {
	if len(n.dialled) != len(n.due) {
		n.Fatalf("%d calls, and %d by the pace", len(n.dialled), len(n.due))
	}
	for _, s := range n.bookings {
		had := func(k Kind) bool { return slices.ContainsFunc(s.ops, func(o Op) bool { return o.Kind == k }) }
		if (s.Closed && s.Ends <= n.end) != had(Close) {
			n.Fatalf("booking %+v: closed %v", *s.Booking, had(Close))
		}
		if s.Extends != 0 && s.Opens+s.Lasts/2 < n.end && !had(Extend) {
			n.Fatalf("booking %+v was never given another end", *s.Booking)
		}
		if s.Extends == 0 && had(Extend) {
			n.Fatalf("booking %+v was extended", *s.Booking)
		}
	}
}

// playThrough runs a whole stream past the naive model.
func playThrough(t fatal, cfg Config, stages []pace.Stage, seed uint64) *naive {
	t.Helper()
	m := newMarket(t, cfg, stages, seed)
	n := newNaive(t, m, stages, seed)
	for op, ok := m.Next(); ok; op, ok = m.Next() {
		n.watch(m, op)
	}
	n.over()
	return n
}
