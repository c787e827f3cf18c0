package carrier

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"maskswitch/loadtest/party"
)

func TestWhatIsDeliveredAgain(t *testing.T) {
	for _, c := range []struct {
		status int
		again  bool
	}{
		{408, true}, {429, true}, {500, true}, {503, true}, {307, true},
		{400, false}, {401, false}, {403, false}, {404, false}, {410, false},
	} {
		r := newRig(t, Config{}, idle, func(r *rig) {
			r.hear = func(d received) int {
				if d.kind == "call.initiated" && d.attempt < 3 {
					return c.status
				}
				return 200
			}
		})
		l := r.finish(r.place(party.GivesUp(5 * time.Millisecond)))
		e, _ := l.Event("A", "call.initiated")
		var attempts []int
		for _, d := range r.deliveries("call.initiated") {
			if d.id != e.ID {
				t.Errorf("%d: the id changed", c.status)
			}
			attempts = append(attempts, d.attempt)
		}
		if c.again && (!slices.Equal(attempts, []int{1, 2, 3}) || !e.Accepted || e.Refused) {
			t.Errorf("%d: attempts %v, event %+v", c.status, attempts, e)
		}
		if !c.again && (!slices.Equal(attempts, []int{1}) || e.Accepted || !e.Refused || r.Totals().Refused != 1) {
			t.Errorf("%d: attempts %v, event %+v", c.status, attempts, e)
		}
		for i, d := range e.Deliveries {
			if d.Attempt != i+1 || d.Took <= 0 || d.Sent.Before(d.Due) {
				t.Errorf("%d: delivery %+v", c.status, d)
			}
		}
	}
}

func TestDeliveriesEndAfterTheLastPause(t *testing.T) {
	r := newRig(t, Config{}, idle, func(r *rig) { r.hear = func(received) int { return 503 } })
	l := r.finish(r.place(party.GivesUp(5 * time.Millisecond)))
	for _, e := range l.Events {
		if len(e.Deliveries) != 4 || e.Accepted || !e.GivenUp { // three pauses
			t.Errorf("%s: %d deliveries, given up %t", e.Kind, len(e.Deliveries), e.GivenUp)
		}
	}
	if got := r.Totals().GivenUp; got != 2 {
		t.Errorf("%d given up, want 2", got)
	}
}

func TestASwitchThatHangsOrIsDown(t *testing.T) {
	release := make(chan struct{})
	var calls atomic.Int32
	r := newRig(t, Config{WebhookTimeout: 30 * time.Millisecond, RetryDelays: slices.Repeat([]time.Duration{10 * time.Millisecond}, 500)}, idle, func(r *rig) {
		r.hear = func(d received) int {
			if calls.Add(1) == 1 {
				<-release
			}
			return 200
		}
	})
	k := r.place(party.Script{})
	l := r.await(k, "the second attempt", taken("A", "call.initiated"))
	close(release)
	e, _ := l.Event("A", "call.initiated")
	if d := e.Deliveries[0]; d.Status != 0 || d.Err == "" || d.Took < 30*time.Millisecond {
		t.Errorf("the attempt that hung: %+v", d)
	}

	// The switch dies, and comes back on another address.
	r.server.CloseClientConnections()
	down := httptest.NewServer(http.NotFoundHandler())
	r.SetWebhookURL(down.URL)
	down.Close()
	k.HangUp(party.Caller)
	r.await(k, "three attempts fail", func(l Ledger) bool {
		e, _ := l.Event("A", "call.hangup")
		return len(e.Deliveries) >= 3
	})
	r.SetWebhookURL(r.server.URL)
	l = r.finish(k)
	if e, _ := l.Event("A", "call.hangup"); !e.Accepted || e.Deliveries[len(e.Deliveries)-1].Status != 200 {
		t.Errorf("it did not outlast the restart: %+v", e)
	}
}

func TestPoliciesOfCommandsAreHonoured(t *testing.T) {
	c := New(Config{})
	defer c.Close()
	k := newCall(c, 1, alice, proxy, party.Script{})
	a := k.newLeg("A", alice, proxy)
	if got := c.gaps(a, "call.hangup"); !slices.Equal(got, defaultRetries) {
		t.Errorf("without a policy: %v", got)
	}
	in, p := transferRules.read([]byte(`{"to":"` + bob + `","webhook_retries_policies":{"call.hangup":{"retries_ms":[1000,59000]},"call.answered":{"retries_ms":[]}}}`))
	if p != nil {
		t.Fatal(p.detail)
	}
	a.stage = up
	k.mu.Lock()
	_, p = k.apply(a, actions["transfer"], in)
	k.mu.Unlock()
	if p != nil {
		t.Fatal(p.detail)
	}
	if got := c.gaps(a, "call.hangup"); !slices.Equal(got, []time.Duration{time.Second, 59 * time.Second}) {
		t.Errorf("with a policy: %v", got)
	}
	if got := c.gaps(a, "call.answered"); len(got) != 0 {
		t.Errorf("a policy of no pauses: %v", got)
	}
	if got := c.gaps(a, "call.bridged"); !slices.Equal(got, defaultRetries) {
		t.Errorf("an event without policy: %v", got)
	}
	c.cfg.RetryDelays = []time.Duration{1}
	if got := c.gaps(a, "call.hangup"); len(got) != 1 {
		t.Errorf("the configuration must win: %v", got)
	}
}

func TestAnsweredArrivesBeforeInitiated(t *testing.T) {
	answered := make(chan struct{})
	r := newRig(t, Config{
		OnDelivery: func(e Event) *Plan {
			if e.Kind == "call.initiated" && e.Leg == "A" {
				return &Plan{Until: answered}
			}
			return nil
		},
	}, idle)
	k, a := r.parked()
	r.act(a, "answer", nil)
	r.await(k, "answered is taken", taken("A", "call.answered"))
	if n := len(r.deliveries("call.initiated")); n != 0 {
		t.Errorf("%d initiated came first", n)
	}
	close(answered)
	r.await(k, "initiated is taken", taken("A", "call.initiated"))
	k.HangUp(party.Caller)
	r.finish(k)
}

func TestOneEventEightTimesAtOnce(t *testing.T) {
	const copies = 8
	var inside atomic.Int32
	together := make(chan struct{})
	r := newRig(t, Config{
		OnDelivery: func(e Event) *Plan {
			if e.Kind == "call.initiated" {
				return &Plan{Copies: copies}
			}
			return nil
		},
	}, idle, func(r *rig) {
		r.hear = func(d received) int {
			if d.kind == "call.initiated" {
				if inside.Add(1) == copies {
					close(together)
				}
				select {
				case <-together:
				case <-time.After(10 * time.Second):
					r.Error("the copies did not come at once")
				}
			}
			return 200
		}
	})
	l := r.finish(r.place(party.GivesUp(5 * time.Millisecond)))
	e, _ := l.Event("A", "call.initiated")
	if len(e.Deliveries) != copies || len(r.deliveries("call.initiated")) != copies {
		t.Errorf("%d deliveries", len(e.Deliveries))
	}
	for _, d := range r.deliveries("call.initiated") {
		if d.id != e.ID || d.attempt != 1 {
			t.Errorf("a copy has id %s and attempt %d", d.id, d.attempt)
		}
	}
}

func TestHeldLostAndDroppedEvents(t *testing.T) {
	r := newRig(t, Config{
		OnDelivery: func(e Event) *Plan {
			switch e.Kind {
			case "call.initiated":
				return &Plan{Lose: 2}
			case "call.answered":
				return &Plan{Hold: 40 * time.Millisecond}
			case "call.hangup":
				return &Plan{Drop: true}
			}
			return nil
		},
	}, idle)
	k, a := r.parked()
	r.act(a, "answer", nil)
	r.await(k, "answered is taken", taken("A", "call.answered"))
	r.await(k, "initiated is taken", taken("A", "call.initiated"))
	k.HangUp(party.Caller)
	l := r.finish(k)
	if e, _ := l.Event("A", "call.initiated"); len(e.Deliveries) != 3 || !e.Deliveries[1].Lost || e.Deliveries[2].Lost {
		t.Errorf("lost twice: %+v", e.Deliveries)
	}
	if got := r.deliveries("call.initiated"); len(got) != 1 || got[0].attempt != 3 {
		t.Errorf("the switch saw %d, the first as attempt %d", len(got), got[0].attempt)
	}
	if e, _ := l.Event("A", "call.answered"); e.Deliveries[0].Sent.Sub(e.At) < 40*time.Millisecond {
		t.Error("answered was not held back")
	}
	if e, _ := l.Event("A", "call.hangup"); len(e.Deliveries) != 0 || !e.GivenUp {
		t.Errorf("dropped: %+v", e)
	}
}

func TestDeliveriesAreBounded(t *testing.T) {
	const senders = 3
	var now, most atomic.Int32
	full, once := make(chan struct{}), sync.Once{}
	r := newRig(t, Config{Senders: senders}, idle, func(r *rig) {
		r.hear = func(received) int {
			n := now.Add(1)
			defer now.Add(-1)
			for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
			}
			if n == senders {
				once.Do(func() { close(full) })
			}
			<-full
			return 200
		}
	})
	for range 40 {
		r.place(party.GivesUp(time.Millisecond))
	}
	if err := r.Wait(r.ctx); err != nil {
		t.Fatal(err)
	}
	if m := most.Load(); m != senders {
		t.Errorf("%d deliveries at once, want %d", m, senders)
	}
}
