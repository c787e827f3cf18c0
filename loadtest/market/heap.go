package market

// ordered is what a heap can hold.
type ordered[T any] interface {
	before(T) bool
}

// heap is a binary heap of values: the one that is before all others is first.
// The standard library's boxes every value that goes through it.
type heap[T ordered[T]] []T

func (h *heap[T]) push(v T) {
	s := append(*h, v)
	i := len(s) - 1
	for i > 0 {
		up := (i - 1) / 2
		if !v.before(s[up]) {
			break
		}
		s[i] = s[up]
		i = up
	}
	s[i] = v
	*h = s
}

func (h *heap[T]) pop() T {
	s := *h
	first, last := s[0], len(s)-1
	var none T
	v := s[last]
	s[last] = none // what it points to can be freed
	s = s[:last]
	if last > 0 {
		s.sink(v)
	}
	*h = s
	return first
}

// replace puts v into the place of the first.
func (h *heap[T]) replace(v T) { h.sink(v) }

// sink puts v where it belongs, beginning at the empty top.
func (h heap[T]) sink(v T) {
	i := 0
	for {
		down := 2*i + 1
		if down >= len(h) {
			break
		}
		if down+1 < len(h) && h[down+1].before(h[down]) {
			down++
		}
		if !h[down].before(v) {
			break
		}
		h[i] = h[down]
		i = down
	}
	h[i] = v
}
