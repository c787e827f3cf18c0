package pool

import "time"

// deadlines is a heap of instants, the earliest on top: 24 bytes a booking,
// where a timer each would cost 140 and a goroutine when it fires. Entries are
// not removed when a booking ends early; whoever gets the message looks whether
// it still concerns him.
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

// next is the earliest instant; false if there is none.
func (d *deadlines[T]) next() (time.Time, bool) {
	if len(d.heap) == 0 {
		return time.Time{}, false
	}
	return time.UnixMicro(d.heap[0].at), true
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
	for i := 0; ; {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < last; child++ {
			if d.heap[child].at < d.heap[least].at {
				least = child
			}
		}
		if least == i {
			break
		}
		d.heap[i], d.heap[least] = d.heap[least], d.heap[i]
		i = least
	}
	return top.what, time.UnixMicro(top.at), true
}
