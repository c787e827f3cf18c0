package carrier

import (
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// bucket holds the requests that may still come: one second's worth when it is
// full. It belongs to all callers of the API together, as the limit of an
// account does.
type bucket struct {
	mu     sync.Mutex
	limit  int
	tokens float64
	at     time.Time
}

// take lets one request pass. If none is left it returns how long to wait for
// the next, in whole seconds, as the carrier tells it.
func (b *bucket) take(limit int) time.Duration {
	if limit <= 0 {
		return 0
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fill(limit)
	if b.tokens < 1 {
		return roundUp((1 - b.tokens) / float64(limit))
	}
	b.tokens--
	return 0
}

// fill adds what has come in since the last time. A new limit starts full.
func (b *bucket) fill(limit int) {
	now := time.Now()
	if b.limit != limit {
		b.limit, b.tokens = limit, float64(limit)
	} else {
		b.tokens = min(b.tokens+now.Sub(b.at).Seconds()*float64(limit), float64(limit))
	}
	b.at = now
}

// tell writes what the carrier documents of a limit: how many requests a
// second, how many are left, and in how many seconds all are there again.
func (b *bucket) tell(h http.Header, limit int) {
	b.mu.Lock()
	b.fill(limit)
	left := int(b.tokens)
	reset := roundUp((float64(limit) - b.tokens) / float64(limit))
	b.mu.Unlock()
	h.Set("x-ratelimit-limit", strconv.Itoa(limit))
	h.Set("x-ratelimit-remaining", strconv.Itoa(left))
	h.Set("x-ratelimit-reset", strconv.Itoa(int(reset.Seconds())))
}

func roundUp(seconds float64) time.Duration {
	return time.Duration(math.Ceil(seconds)) * time.Second
}
