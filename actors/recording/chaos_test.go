package recording

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"maskswitch/actors/journal"
	"maskswitch/actors/protocol"
)

// TestChaos lets everything fail at random, journal included, and processes die.
func TestChaos(t *testing.T) {
	for round := range 40 {
		random := rand.New(rand.NewPCG(11, uint64(round)))
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			e := newEvening(w)
			k := &crasher{world: w, due: make(chan struct{}, 1)}
			evil := true
			roll := func(n int) bool {
				w.mu.Lock()
				defer w.mu.Unlock()
				return evil && random.IntN(n) == 0
			}
			w.meet = func(ctx context.Context, name string, after bool) error {
				switch {
				case roll(200):
					k.die()
					<-ctx.Done()
					return errDied
				case roll(8):
					w.mu.Lock()
					defer w.mu.Unlock()
					kinds := protocol.RecordingTroubles()
					if !strings.HasPrefix(name, "ask") && !strings.HasPrefix(name, "transcript") {
						kinds = slices.DeleteFunc(kinds, func(t protocol.RecordingTrouble) bool { return t == protocol.TroubleGone })
					}
					kind := kinds[random.IntN(len(kinds))]
					return &protocol.RecordingError{Trouble: kind, Status: []int{0, 429, 500}[random.IntN(3)], Detail: "chaos: " + kind.String()}
				}
				return nil
			}
			w.tap = func(journal.Change) fate {
				switch {
				case roll(100):
					k.die()
					return fateLost
				case roll(100):
					k.die()
					return fateUnheard
				case roll(50):
					w.engine.Fail(errors.New("disk"))
				case roll(50):
					w.engine.FailAfter(errors.New("disk"))
				}
				return fateWritten
			}
			w.refuse = func() error {
				if roll(10) {
					return journal.ErrBusy
				}
				return nil
			}
			w.halted = k.die
			calm := time.AfterFunc(5*time.Hour, func() { // else one of them may be lost for good reason
				w.mu.Lock()
				evil = false
				w.mu.Unlock()
			})
			defer calm.Stop()
			e.live(k)
			e.judge(true)
		})
		if t.Failed() {
			t.Fatalf("round %d", round)
		}
	}
}
