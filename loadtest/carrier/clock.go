package carrier

import (
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

// clock holds what is due later. Nothing of it runs once it is shut.
type clock struct {
	gate *gate
	mu   sync.Mutex
	due  map[*task]struct{}
}

type task struct {
	clock *clock
	timer *time.Timer
}

func newClock(g *gate) *clock { return &clock{gate: g, due: map[*task]struct{}{}} }

// after runs f in its own goroutine after d, unless it is stopped first.
func (c *clock) after(d time.Duration, f func()) *task {
	t := &task{clock: c}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.due == nil {
		return nil
	}
	c.due[t] = struct{}{}
	t.timer = time.AfterFunc(d, func() {
		if !c.take(t) || !c.gate.enter() {
			return
		}
		defer c.gate.leave()
		f()
	})
	return t
}

func (c *clock) take(t *task) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, ok := c.due[t]
	delete(c.due, t)
	return ok
}

// stop is safe on nil, and after the task has run.
func (t *task) stop() {
	if t != nil && t.clock.take(t) {
		t.timer.Stop()
	}
}

func (c *clock) shut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for t := range c.due {
		t.timer.Stop()
	}
	c.due = nil
}
