package carrier

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// TestTheClock arms many tasks in random order, stops some, and holds the rest
// to their instants: in order, never early, less than a tick late.
func TestTheClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		c := newClock()
		done := make(chan struct{})
		go func() {
			defer close(done)
			c.serve(ctx)
		}()
		dice := rand.New(rand.NewPCG(3, 4))
		start := time.Now()
		var ran, want []time.Duration
		var tasks []*task
		arm := func() {
			at := time.Since(start) + time.Duration(dice.IntN(2_000_000))*time.Microsecond
			stopped := dice.IntN(3) == 0
			task := c.after(at-time.Since(start), func() {
				late := time.Since(start) - at
				if late < 0 || late >= tick {
					t.Errorf("due at %v and run %v later", at, late)
				}
				if stopped {
					t.Errorf("the stopped task of %v ran", at)
				}
				ran = append(ran, at)
			})
			if stopped {
				tasks = append(tasks, task)
			} else {
				want = append(want, at)
			}
		}
		for range 500 {
			arm()
		}
		for _, k := range tasks {
			k.stop()
			k.stop() // twice does no harm
		}
		tasks = nil
		time.Sleep(time.Second + 300*time.Microsecond)
		synctest.Wait()
		for range 500 { // sooner than what is armed, and later
			arm()
		}
		for _, k := range tasks {
			k.stop()
		}
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if slices.Sort(want); !slices.IsSorted(ran) || !slices.Equal(ran, want) {
			t.Errorf("%d tasks ran, in order %t, want %d", len(ran), slices.IsSorted(ran), len(want))
		}
		left := c.after(time.Minute, func() { t.Error("a task ran on a shut clock") })
		c.shut()
		left.stop()
		c.after(0, func() { t.Error("a shut clock took a task") }).stop()
		time.Sleep(time.Hour)
		cancel()
		<-done
	})
}
