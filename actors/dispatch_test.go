package actors

import (
	"sync"
	"testing"
	"testing/synctest"
)

// Every job runs, also while all the others wait for it, and after the end.
func TestDispatcher(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDispatcher()
		const crowd = 2 * keptMost
		var all sync.WaitGroup
		all.Add(crowd)
		for range crowd {
			d.Schedule(func() {
				all.Done()
				all.Wait() // nobody goes before everybody has come
			})
		}
		all.Wait()
		synctest.Wait()
		if n := d.idle.Load(); n != keptMost {
			t.Errorf("%d goroutines are kept, want %d", n, keptMost)
		}
		d.close()
		ran := false
		d.Schedule(func() { ran = true })
		synctest.Wait()
		if !ran {
			t.Error("a job was lost after the end")
		}
	})
}
