package pool

import "iter"

// ahead reads a sequence in a goroutine of its own, some portions ahead of
// whoever uses it: of a start with a million bookings, reading rows is one half
// and taking them in the other. The goroutine is gone when the loop is.
func ahead[T any](seq iter.Seq2[T, error]) iter.Seq2[T, error] {
	type pair struct {
		value T
		err   error
	}
	const size, portions = 256, 8
	return func(yield func(T, error) bool) {
		full := make(chan []pair, portions)
		enough := make(chan struct{})
		go func() {
			defer close(full)
			batch := make([]pair, 0, size)
			send := func() bool {
				select {
				case <-enough:
					return false
				default:
				}
				select {
				case full <- batch:
					batch = make([]pair, 0, size)
					return true
				case <-enough:
					return false
				}
			}
			for value, err := range seq {
				if batch = append(batch, pair{value, err}); len(batch) == size && !send() {
					return
				}
			}
			send()
		}()
		// Also waits for the goroutine, which may hold a transaction.
		defer func() {
			close(enough)
			for range full {
			}
		}()
		for batch := range full {
			for _, p := range batch {
				if !yield(p.value, p.err) {
					return
				}
			}
		}
	}
}
