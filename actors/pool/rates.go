package pool

import (
	"math"
	"time"

	"maskswitch/actors/phone"
)

// A number's rate is an exponential average of its rings: each counts one
// rateSpan'th of a ring a minute, and what there is fades by 1/e in a rateSpan.
// Steady calling is met by its true rate.
const rateSpan = 5 * time.Minute

// rateAt is the rate at an instant, in rings a minute. A clock that was set back
// lets nothing fade.
func (s *slot) rateAt(at int64) float64 {
	passed := time.Duration(max(0, at-s.rangAt)) * time.Microsecond
	return s.rate * math.Exp(-passed.Seconds()/rateSpan.Seconds())
}

// rang counts one ring of a number. At the cap the number leaves the groups.
func (l *ledger) rang(n phone.Number, at time.Time) {
	i, ok := l.index[n]
	if !ok {
		return
	}
	s := &l.slots[i]
	s.rate = s.rateAt(at.UnixMicro()) + 1/rateSpan.Minutes()
	s.rangAt = at.UnixMicro()
	if l.CallsPerMinute > 0 && s.rate >= l.CallsPerMinute && !s.hot {
		l.heat(i, true)
		l.hot.push(l.coolAt(s), i)
	}
}

// coolAt is when the rate is below the cap if nobody rings, and not before the
// next millisecond.
func (l *ledger) coolAt(s *slot) time.Time {
	wait := time.Duration(math.Log(s.rate/l.CallsPerMinute) * float64(rateSpan))
	return time.UnixMicro(s.rangAt).Add(wait + time.Millisecond)
}

// cool brings back the numbers whose rate has faded below the cap.
func (l *ledger) cool(now time.Time) {
	for {
		i, _, ok := l.hot.due(now)
		if !ok {
			return
		}
		if s := &l.slots[i]; s.rateAt(now.UnixMicro()) >= l.CallsPerMinute {
			l.hot.push(l.coolAt(s), i)
			continue
		}
		l.heat(i, false)
	}
}

func (l *ledger) heat(i int32, hot bool) {
	l.off(i)
	l.slots[i].hot = hot
	l.on(i)
}
