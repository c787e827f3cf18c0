package carrier

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"
)

func TestTheBucketHoldsOneSecondsWorth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b bucket
		passes := func(limit int) int {
			n := 0
			for b.take(limit) == 0 {
				n++
			}
			return n
		}
		for _, c := range []struct {
			after time.Duration
			limit int
			want  int
		}{
			{0, 20, 20}, {50 * time.Millisecond, 20, 1}, {500 * time.Millisecond, 20, 10},
			{time.Hour, 20, 20}, {0, 5, 5}, {time.Second, 5, 5},
		} {
			time.Sleep(c.after)
			if got := passes(c.limit); got != c.want {
				t.Errorf("%v later %d pass, want %d", c.after, got, c.want)
			}
		}
		if wait := b.take(5); wait != time.Second {
			t.Errorf("wait %v, want a second, as the carrier has no fractions", wait)
		}
		if b.take(0) != 0 {
			t.Error("no limit lets nobody pass")
		}
	})
}

func TestTheRateLimitIsTold(t *testing.T) {
	const limit = 3
	r := newRig(t, Config{Faults: Faults{RateLimit: limit}}, idle)
	k, a := r.parked()
	ask := func() *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		r.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/v2/calls/"+a, nil))
		return w
	}
	// The bucket fills while the test runs: what counts is that it agrees with itself.
	first := ask()
	if first.Code != 200 || first.Header().Get("x-ratelimit-limit") != "3" || first.Header().Get("x-ratelimit-remaining") != "2" ||
		first.Header().Get("x-ratelimit-reset") != "1" {
		t.Errorf("%d %v", first.Code, first.Header())
	}
	var refused *httptest.ResponseRecorder
	for refused == nil {
		if w := ask(); w.Code != 200 {
			refused = w
		}
	}
	h := refused.Header()
	if refused.Code != 429 || h.Get("retry-after") != "1" || h.Get("x-ratelimit-limit") != "3" || h.Get("x-ratelimit-remaining") != "0" || h.Get("x-ratelimit-reset") != "1" {
		t.Errorf("%d %v %s", refused.Code, h, refused.Body)
	}
	l := k.Ledger()
	last := l.Commands[len(l.Commands)-1]
	if !last.Faulted || last.Status != 429 || last.Code != "10011" || l.Commands[0].Faulted {
		t.Errorf("the ledger has %+v", last)
	}
	r.SetFaults(Faults{})
	if w := ask(); w.Code != 200 || w.Header().Get("x-ratelimit-limit") != "" {
		t.Errorf("without limit: %d %v", w.Code, w.Header())
	}
}
