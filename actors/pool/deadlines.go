package pool

import (
	"math"
	"time"
)

// deadlines is a heap of instants, the earliest on top: 24 bytes a booking,
// where a timer each would cost 140 and a goroutine when it fires. An entry is
// not taken out when a booking ends early or gets another end; whoever gets the
// message looks whether it still concerns him.
type deadlines[T any] struct{ heap []deadline[T] }

type deadline[T any] struct {
	at   int64 // unix microseconds
	what T
}

func (d *deadlines[T]) push(at time.Time, what T) {
	d.heap = append(d.heap, deadline[T]{at.UnixMicro(), what})
	i := len(d.heap) - 1
	for i > 0 {
		up := (i - 1) / 2
		if d.heap[up].at <= d.heap[i].at {
			break
		}
		d.heap[up], d.heap[i] = d.heap[i], d.heap[up]
		i = up
	}
}

// never is later than every deadline.
const never = math.MaxInt64

// next is the earliest instant in unix microseconds, never if there is none.
func (d *deadlines[T]) next() int64 {
	if len(d.heap) == 0 {
		return never
	}
	return d.heap[0].at
}

func (d *deadlines[T]) len() int { return len(d.heap) }

// keep throws out every entry that is not wanted.
func (d *deadlines[T]) keep(wanted func(T) bool) {
	all := d.heap
	d.heap = make([]deadline[T], 0, len(all)/2)
	for _, entry := range all {
		if wanted(entry.what) {
			d.heap = append(d.heap, entry)
		}
	}
	for i := len(d.heap)/2 - 1; i >= 0; i-- {
		d.sink(i)
	}
}

// due takes off the earliest entry if its instant has come.
func (d *deadlines[T]) due(now time.Time) (what T, at time.Time, ok bool) {
	if len(d.heap) == 0 || d.heap[0].at > now.UnixMicro() {
		return what, at, false
	}
	top := d.heap[0]
	last := len(d.heap) - 1
	d.heap[0] = d.heap[last]
	d.heap[last] = deadline[T]{}
	d.heap = d.heap[:last]
	d.sink(0)
	return top.what, time.UnixMicro(top.at), true
}

// sink lets an entry down to where it belongs.
func (d *deadlines[T]) sink(i int) {
	for {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(d.heap); child++ {
			if d.heap[child].at < d.heap[least].at {
				least = child
			}
		}
		if least == i {
			return
		}
		d.heap[i], d.heap[least] = d.heap[least], d.heap[i]
		i = least
	}
}
