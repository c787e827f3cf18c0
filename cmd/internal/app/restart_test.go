package app

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"

	"maskswitch/actors/protocol"
	"maskswitch/loadtest/carrier"
	"maskswitch/loadtest/party"
)

// A call outlives the process that carried it, and so does everything that a
// marketplace was told.
func TestRestart(t *testing.T) {
	t.Parallel()
	r := newRig(t, carrier.Config{})
	kept, gone := r.book(), r.book()
	r.must("DELETE", "/bookings/"+gone.ID, nil, nil)
	talking := r.call(kept, party.Script{})
	other := r.book()
	leaving := r.call(other, party.Script{})
	ringing := r.book()
	waiting := r.call(ringing, party.Script{Callee: party.RingOut})
	for _, k := range []*carrier.Call{talking, leaving} {
		r.await(k, "they talk and are recorded", done("record_start"))
		r.await(k, "B's answer is written", taken("B", "call.answered"))
	}
	r.await(waiting, "B's ring is written", taken("B", "call.bridged"))
	var before, after string
	r.must("GET", "/bookings", nil, &before)

	r.halt()
	// While nobody listens, two people hang up: the carrier delivers it later.
	leaving.HangUp(party.Caller)
	r.await(leaving, "the hangup meets a shut door", func(l carrier.Ledger) bool {
		e, ok := l.Event("A", "call.hangup")
		return ok && len(e.Deliveries) > 0 && e.Deliveries[0].Status != http.StatusOK
	})
	r.boot()

	r.must("GET", "/bookings", nil, &after)
	if before != after || !strings.Contains(after, kept.ID) || strings.Contains(after, gone.ID) {
		t.Errorf("the bookings were\n%s\nand are\n%s", before, after)
	}
	m := r.metrics()
	if m[`maskswitch_pool_numbers{region="US",state="serving"}`] != 2 || m[`maskswitch_bookings_open{region="US"}`] != 3 {
		t.Error("the pool is not what it was")
	}
	r.until("the talk is not counted", func() bool { return r.metrics()[`maskswitch_calls_active{state="talking"}`] >= 1 })
	var again stay
	r.must("POST", "/bookings", map[string]any{"party_a": kept.a, "party_b": kept.b, "booking_id": kept.ID}, &again)
	if again.Proxy != kept.Proxy {
		t.Error("the same booking again has another number")
	}

	r.judge(leaving, other, protocol.OutcomeTalked)
	if l := talking.Ledger(); len(l.Alive()) != 2 {
		t.Errorf("the talk did not go on:\n%s", l.Ladder())
	}
	talking.HangUp(party.Callee)
	waiting.PickUp()
	r.await(waiting, "the call that rang is recorded", done("record_start"))
	waiting.HangUp(party.Caller)
	for _, c := range []struct {
		*carrier.Call
		stay
	}{{talking, kept}, {waiting, ringing}} {
		row := r.judge(c.Call, c.stay, protocol.OutcomeTalked)
		l := c.Ledger()
		if l.Effects("transfer") != 1 || l.Effects("record_start") != 1 || r.recordings(row) != 1 {
			t.Errorf("a call was not just carried on:\n%s", l.Ladder())
		}
	}
	// A late caller of the booking that ended is still known for one.
	r.judge(r.call(gone, party.Script{}), gone, protocol.OutcomeNoBooking)
}

// Before it is ready and while it drains, the switch asks for everything to be
// sent again.
func TestNotReady(t *testing.T) {
	t.Parallel()
	r := newRig(t, carrier.Config{})
	s := r.book()
	r.halt()

	r.make()
	early := httptest.NewServer(r.app.api.Handler)
	defer early.Close()
	admin := httptest.NewServer(r.app.admin.Handler)
	defer admin.Close()
	refuses := func(url, adminURL string) {
		t.Helper()
		var text string
		if status := r.fetch("GET", adminURL+"/readyz", nil, &text); status != http.StatusServiceUnavailable {
			t.Errorf("/readyz is %d %s", status, text)
		}
		if status := r.fetch("GET", adminURL+"/healthz", nil, nil); status != http.StatusOK {
			t.Errorf("/healthz is %d", status)
		}
		if status := r.fetch("GET", url+"/health", nil, nil); status != http.StatusServiceUnavailable {
			t.Errorf("/health is %d", status)
		}
		booking := fmt.Sprintf(`{"party_a":%q,"party_b":%q}`, r.person(), r.person())
		if status := r.fetch("POST", url+"/bookings", strings.NewReader(booking), nil); status != http.StatusServiceUnavailable {
			t.Errorf("POST /bookings is %d", status)
		}
	}
	refused := func(leg, kind string) func(carrier.Ledger) bool {
		return func(l carrier.Ledger) bool {
			e, ok := l.Event(leg, kind)
			return ok && len(e.Deliveries) > 0 && e.Deliveries[0].Status == http.StatusServiceUnavailable
		}
	}
	refuses(early.URL, admin.URL)
	r.listen(early.URL)
	k := r.call(s, party.Script{})
	r.await(k, "the ring comes too early", refused("A", "call.initiated"))
	r.listen(r.app.URL())
	if err := r.app.Start(r.ctx); err != nil {
		t.Fatal(err)
	}
	if status := r.fetch("GET", r.app.AdminURL()+"/readyz", nil, nil); status != http.StatusOK {
		t.Errorf("/readyz is %d", status)
	}
	r.await(k, "they talk all the same", done("record_start"))
	r.await(k, "B's answer is written", taken("B", "call.answered"))

	r.app.sw.Drain()
	refuses(r.app.URL(), r.app.AdminURL())
	k.HangUp(party.Caller)
	r.await(k, "the hangup comes too late", refused("A", "call.hangup"))
	r.halt()
	r.boot()
	r.judge(k, s, protocol.OutcomeTalked)
}

func TestOneProcessForOneStore(t *testing.T) {
	t.Parallel()
	r := newRig(t, carrier.Config{})
	s := r.book()
	c := r.load()
	a, err := New(r.ctx, c, newLog(c, r.log, false))
	if err == nil {
		a.release()
		t.Fatal("two processes have one store")
	}
	for _, word := range []string{"DATA_DIR", r.env["DATA_DIR"], "in use by another process", strconv.Itoa(os.Getpid())} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("the error does not say %q: %v", word, err)
		}
	}
	r.judge(r.call(s, party.Talks(0, talk)), s, protocol.OutcomeTalked)

	// What New had taken by then it gives back.
	for _, setting := range []string{"PORT", "ADMIN_ADDR"} {
		c := r.load()
		c.DataDir = t.TempDir()
		c.Port, c.AdminAddr = "0", "127.0.0.1:0"
		if taken := r.app.apiAt.Addr().String(); setting == "PORT" {
			c.Port = taken[strings.LastIndexByte(taken, ':')+1:]
		} else {
			c.AdminAddr = taken
		}
		for range 2 {
			if _, err := New(r.ctx, c, newLog(c, r.log, false)); err == nil || !strings.Contains(err.Error(), setting) {
				t.Errorf("an address in use: %v", err)
			}
		}
	}
}

// Run serves until it is told to stop, and not longer.
func TestRun(t *testing.T) {
	t.Parallel()
	r := newRig(t, carrier.Config{})
	s := r.book()
	r.halt()
	r.make()
	ctx, cancel := context.WithCancel(r.ctx)
	ended := make(chan error, 1)
	go func() { ended <- r.app.Run(ctx) }()
	r.judge(r.call(s, party.Talks(0, talk)), s, protocol.OutcomeTalked)
	url := r.app.URL()
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("Run: %v", err)
	}
	r.app = nil
	if answer, err := http.Get(url + "/health"); err == nil {
		answer.Body.Close()
		t.Error("the address is still served")
	}
	r.boot() // the store is free again
}
