package recording

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"

	"maskswitch/actors/journal"
)

// crasher counts the moments at which a process may die, and has it die at chosen
// ones: before and after the effect of each question, before and after each row.
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

func install(w *world, at ...int) *crasher {
	k := &crasher{world: w, at: map[int]bool{}, due: make(chan struct{}, 1)}
	for _, n := range at {
		k.at[n] = true
	}
	w.meet = func(ctx context.Context, name string, after bool) error {
		if k.moment(fmt.Sprintf("%s, after it: %t", name, after)) {
			<-ctx.Done() // nothing comes back to a process that is gone
			return errDied
		}
		return nil
	}
	w.tap = func(journal.Change) fate {
		switch {
		case k.moment("before a row"):
			return fateLost
		case k.moment("after a row"):
			return fateUnheard
		}
		return fateWritten
	}
	return k
}

// TestCrashAtEveryMoment kills the process at each moment of an evening.
func TestCrashAtEveryMoment(t *testing.T) {
	moments := 0
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		e, k := newEvening(w), install(w)
		e.live(k)
		e.judge(false)
		moments = k.moments
	})
	if moments < 100 {
		t.Fatalf("an evening has only %d moments", moments)
	}
	for at := 1; at <= moments && !t.Failed(); at++ {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			e, k := newEvening(w), install(w, at)
			e.live(k)
			e.judge(false)
			if t.Failed() {
				t.Logf("died at moment %d: %s", at, k.names[at-1])
			}
		})
	}
}

// TestManyCrashes kills it several times, wherever that may be.
func TestManyCrashes(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 7))
	for range 30 {
		var at []int
		for n := 0; len(at) < 8; {
			n += 1 + random.IntN(30)
			at = append(at, n)
		}
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			e, k := newEvening(w), install(w, at...)
			e.live(k)
			e.judge(false)
		})
		if t.Failed() {
			t.Fatalf("died at %v", at)
		}
	}
}

// die has the process end.
func (k *crasher) die() {
	select {
	case k.due <- struct{}{}:
	default:
	}
}
