package loadtest

import (
	"context"
	"fmt"
	"time"

	"maskswitch/loadtest/carrier"
	"maskswitch/loadtest/market"
	"maskswitch/loadtest/party"
)

// prepare fills the pool, opens the first bookings and proves the wiring, so
// that what is measured is a switch at work. The instant 0 of the run is
// chosen here: bookings that are to end at an instant of the plan need to know
// it when they are opened.
func (r *run) prepare(ctx context.Context) error {
	p := &r.Plan
	proxies := market.Proxies(p.Numbers)
	if err := r.desk.addNumbers(proxies); err != nil {
		return fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	if err := r.probe(ctx, proxies[0]); err != nil {
		return err
	}
	first := r.market.WarmUp()
	start := time.Now()
	r.began = start.Add(time.Duration(p.Warmup))
	r.Note(fmt.Sprintf("opening %d bookings", len(first)))
	due := func(i int) time.Time {
		return start.Add(time.Duration(float64(p.Warmup) * .9 * float64(i) / float64(len(first))))
	}
	for i, b := range first {
		r.first[b.N] = r.began.Add(b.Lasts).Sub(due(i)).Hours()
	}
	for i, b := range first {
		due := due(i)
		if !sleepUntil(ctx, due) {
			return context.Cause(ctx)
		}
		select { // the warm-up waits for its turn: nothing is measured yet
		case r.clients <- struct{}{}:
			<-r.clients
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		r.errand(market.Op{At: due.Sub(r.began), Kind: market.Open, Booking: b}, due)
	}
	if !r.waitErrands(ctx, 30*time.Second) {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		r.notes.add("Some bookings of the warm-up were still on their way when the calls began.")
	}
	if late := time.Since(r.began); late > 0 {
		r.notes.add(fmt.Sprintf("The warm-up took %v longer than the plan gives it; bookings end that much earlier in the run.", late.Round(time.Millisecond)))
		r.began = time.Now()
	}
	if !sleepUntil(ctx, r.began) {
		return context.Cause(ctx)
	}
	return nil
}

// probeTime is how long the switch may take over the first call of all.
const probeTime = 10 * time.Second

// probe lets somebody without a booking dial a number of the pool. Whatever the
// switch does with him, it shows whether webhooks arrive and commands come.
func (r *run) probe(ctx context.Context, proxy string) error {
	script := party.Script{Patience: time.Duration(float64(probeTime) * r.Plan.Carrier.Speed)}
	call := r.fake.Place(carrier.Placement{Key: probeKey, From: probeCaller, To: proxy, Script: script})
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	defer call.HangUp(party.Caller)
	_ = call.Await(ctx, func(l carrier.Ledger) bool {
		if len(l.Commands) > 0 || l.Over {
			return true
		}
		e, ok := l.Event("A", "call.initiated")
		return ok && e.Refused
	})
	l := call.Ledger()
	if len(l.Commands) > 0 {
		return nil
	}
	e, _ := l.Event("A", "call.initiated")
	last := carrier.Delivery{}
	if n := len(e.Deliveries); n > 0 {
		last = e.Deliveries[n-1]
	}
	switch {
	case last.Status == 401 || last.Status == 403:
		return fmt.Errorf("%w: it refuses the tester's webhooks with %d; start it with TELNYX_PUBLIC_KEY=%s", ErrUnreachable, last.Status, r.fake.PublicKey())
	case e.Accepted:
		return fmt.Errorf("%w: it took a webhook and sent no command to the tester's carrier; start it with TELNYX_BASE_URL=%s", ErrUnreachable, r.fake.BaseURL())
	}
	return fmt.Errorf("%w: POST %s/webhooks/voice: status %d %s", ErrUnreachable, r.Target, last.Status, last.Err)
}

// probeCaller is nobody: it is in none of the ranges of the market.
const probeCaller = "+15005550199"

// probeKey is the probe's number, out of the way of the plan's calls.
const probeKey = 1 << 62

// sleepUntil waits; it reports false if ctx ended before.
func sleepUntil(ctx context.Context, at time.Time) bool {
	d := time.Until(at)
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// waitErrands waits for the requests under way; false if they took too long.
func (r *run) waitErrands(ctx context.Context, patience time.Duration) bool {
	done := make(chan struct{})
	go func() {
		r.errands.Wait()
		close(done)
	}()
	t := time.NewTimer(patience)
	defer t.Stop()
	select {
	case <-done:
		return true
	case <-t.C:
	case <-ctx.Done():
	}
	return false
}
