package carrier

import (
	"context"
	"sync"
	"time"
)

// gate counts work under way, so that Close can refuse new work and wait for
// the rest.
type gate struct {
	mu     sync.Mutex
	closed bool
	inside sync.WaitGroup
}

func (g *gate) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	g.inside.Add(1)
	return true
}

func (g *gate) leave() { g.inside.Done() }

func (g *gate) close() {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
}

// clock runs what is due later, in one goroutine, one task after the other: a
// goroutine and a timer for each of the nine or so tasks of a call would cost
// more than the tasks do. So a task must not wait for anything. It wakes at
// most once in a tick, and a task is late by up to that much, never early.
type clock struct {
	start time.Time
	bell  chan struct{} // the head of the heap is due sooner than it was

	mu     sync.Mutex
	heap   []*task // the next one first; nil after shut
	closed bool
}

// tick is the clock's step.
const tick = time.Millisecond

type task struct {
	clock *clock
	due   time.Duration // since the clock's start
	at    int           // in the heap; -1: not there any more
	run   func()
}

func newClock() *clock { return &clock{start: time.Now(), bell: make(chan struct{}, 1)} }

// after runs f after d, unless it is stopped first. On a shut clock it is nil,
// and f never runs.
func (c *clock) after(d time.Duration, f func()) *task {
	t := &task{clock: c, due: time.Since(c.start) + max(d, 0), run: f}
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return nil
	}
	t.at = len(c.heap)
	c.heap = append(c.heap, t)
	c.up(t.at)
	sooner := t.at == 0
	c.mu.Unlock()
	if sooner {
		select {
		case c.bell <- struct{}{}:
		default:
		}
	}
	return t
}

// serve runs tasks until ctx ends.
func (c *clock) serve(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		t, wait := c.next()
		if t != nil {
			t.run()
			if ctx.Err() != nil {
				return
			}
			continue
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
			return
		case <-c.bell:
		case <-timer.C:
		}
	}
}

// next takes a task that is due, or says how long there is none.
func (c *clock) next() (*task, time.Duration) {
	now := time.Since(c.start)
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.heap) == 0 {
		return nil, time.Hour
	}
	t := c.heap[0]
	if t.due > now {
		// Whole ticks, so that those due in one tick share one awakening.
		return nil, (t.due + tick - 1).Truncate(tick) - now
	}
	c.remove(t)
	return t, 0
}

// stop is safe on nil, and after the task has run.
func (t *task) stop() {
	if t == nil {
		return
	}
	t.clock.mu.Lock()
	defer t.clock.mu.Unlock()
	if t.at >= 0 {
		t.clock.remove(t)
	}
}

// shut forgets all tasks; no new ones are taken.
func (c *clock) shut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, t := range c.heap {
		t.at = -1
	}
	c.heap, c.closed = nil, true
}

// remove takes a task out of the binary heap.
func (c *clock) remove(t *task) {
	i, last := t.at, len(c.heap)-1
	c.swap(i, last)
	c.heap[last] = nil
	c.heap = c.heap[:last]
	t.at = -1
	if i < last {
		c.up(i)
		c.down(i)
	}
}

func (c *clock) up(i int) {
	for i > 0 && c.heap[i].due < c.heap[(i-1)/2].due {
		c.swap(i, (i-1)/2)
		i = (i - 1) / 2
	}
}

func (c *clock) down(i int) {
	for {
		least := i
		for _, child := range [2]int{2*i + 1, 2*i + 2} {
			if child < len(c.heap) && c.heap[child].due < c.heap[least].due {
				least = child
			}
		}
		if least == i {
			return
		}
		c.swap(i, least)
		i = least
	}
}

func (c *clock) swap(i, j int) {
	c.heap[i], c.heap[j] = c.heap[j], c.heap[i]
	c.heap[i].at, c.heap[j].at = i, j
}
