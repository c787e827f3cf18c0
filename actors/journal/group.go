package journal

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Observer watches a Group for metrics. It is called from the committer, and
// must neither block nor append.
type Observer interface {
	Appended(d time.Duration)               // one change: from Append until it was on disk
	Committed(changes int, d time.Duration) // one commit of the engine, refused changes included
	Failed(op string)                       // "commit", "probe" or "close"
}

// Options of a Group. The zero value is meant to be used.
type Options struct {
	Queue    int      // changes that may be unfinished at once; 0 means 8192
	MaxBatch int      // changes in one commit; 0 means 512
	Observer Observer // may be nil
	// Pace is the least time between the beginnings of two commits, as long as
	// all who wait are patient. A change that comes alone does not wait, nor does
	// one in a hurry; of the others more share a commit and its fsync, which is
	// most of what a commit costs. 0 means none.
	Pace time.Duration
}

// Group is group commit over an engine, and the Journal that everybody uses.
//
// One goroutine commits. A batch is what came in while the last commit ran: alone,
// a change waits for one commit; in a crowd it shares one. Patient changes wait
// for company as well, see Options.Pace.
type Group struct {
	Store
	engine   Engine
	observer Observer
	most     int // unfinished changes
	batch    int // changes in a commit
	pace     time.Duration
	began    time.Duration // the last commit, since epoch; the committer's own, as is:
	timer    *time.Timer
	epoch    time.Time
	over     chan struct{} // closed when the committer has closed the engine
	overErr  error

	using   sync.Mutex // held to use the engine beside the committer: by Resume, and against it by Close
	mu      sync.Mutex
	work    sync.Cond // queue not empty, or closed
	calm    sync.Cond // settling is false
	queue   queue
	urgent  bool          // not all in the queue are patient
	hurry   chan struct{} // wakes the committer from its pace; holds one
	pending int           // appended, and not yet committed or failed
	halted  error         // wraps ErrHalted and the cause
	// settling is true from the failure of a commit until the last Done that it
	// concerns has returned.
	settling bool
	closed   bool
	onHalt   []func(error)
}

// queue keeps what Append was given as two slices of one length, so that an
// engine gets its batch without a copy.
type queue struct {
	changes []Change
	waiting []waiting
}

type waiting struct {
	done Done
	at   time.Duration // since the group's epoch
}

func (q *queue) clear() {
	clear(q.changes)
	clear(q.waiting)
	q.changes, q.waiting = q.changes[:0], q.waiting[:0]
}

// NewGroup starts the committer of an engine, which belongs to the group from
// now on.
func NewGroup(e Engine, o Options) *Group {
	if o.Queue <= 0 {
		o.Queue = 8192
	}
	if o.MaxBatch <= 0 {
		o.MaxBatch = 512
	}
	if o.Observer == nil {
		o.Observer = unobserved{}
	}
	g := &Group{
		Store: e, engine: e, observer: o.Observer,
		most: o.Queue, batch: o.MaxBatch, pace: o.Pace,
		epoch: time.Now(), over: make(chan struct{}), hurry: make(chan struct{}, 1),
	}
	g.work.L, g.calm.L = &g.mu, &g.mu
	go g.run()
	return g
}

// Append implements Appender. It never waits for the disk. A nil done means
// that nobody wants to know.
func (g *Group) Append(c Change, done Done) error {
	at := time.Since(g.epoch)
	g.mu.Lock()
	switch {
	case g.closed:
		g.mu.Unlock()
		return ErrClosed
	case g.halted != nil:
		err := g.halted
		g.mu.Unlock()
		return err
	case g.pending >= g.most:
		g.mu.Unlock()
		return ErrBusy
	}
	g.pending++
	g.queue.changes = append(g.queue.changes, c)
	g.queue.waiting = append(g.queue.waiting, waiting{done, at})
	if len(g.queue.changes) == 1 {
		g.work.Signal()
	}
	if !c.Patient {
		g.press()
	}
	g.mu.Unlock()
	return nil
}

// press ends the committer's pace.
func (g *Group) press() {
	if g.urgent {
		return
	}
	g.urgent = true
	select {
	case g.hurry <- struct{}{}:
	default:
	}
}

// Pending is how many changes are not finished, of Options.Queue at most.
func (g *Group) Pending() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.pending
}

// Ready says why nothing can be written; nil if it can.
func (g *Group) Ready() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return ErrClosed
	}
	return g.halted
}

// OnHalt has f called once each time a commit fails, after the last Done that
// the failure concerns, with an error that wraps ErrHalted and the cause. f may
// call Resume, but holds up nothing else than the committer's next batch. If
// the journal is halted already, f is called at once.
func (g *Group) OnHalt(f func(error)) {
	g.mu.Lock()
	g.onHalt = append(g.onHalt, f)
	err, settling := g.halted, g.settling
	g.mu.Unlock()
	if err != nil && !settling {
		f(err)
	}
}

// Resume ends a halt, and is not to be called from a Done. Everything that was
// queued before it has been failed by then, and cannot reach the disk any more;
// a commit whose fate was unknown has been decided by the engine's Probe. So
// what the store shows from now on is where to begin. An error, that of the
// Probe, leaves the journal halted.
func (g *Group) Resume() error {
	g.using.Lock()
	defer g.using.Unlock()
	g.mu.Lock()
	for g.settling {
		g.calm.Wait()
	}
	halted, closed := g.halted, g.closed
	g.mu.Unlock()
	if closed {
		return ErrClosed
	}
	if halted == nil {
		return nil
	}
	if err := g.engine.Probe(); err != nil {
		g.observer.Failed("probe")
		return fmt.Errorf("resume journal: %w", err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return ErrClosed
	}
	g.halted = nil
	return nil
}

// Close refuses what comes now, commits what is queued and closes the engine.
// When ctx ends first its error is returned, and the rest goes on by itself.
func (g *Group) Close(ctx context.Context) error {
	g.mu.Lock()
	g.closed = true
	g.press()
	g.work.Signal()
	g.mu.Unlock()
	select {
	case <-g.over:
		return g.overErr
	case <-ctx.Done():
		return fmt.Errorf("close journal: %w", context.Cause(ctx))
	}
}

func (g *Group) run() {
	defer close(g.over)
	var taken queue
	for g.take(&taken) {
		for from := 0; from < len(taken.changes); {
			to := min(from+g.batch, len(taken.changes))
			if err := g.commit(taken.changes[from:to], taken.waiting[from:to]); err != nil {
				g.halt(err, taken.waiting[from:])
				break
			}
			from = to
		}
		taken.clear()
	}
	g.using.Lock()
	defer g.using.Unlock()
	if g.overErr = g.engine.Close(); g.overErr != nil {
		g.observer.Failed("close")
	}
}

// take waits for work and exchanges the queue for the empty one it is given. It
// returns false when there is none, and will be none.
func (g *Group) take(empty *queue) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for len(g.queue.changes) == 0 {
		if g.closed {
			return false
		}
		g.work.Wait()
	}
	if wait := g.pace - (time.Since(g.epoch) - g.began); wait > 0 && g.began > 0 && !g.urgent {
		g.mu.Unlock()
		g.rest(wait)
		g.mu.Lock()
	}
	g.queue, *empty = *empty, g.queue
	g.urgent = false
	select {
	case <-g.hurry:
	default:
	}
	return true
}

// rest waits for company, unless somebody is in a hurry.
func (g *Group) rest(wait time.Duration) {
	if g.timer == nil {
		g.timer = time.NewTimer(wait)
	} else {
		g.timer.Reset(wait)
	}
	select {
	case <-g.timer.C:
	case <-g.hurry:
	}
}

func (g *Group) commit(changes []Change, waiting []waiting) error {
	var refused []error
	began := time.Since(g.epoch)
	g.began = began
	ended := began
	if rows := countRows(changes); rows > 0 {
		var err error
		if refused, err = g.engine.Commit(changes); err != nil {
			g.observer.Failed("commit")
			return err
		}
		ended = time.Since(g.epoch)
		g.observer.Committed(rows, ended-began)
	}
	g.mu.Lock()
	g.pending -= len(changes)
	g.mu.Unlock()
	for i, w := range waiting {
		g.observer.Appended(ended - w.at)
		if w.done == nil {
			continue
		}
		var err error
		if refused != nil {
			err = refused[i]
		}
		w.done(err)
	}
	return nil
}

// countRows leaves the barriers out: alone they cost no commit.
func countRows(changes []Change) int {
	n := 0
	for i := range changes {
		if !changes[i].Empty() {
			n++
		}
	}
	return n
}

// halt fails the batch, what was taken with it and what came in since.
func (g *Group) halt(cause error, failed []waiting) {
	err := fmt.Errorf("%w: %w", ErrHalted, cause)
	g.mu.Lock()
	g.halted, g.settling = err, true
	late := g.queue
	g.queue = queue{}
	g.pending = 0
	g.mu.Unlock()

	for _, list := range [][]waiting{failed, late.waiting} {
		for _, w := range list {
			if w.done != nil {
				w.done(err)
			}
		}
	}

	g.mu.Lock()
	g.settling = false
	g.calm.Broadcast()
	listeners := g.onHalt
	g.mu.Unlock()
	for _, f := range listeners {
		f(err)
	}
}

// unobserved stands for no observer.
type unobserved struct{}

func (unobserved) Appended(time.Duration)       {}
func (unobserved) Committed(int, time.Duration) {}
func (unobserved) Failed(string)                {}
