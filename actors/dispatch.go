package actors

import "sync/atomic"

// dispatcher runs mailboxes, and commands on their way, on goroutines that it
// keeps. The library's own starts a new one each time a mailbox has something,
// and a new goroutine grows its stack anew under every step of a call.
type dispatcher struct {
	jobs chan func()
	idle atomic.Int32
	over chan struct{}
}

// keptMost is how many goroutines wait for work at the most.
const keptMost = 256

func newDispatcher() *dispatcher {
	return &dispatcher{jobs: make(chan func()), over: make(chan struct{})}
}

// Schedule implements actor.Dispatcher. It never waits.
func (d *dispatcher) Schedule(job func()) {
	select {
	case d.jobs <- job:
	default:
		go d.work(job)
	}
}

// Throughput implements actor.Dispatcher: how many messages a mailbox handles
// before others get a turn. It is the library's own figure.
func (d *dispatcher) Throughput() int { return 300 }

func (d *dispatcher) work(job func()) {
	for {
		job()
		if d.idle.Add(1) > keptMost {
			d.idle.Add(-1)
			return
		}
		select {
		case job = <-d.jobs:
			d.idle.Add(-1)
		case <-d.over:
			return
		}
	}
}

// close lets the waiting goroutines go. What is scheduled after it still runs.
func (d *dispatcher) close() { close(d.over) }
