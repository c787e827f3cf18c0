package party

import "time"

// Range is a span to draw from, both ends included. A zero Max means "always
// Min".
type Range struct{ Min, Max time.Duration }

// Habit is a kind of call and how often it comes.
type Habit struct {
	Name   string // for reports: "talks", "busy"
	Weight int    // its share among the weights of the mix; 0 and less: never

	Callee       Reaction
	After        Range
	Talk         Range
	Patience     Range
	AfterSpeech  Range
	CalleeLeaves float64 // share of these calls in which the callee hangs up first
}

// Mix is the kinds of calls that a marketplace makes.
type Mix []Habit

// Everyday is a mix to start from: the shares are a guess at a delivery
// marketplace, where most calls are short and a fifth reach nobody.
func Everyday() Mix {
	ring := Range{2 * time.Second, 9 * time.Second}
	return Mix{
		{Name: "talks", Weight: 74, After: ring, Talk: Range{8 * time.Second, 90 * time.Second}, CalleeLeaves: .4},
		{Name: "rings out", Weight: 9, Callee: RingOut, AfterSpeech: Range{Min: time.Second}},
		{Name: "gives up", Weight: 6, Callee: RingOut, Patience: Range{4 * time.Second, 15 * time.Second}},
		{Name: "busy", Weight: 5, Callee: Busy, After: Range{Min: time.Second}, AfterSpeech: Range{Min: time.Second}},
		{Name: "declines", Weight: 5, Callee: Decline, After: ring, AfterSpeech: Range{Min: time.Second}},
		{Name: "unreachable", Weight: 1, Callee: Unreachable, After: Range{Min: time.Second}, AfterSpeech: Range{Min: time.Second}},
	}
}

// Script draws the nth call of a run: the name of its habit, and what the two
// people do. A mix without weight gives the zero Script and no name.
func (m Mix) Script(seed, n uint64) (string, Script) {
	total := 0
	for _, h := range m {
		total += max(h.Weight, 0)
	}
	if total == 0 {
		return "", Script{}
	}
	dice := dice{state: mix64(seed) ^ mix64(n+1)}
	at := int(dice.next() % uint64(total))
	for _, h := range m {
		if at -= max(h.Weight, 0); at < 0 {
			return h.Name, h.draw(&dice)
		}
	}
	panic("unreachable: the weights add up to total")
}

// draw throws every die whether it is wanted or not, so that a change of one
// range leaves the other draws as they were.
func (h Habit) draw(d *dice) Script {
	s := Script{
		Callee:      h.Callee,
		After:       d.within(h.After),
		Talk:        d.within(h.Talk),
		Patience:    d.within(h.Patience),
		AfterSpeech: d.within(h.AfterSpeech),
	}
	if float64(d.next()>>11)/(1<<53) < h.CalleeLeaves {
		s.Leaves = Callee
	}
	return s
}

// dice is splitmix64: eight bytes of state, and any state is a good one.
type dice struct{ state uint64 }

func (d *dice) next() uint64 {
	d.state += 0x9e3779b97f4a7c15
	return mix64(d.state)
}

func (d *dice) within(r Range) time.Duration {
	n := d.next()
	if r.Max <= r.Min {
		return r.Min
	}
	return r.Min + time.Duration(n%uint64(r.Max-r.Min+1))
}

func mix64(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
