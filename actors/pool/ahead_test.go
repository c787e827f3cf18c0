package pool

import (
	"errors"
	"testing"
)

func TestAheadIsTheSameSequence(t *testing.T) {
	broken := errors.New("broken")
	for _, n := range []int{0, 1, 255, 256, 257, 10_000} {
		for _, stop := range []int{-1, 0, 100, 300, n - 1} {
			read, over := 0, false
			seq := func(yield func(int, error) bool) {
				defer func() { over = true }()
				for i := range n {
					read++
					if !yield(i, nil) {
						return
					}
				}
				yield(0, broken)
			}
			i, failed := 0, error(nil)
			for got, err := range ahead(seq) {
				if err != nil {
					failed = err
					break
				}
				if got != i {
					t.Fatalf("%d comes %dth", got, i)
				}
				i++
				if i == stop {
					break
				}
			}
			switch {
			case !over:
				t.Errorf("%d of %d: the reader is still at work", stop, n)
			case stop > 0 && stop < n && (i != stop || failed != nil || read > stop+12*256):
				t.Errorf("stopped at %d of %d: got %d, read %d, %v", stop, n, i, read, failed)
			case (stop <= 0 || stop > n) && (i != n || !errors.Is(failed, broken)):
				t.Errorf("all %d: got %d, %v", n, i, failed)
			}
		}
	}
}
