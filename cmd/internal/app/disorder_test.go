package app

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"maskswitch/actors/protocol"
	"maskswitch/loadtest/carrier"
	"maskswitch/loadtest/party"
)

// noted is an event on which nothing is decided: of it a call keeps nothing but
// a line in its story, one for each time that it comes.
const noted = "call.speak.started"

// Each event of each call comes eight times at once: it happens once.
func TestEightCopies(t *testing.T) {
	t.Parallel()
	const copies = 8
	r := newRig(t, carrier.Config{OnDelivery: func(carrier.Event) *carrier.Plan { return &carrier.Plan{Copies: copies} }})
	s := r.book()
	for _, c := range []struct {
		from   string
		script party.Script
		want   protocol.Outcome
	}{
		{s.a, party.Talks(20*time.Millisecond, talk), protocol.OutcomeTalked},
		{s.a, party.Script{Callee: party.Busy}, protocol.OutcomeBusy},
		{r.person(), party.Script{}, protocol.OutcomeStranger},
	} {
		k := r.PlaceCall(c.from, s.Proxy, c.script)
		row := r.judge(k, s, c.want)
		for _, cmd := range k.Ledger().Commands {
			if cmd.Attempt > 1 || cmd.Status != http.StatusOK {
				t.Errorf("%s came as attempt %d and got %d:\n%s", cmd.Action, cmd.Attempt, cmd.Status, k.Ladder())
			}
		}
		heard, repeats := map[string]int{}, 0
		for _, line := range r.story(row) {
			var l struct {
				Event, Leg, ID string
				Repeat         bool
			}
			if err := json.Unmarshal([]byte(line), &l); err != nil {
				t.Fatal(err)
			}
			if l.Repeat {
				repeats++
			}
			if l.Event == "" || l.Event == noted || l.Repeat {
				continue
			}
			if heard[l.ID]++; heard[l.ID] > 1 {
				t.Errorf("the story tells %s of leg %s twice, and not as a repeat", l.Event, l.Leg)
			}
		}
		if repeats == 0 {
			t.Error("the story tells of no repeat")
		}
		if want := len(k.Ledger().Recordings); r.recordings(row) != want {
			t.Errorf("%d recordings in the store, %d at the carrier", r.recordings(row), want)
		}
	}
	var events, accepted, duplicate float64
	for _, k := range r.Calls() {
		for _, e := range k.Ledger().Events {
			if e.Kind != noted {
				events++
			}
		}
	}
	r.untilOr(5*time.Second, func() bool { // a webhook counts once it is answered
		accepted, duplicate = 0, 0
		for series, n := range r.metrics() {
			switch {
			case !strings.HasPrefix(series, "maskswitch_webhooks_total") || strings.Contains(series, `event="other"`):
			case strings.Contains(series, `result="accepted"`):
				accepted += n
			case strings.Contains(series, `result="duplicate"`):
				duplicate += n
			}
		}
		return accepted+duplicate >= copies*events
	})
	if accepted != events || duplicate != (copies-1)*events {
		t.Errorf("%v events came %d times: %v accepted, %v duplicate", events, copies, accepted, duplicate)
	}
}

// A caller who leaves before the switch has heard of him gets no command at
// all, when his ring comes in the end.
func TestHangupBeforeRing(t *testing.T) {
	t.Parallel()
	late := make(chan struct{})
	r := newRig(t, carrier.Config{OnDelivery: func(e carrier.Event) *carrier.Plan {
		if e.Kind == "call.initiated" {
			return &carrier.Plan{Until: late, Copies: 2}
		}
		return nil
	}})
	s := r.book()
	calls := []*carrier.Call{r.call(s, party.Script{}), r.PlaceCall(r.person(), s.Proxy, party.Script{})}
	for _, k := range calls {
		k.HangUp(party.Caller)
		r.await(k, "the hangup overtakes", taken("A", "call.hangup"))
	}
	close(late)
	for i, want := range []protocol.Outcome{protocol.OutcomeAbandoned, protocol.OutcomeStranger} {
		r.judge(calls[i], s, want)
		if l := calls[i].Ledger(); len(l.Commands) > 0 {
			t.Errorf("commands went to a caller who had left:\n%s", l.Ladder())
		}
	}
	if m := r.metrics(); m["maskswitch_calls_stuck_total"] != 0 {
		t.Error("they count as stuck")
	}
}

// front stands between carrier and switch, and can keep either from hearing
// the other.
type front struct {
	*httptest.Server
	to   atomic.Pointer[string]
	fate func(kind, to string) fate
}

// fate of a webhook. An unheard one reaches the switch, and the carrier does
// not learn of it: as if the process had died before it wrote.
type fate int

const (
	passes fate = iota
	unheard
	refused
)

// guard puts a front before the switch.
func (r *rig) guard(of func(kind, to string) fate) {
	r.door = &front{fate: of}
	r.door.Server = httptest.NewServer(r.door)
	r.Cleanup(r.door.Close)
	r.listen(r.app.URL())
}

func (f *front) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	body, err := io.ReadAll(q.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	var doc struct {
		Data struct {
			Kind    string `json:"event_type"`
			Payload struct{ To string }
		}
	}
	_ = json.Unmarshal(body, &doc)
	does := f.fate(doc.Data.Kind, doc.Data.Payload.To)
	if does == refused {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	onward, err := http.NewRequestWithContext(q.Context(), q.Method, *f.to.Load(), bytes.NewReader(body))
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	onward.Header = q.Header
	answer, err := http.DefaultClient.Do(onward)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	answer.Body.Close()
	if does == unheard {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(answer.StatusCode)
}

// succeed replaces the switch by one that starts from the store as it was in
// the folder from: what the old one wrote since then never reached the disk.
func (r *rig) succeed(from string) {
	r.Helper()
	r.halt()
	r.env["DATA_DIR"] = from
	r.boot()
}

// copyStore keeps the store as it is now. Nobody may have it open.
func (r *rig) copyStore() string {
	r.Helper()
	dir := filepath.Join(r.TempDir(), "copy")
	if err := os.CopyFS(dir, os.DirFS(r.env["DATA_DIR"])); err != nil {
		r.Fatal(err)
	}
	return dir
}

// order is the place of each event in a call's story, from 1; 0: not told.
func (r *rig) order(row protocol.Call, kind, leg string) int {
	r.Helper()
	for i, line := range r.story(row) {
		if strings.HasPrefix(line, `{"event":"`+kind+`","leg":"`+leg+`"`) {
			return i + 1
		}
	}
	return 0
}

// A process answers a caller and dies before it has written so. Its successor
// hears that he was answered before it hears that he rang.
func TestAnsweredBeforeRing(t *testing.T) {
	t.Parallel()
	next := make(chan struct{})
	r := newRig(t, carrier.Config{OnDelivery: func(e carrier.Event) *carrier.Plan {
		if e.Kind == "call.answered" && e.Leg == "A" {
			return &carrier.Plan{Until: next}
		}
		return nil
	}})
	s := r.book()
	r.halt()
	blank := r.copyStore()
	r.boot()
	var ringing atomic.Int32
	ringing.Store(int32(unheard))
	r.guard(func(kind, to string) fate {
		if kind == "call.initiated" && to == s.Proxy {
			return fate(ringing.Load())
		}
		return passes
	})
	k := r.call(s, party.Script{})
	r.await(k, "the caller is answered", func(l carrier.Ledger) bool {
		_, up := l.Event("A", "call.answered")
		return up
	})
	ringing.Store(int32(refused))
	r.succeed(blank)
	close(next)
	r.await(k, "the answer overtakes", taken("A", "call.answered"))
	if l := k.Ledger(); l.Effects("transfer") > 0 {
		t.Errorf("nobody can know yet whom to call:\n%s", l.Ladder())
	}
	ringing.Store(int32(passes))
	r.await(k, "they talk and are recorded", done("record_start"))
	k.HangUp(party.Callee)
	row := r.judge(k, s, protocol.OutcomeTalked)
	if rang, answered := r.order(row, "call.initiated", "a"), r.order(row, "call.answered", "a"); answered == 0 || answered > rang {
		t.Errorf("nothing was out of order: answered in line %d, rang in line %d", answered, rang)
	}
}

// A process calls B and dies before it has written so. Its successor hears
// everything of B before it hears that A was answered, and does not call again.
func TestLegBBeforeLegA(t *testing.T) {
	t.Parallel()
	second, third := make(chan struct{}), make(chan struct{})
	r := newRig(t, carrier.Config{OnDelivery: func(e carrier.Event) *carrier.Plan {
		switch {
		case e.Kind == "call.answered" && e.Leg == "A":
			return &carrier.Plan{Until: second}
		case e.Kind != "call.hangup" && e.Leg == "B":
			return &carrier.Plan{Until: third}
		}
		return nil
	}})
	s := r.book()
	var answering atomic.Int32
	r.guard(func(kind, to string) fate {
		if kind == "call.answered" && to == s.Proxy {
			return fate(answering.Load())
		}
		return passes
	})
	k := r.call(s, party.Script{})
	r.await(k, "the ring is written", taken("A", "call.initiated"))
	r.await(k, "the caller is answered", done("answer"))
	r.halt()
	rung := r.copyStore()
	r.boot()
	answering.Store(int32(unheard))
	close(second)
	r.await(k, "B answers", func(l carrier.Ledger) bool {
		_, up := l.Event("B", "call.answered")
		return up
	})
	answering.Store(int32(refused))
	r.succeed(rung)
	close(third)
	r.await(k, "B's answer overtakes", taken("B", "call.answered"))
	r.await(k, "they are recorded", done("record_start"))
	answering.Store(int32(passes))
	r.await(k, "A's answer comes in the end", taken("A", "call.answered"))
	k.HangUp(party.Caller)
	row := r.judge(k, s, protocol.OutcomeTalked)
	if a, b := r.order(row, "call.answered", "a"), r.order(row, "call.answered", "b"); b == 0 || b > a {
		t.Errorf("nothing was out of order: A answered in line %d, B in line %d", a, b)
	}
	if l := k.Ledger(); l.Effects("transfer") != 1 || len(l.Connections) != 1 {
		t.Errorf("B was called more than once:\n%s", l.Ladder())
	}
}

// Leg B's events come in the order that suits the switch least.
func TestLegBBackwards(t *testing.T) {
	t.Parallel()
	var ring atomic.Pointer[chan struct{}]
	r := newRig(t, carrier.Config{OnDelivery: func(e carrier.Event) *carrier.Plan {
		if e.Leg == "B" && (e.Kind == "call.initiated" || e.Kind == "call.bridged") || e.Leg == "A" && e.Kind == "call.bridged" {
			return &carrier.Plan{Until: *ring.Load()}
		}
		return nil
	}})
	for _, c := range []struct {
		last   string // the event of B after which the others may come
		script party.Script
		want   protocol.Outcome
	}{
		{"call.answered", party.Talks(20*time.Millisecond, talk), protocol.OutcomeTalked},
		{"call.hangup", party.Talks(20*time.Millisecond, talk), protocol.OutcomeTalked},
		{"call.hangup", party.Script{Callee: party.Busy}, protocol.OutcomeBusy},
		{"call.hangup", party.GivesUp(talk), protocol.OutcomeAbandoned},
	} {
		late := make(chan struct{})
		ring.Store(&late)
		s := r.book()
		k := r.call(s, c.script)
		r.await(k, c.last+" overtakes", taken("B", c.last))
		close(late)
		r.judge(k, s, c.want)
		if l := k.Ledger(); l.Effects("transfer") != 1 {
			t.Errorf("transfers: %d\n%s", l.Effects("transfer"), l.Ladder())
		}
	}
}

// Everything goes wrong with every event at once. What then counts as how a
// call ended depends on what came first; that it ends, and well, does not.
func TestStormOfWebhooks(t *testing.T) {
	t.Parallel()
	r := newRig(t, carrier.Config{Seed: 7, Faults: carrier.Faults{
		Duplicate: .5, Copies: 8, Reorder: .5, Delay: 400 * time.Millisecond, Loss: .3, Jitter: 50 * time.Millisecond,
		RecordingEarly: .3, RecordingBare: .3,
	}})
	scripts := []party.Script{
		party.Talks(50*time.Millisecond, time.Second), party.CalleeLeaves(0, 800*time.Millisecond), {Callee: party.Busy},
		{Callee: party.Decline, After: 30 * time.Millisecond, AfterSpeech: 20 * time.Millisecond}, party.GivesUp(200 * time.Millisecond), {Callee: party.Unreachable},
	}
	type placed struct {
		*carrier.Call
		stay
	}
	var calls []placed
	for i := range 36 {
		s := r.book()
		calls = append(calls, placed{r.call(s, scripts[i%len(scripts)]), s})
	}
	for _, c := range calls {
		l := r.finish(c.Call)
		row := r.row(c.Call)
		wrong := faults(l)
		if row.Outcome == protocol.OutcomeNone || row.Outcome == protocol.OutcomeFailed || row.Outcome == protocol.OutcomeStuck || row.Outcome == protocol.OutcomeCarrier {
			wrong = append(wrong, "the outcome is "+row.Outcome.String())
		}
		if l.Effects("transfer") > 1 || len(l.Connections) > 1 {
			wrong = append(wrong, "B was called more than once")
		}
		if len(wrong) > 0 {
			t.Errorf("%s\n%s%s", strings.Join(wrong, "\n"), l.Ladder(), strings.Join(r.story(row), "\n"))
		}
	}
	if n := r.Totals().Repeats; n > 0 {
		t.Errorf("%d commands were sent though they had taken effect", n)
	}
}

// Recordings come before the hangup, without saying whose they are, or not.
func TestOddRecordings(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		story  string
		faults carrier.Faults
		kept   int
	}{
		{"before the hangup", carrier.Faults{RecordingEarly: 1}, 1},
		{"without leg and id", carrier.Faults{RecordingBare: 1}, 1},
		{"both", carrier.Faults{RecordingEarly: 1, RecordingBare: 1}, 1},
		{"never, and the carrier says why", carrier.Faults{RecordingFailed: 1}, 1},
	} {
		r := newRig(t, carrier.Config{Faults: c.faults})
		s := r.book()
		k := r.call(s, party.Script{})
		r.await(k, "they are recorded", done("record_start"))
		k.HangUp(party.Caller)
		r.finish(k)
		if row, closed := r.rowNow(k); row.Outcome != protocol.OutcomeTalked || r.recordings(row) != c.kept || !closed {
			t.Errorf("%s: outcome %q, %d recordings, closed %t", c.story, row.Outcome, r.recordings(row), closed)
		}
	}
}
