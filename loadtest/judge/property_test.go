package judge

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// truth is a booking as the switch has it: it carries out each request at an
// instant of its own between question and answer, and its clock strays.
type truth struct {
	lives []Span // from opened to ended, the last one may go on
	ends  time.Time
	skew  time.Duration
	up    bool
}

// pass lets time go on until t.
func (w *truth) pass(t time.Time) {
	if over := w.ends.Add(w.skew); w.up && !t.Before(over) {
		w.lives[len(w.lives)-1].To, w.up = over, false
	}
}

func (w *truth) liveAt(t time.Time) bool {
	for _, s := range w.lives {
		if !t.Before(s.From) && (s.To.IsZero() || t.Before(s.To)) {
			return true
		}
	}
	return false
}

// Whatever a marketplace asks for, and whatever is never answered: what the
// register calls certain is true of the switch.
func TestCertaintyIsTrue(t *testing.T) {
	const fuzz = 2 * time.Second
	rapid.Check(t, func(t *rapid.T) {
		r := New(Config{Fuzz: fuzz})
		w := truth{skew: time.Duration(rapid.IntRange(-1900, 1900).Draw(t, "skew")) * time.Millisecond}
		now := at(0)
		span := func(name string, most int) time.Duration {
			return time.Duration(rapid.IntRange(0, most).Draw(t, name)) * 100 * time.Millisecond
		}
		// ask carries one request out somewhere on its way; the answer may be lost.
		ask := func(does func(when time.Time)) (asked, answered time.Time, heard bool) {
			asked = now
			does(asked.Add(span("there", 30)))
			now = asked.Add(31 * 100 * time.Millisecond)
			return asked, now, rapid.IntRange(0, 3).Draw(t, "lost") > 0
		}
		open := func() {
			expires := now.Add(span("lasts", 200))
			r.Opening("bk", guest, host, Terms{}, now)
			if rapid.Bool().Draw(t, "full") {
				return // never answered, never carried out
			}
			_, answered, heard := ask(func(when time.Time) {
				w.ends = expires
				w.lives, w.up = append(w.lives, Span{From: when}), true
				w.pass(when)
			})
			if heard {
				r.Opened("bk", Answer{Proxy: proxy, Expires: expires}, answered)
			}
		}
		open()
		for range rapid.IntRange(0, 8).Draw(t, "requests") {
			now = now.Add(span("pause", 60))
			w.pass(now)
			switch rapid.IntRange(0, 2).Draw(t, "request") {
			case 0:
				until := now.Add(span("until", 200))
				r.Extending("bk", until, now)
				done := false
				_, answered, heard := ask(func(when time.Time) {
					w.pass(when)
					if done = w.up; done {
						w.ends = until
						w.pass(when)
					}
				})
				if heard && done {
					r.Extended("bk", until, answered)
				}
			case 1:
				if rapid.IntRange(0, 3).Draw(t, "closes") > 0 {
					continue
				}
				r.Closing("bk", now)
				_, answered, heard := ask(func(when time.Time) {
					w.pass(when)
					if w.up {
						w.lives[len(w.lives)-1].To, w.up = when, false
					}
				})
				if heard {
					r.Closed("bk", answered)
				}
			}
		}
		now = now.Add(span("pause", 60))
		w.pass(now.Add(time.Hour))
		k := r.known("bk")
		for range 40 {
			a := at(0).Add(span("a", 600))
			b := a.Add(span("b", 30))
			if k.liveThrough(a, b, fuzz) && (!w.liveAt(a) || !w.liveAt(b)) {
				t.Fatalf("certainly live from %v to %v, and it lived %+v", a.Sub(t0), b.Sub(t0), w.lives)
			}
			if k.deadAt(a, fuzz) && w.liveAt(a) {
				t.Fatalf("certainly over at %v, and it lived %+v", a.Sub(t0), w.lives)
			}
		}
	})
}
