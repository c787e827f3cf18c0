package judge

import (
	"cmp"
	"slices"
	"sync"

	"maskswitch/loadtest/carrier"
	"maskswitch/loadtest/report"
)

// Ladders add up what went over the wire, for each habit; callers who were told
// that their booking has ended have one of their own, whatever their habit. The
// zero value is not ready: NewLadders makes one. Add may be called from anywhere.
type Ladders struct {
	mu    sync.RWMutex
	habit map[string]*ladder
}

type ladder struct {
	mu    sync.Mutex
	calls int64
	rungs [stepCount]report.Rung
}

// toldHabit names the ladder of answer, speech and hangup.
const toldHabit = "told that it has ended"

// NewLadders makes Ladders without calls.
func NewLadders() *Ladders { return &Ladders{habit: map[string]*ladder{}} }

// Add counts one judged call under its habit.
func (s *Ladders) Add(habit string, v Verdict, _ carrier.Ledger) {
	if v.Told {
		habit = toldHabit
	}
	s.mu.RLock()
	l := s.habit[habit]
	s.mu.RUnlock()
	if l == nil {
		s.mu.Lock()
		if l = s.habit[habit]; l == nil {
			l = &ladder{}
			s.habit[habit] = l
		}
		s.mu.Unlock()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls++
	for i := range v.Rungs {
		to, c := &l.rungs[i], &v.Rungs[i]
		to.Sent += int64(c.Sent)
		to.Received += int64(c.Received)
		to.Duplicate += int64(c.Duplicate)
		to.Late += int64(c.Late)
		to.Missing += int64(c.Missing)
		to.Unexpected += int64(c.Unexpected)
	}
}

// Report is the ladders by habit, without the steps that no call of a habit
// came to.
func (s *Ladders) Report() []report.Ladder {
	s.mu.RLock()
	defer s.mu.RUnlock()
	all := make([]report.Ladder, 0, len(s.habit))
	for name, l := range s.habit {
		l.mu.Lock()
		one := report.Ladder{Script: name, Calls: l.calls}
		for i, c := range l.rungs {
			if c != (report.Rung{}) {
				r := step(i).rung()
				c.Step, c.Command = r.Step, r.Command
				one.Rungs = append(one.Rungs, c)
			}
		}
		l.mu.Unlock()
		all = append(all, one)
	}
	slices.SortFunc(all, func(a, b report.Ladder) int { return cmp.Compare(a.Script, b.Script) })
	return all
}
