package order

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"maskswitch/actors/phone"
	"maskswitch/actors/protocol"
)

// crasher counts the moments of an order's life at which a process may die, and
// has it die at chosen ones. A moment is a request to the carrier before or after
// its effect, a row before or after it is written, a number in the pool before or
// after that is known.
type crasher struct {
	world   *world
	moments int
	at      map[int]bool // die there
	due     chan struct{}
	names   []string
}

func (k *crasher) moment(name string) bool {
	k.world.mu.Lock()
	defer k.world.mu.Unlock()
	k.moments++
	k.names = append(k.names, name)
	if !k.at[k.moments] {
		return false
	}
	select {
	case k.due <- struct{}{}:
	default:
	}
	return true
}

var errDied = errors.New("the process has died")

// install makes a world die at the given moments.
func install(w *world, at ...int) *crasher {
	k := &crasher{world: w, at: map[int]bool{}, due: make(chan struct{}, 1)}
	for _, n := range at {
		k.at[n] = true
	}
	w.shop.meet = func(ctx context.Context, _ int, name string, after bool) error {
		if k.moment(fmt.Sprintf("%s, after it: %t", name, after)) {
			<-ctx.Done() // nothing comes back to a process that is gone
			return errDied
		}
		return nil
	}
	w.tap = func(int) fateOfRow {
		if k.moment("before a row") {
			return rowLost
		}
		if k.moment("after a row") {
			return rowUnheard
		}
		return rowWritten
	}
	w.adding = func(_ phone.Number, done func(error)) {
		if k.moment("before a number is in the pool") {
			return
		}
		done(nil)
		k.moment("after a number is in the pool")
	}
	return k
}

// live runs an order through all its deaths to its end.
func (k *crasher) live(asked protocol.OrderNumbers) {
	w := k.world
	w.place(asked)
	for range 4 * 24 * 60 {
		select {
		case <-k.due:
			synctest.Wait()
			w.crash()
			time.Sleep(time.Second)
			w.boot()
		case <-time.After(time.Minute):
		}
		if len(k.due) > 0 {
			continue
		}
		o, there := w.row()
		if !there { // it died before anybody was told: who asked asks again
			w.place(asked)
		} else if o.Stage.Over() {
			return
		}
	}
	o, _ := w.row()
	w.t.Fatalf("the order does not end: %s, %s", o.Stage, o.Trouble)
}

var scenes = []struct {
	name string
	shop func() *shop
}{
	{"sold at once", func() *shop { return stock(9) }},
	{"sold after a while, and shown in lists later still", func() *shop {
		s := stock(9)
		s.pending, s.hidden, s.settling = 40*time.Second, 90*time.Second, 30*time.Second
		return s
	}},
	{"some are not sold", func() *shop {
		s := stock(9)
		s.fails[number(0)], s.fails[number(2)] = true, true
		return s
	}},
	{"numbers do not inherit the reference", func() *shop {
		s := stock(9)
		s.bare, s.pending = true, 10*time.Second
		return s
	}},
}

// TestCrashAtEveryMoment kills the process at each moment of an order's life.
func TestCrashAtEveryMoment(t *testing.T) {
	const count = 3
	for _, scene := range scenes {
		t.Run(scene.name, func(t *testing.T) {
			moments := 0
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, scene.shop())
				k := install(w)
				k.live(asking("r1", count))
				w.judge(count)
				moments = k.moments
			})
			if moments < 20 {
				t.Fatalf("an order has only %d moments", moments)
			}
			for at := 1; at <= moments; at++ {
				name := ""
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t, scene.shop())
					k := install(w, at)
					k.live(asking("r1", count))
					w.judge(count)
					name = k.names[at-1]
				})
				if t.Failed() {
					t.Fatalf("died at moment %d of %d: %s", at, moments, name)
				}
			}
		})
	}
}

// TestManyCrashes kills it several times, wherever that may be.
func TestManyCrashes(t *testing.T) {
	const count = 3
	random := rand.New(rand.NewPCG(7, 7))
	for round := range 150 {
		scene := scenes[round%len(scenes)]
		var at []int
		for n := 0; len(at) < 6; {
			n += 1 + random.IntN(12)
			at = append(at, n)
		}
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, scene.shop())
			install(w, at...).live(asking("r1", count))
			w.judge(count)
		})
		if t.Failed() {
			t.Fatalf("%s, died at %v", scene.name, at)
		}
	}
}
