package app

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"maskswitch/actors/protocol"
	"maskswitch/loadtest/carrier"
	"maskswitch/loadtest/party"
)

// judge holds a call that is over against what must come of it.
func (r *rig) judge(k *carrier.Call, s stay, want protocol.Outcome) protocol.Call {
	r.Helper()
	l := r.finish(k)
	wrong := faults(l)
	for _, c := range l.Connections {
		if c.Callee.E164() != s.b {
			wrong = append(wrong, "the wrong phone rang")
		}
	}
	if l.Talked() != (want == protocol.OutcomeTalked) {
		wrong = append(wrong, fmt.Sprintf("talked is %t", l.Talked()))
	}
	row := r.row(k)
	if row.Outcome != want {
		wrong = append(wrong, fmt.Sprintf("the outcome is %q, not %q", row.Outcome, want))
	}
	if len(wrong) > 0 {
		r.Errorf("%s\n%s%s", strings.Join(wrong, "\n"), k.Ladder(), strings.Join(r.story(row), "\n"))
	}
	return row
}

func TestCallsFromEndToEnd(t *testing.T) {
	t.Parallel()
	r := newRig(t, carrier.Config{})
	var free, ended stay
	free, ended = r.book(), r.book()
	r.must("DELETE", "/bookings/"+ended.ID, nil, nil)
	busy := party.Script{Callee: party.Busy}
	for _, c := range []struct {
		story    string
		from, to string
		s        stay
		script   party.Script
		want     protocol.Outcome
		commands []string
	}{
		{"A calls B", free.a, free.Proxy, free, party.Talks(20*time.Millisecond, talk), protocol.OutcomeTalked,
			[]string{"answer", "transfer", "record_start"}},
		{"B calls A, who hangs up first", free.b, free.Proxy, stay{b: free.a}, party.CalleeLeaves(20*time.Millisecond, talk), protocol.OutcomeTalked,
			[]string{"answer", "transfer", "record_start"}},
		{"B is busy", free.a, free.Proxy, free, busy, protocol.OutcomeBusy, []string{"answer", "transfer", "speak", "hangup"}},
		{"B declines", free.a, free.Proxy, free, party.Script{Callee: party.Decline}, protocol.OutcomeDeclined, []string{"answer", "transfer", "speak", "hangup"}},
		{"A gives up", free.a, free.Proxy, free, party.GivesUp(talk), protocol.OutcomeAbandoned, []string{"answer", "transfer"}},
		{"a stranger", r.person(), free.Proxy, free, party.Script{}, protocol.OutcomeStranger, []string{"reject"}},
		{"nobody knows who", "anonymous", free.Proxy, free, party.Script{}, protocol.OutcomeWithheld, []string{"reject"}},
		{"after the booking", ended.a, ended.Proxy, ended, party.Script{}, protocol.OutcomeNoBooking, []string{"answer", "speak", "hangup"}},
		{"no number of ours", free.a, r.person(), free, party.Script{}, protocol.OutcomeUnallocated, []string{"reject"}},
	} {
		k := r.PlaceCall(c.from, c.to, c.script)
		row := r.judge(k, c.s, c.want)
		var got []string
		for _, cmd := range k.Ledger().Commands {
			got = append(got, cmd.Action)
		}
		if !slices.Equal(got, c.commands) {
			t.Errorf("%s: commands %v, want %v", c.story, got, c.commands)
		}
		if want := len(k.Ledger().Recordings); r.recordings(row) != want {
			t.Errorf("%s: %d recordings in the store, %d at the carrier", c.story, r.recordings(row), want)
		}
	}

	counts := map[string]float64{
		`maskswitch_calls_offered_total`:                                                  9,
		`maskswitch_calls_ended_total{outcome="talked"}`:                                  2,
		`maskswitch_calls_ended_total{outcome="busy"}`:                                    1,
		`maskswitch_calls_ended_total{outcome="declined"}`:                                1,
		`maskswitch_calls_ended_total{outcome="abandoned"}`:                               1,
		`maskswitch_calls_ended_total{outcome="stranger"}`:                                1,
		`maskswitch_calls_ended_total{outcome="withheld"}`:                                1,
		`maskswitch_calls_ended_total{outcome="no_booking"}`:                              1,
		`maskswitch_calls_ended_total{outcome="unallocated_number"}`:                      1,
		`maskswitch_calls_ended_total{outcome="failed"}`:                                  0,
		`maskswitch_calls_stuck_total`:                                                    0,
		`maskswitch_calls_active{state="setup"}`:                                          0,
		`maskswitch_calls_active{state="talking"}`:                                        0,
		`maskswitch_calls_active{state="ending"}`:                                         0,
		`maskswitch_call_setup_duration_seconds_count`:                                    2,
		`maskswitch_call_talk_duration_seconds_count`:                                     2,
		`maskswitch_leg_hangups_total{cause="user_busy",leg="b",source="callee"}`:         1,
		`maskswitch_leg_hangups_total{cause="originator_cancel",leg="b",source="caller"}`: 1,
		`maskswitch_leg_stage_duration_seconds_count{leg="b",result="ok",stage="ring"}`:   2,
		`maskswitch_webhooks_total{event="call.initiated",result="accepted"}`:             9 + 5,
		`maskswitch_webhooks_total{event="call.answered",result="accepted"}`:              6 + 2,
		`maskswitch_webhooks_total{event="call.hangup",result="accepted"}`:                9 + 5,
		`maskswitch_webhooks_total{event="call.recording.saved",result="accepted"}`:       2,
		`maskswitch_webhooks_total{event="call.hangup",result="duplicate"}`:               0,
		`maskswitch_webhooks_total{event="call.hangup",result="overloaded"}`:              0,
		`maskswitch_webhooks_refused_total{reason="bad_signature"}`:                       0,
		`maskswitch_webhook_ack_duration_seconds_count{result="accepted"}`:                float64(r.Totals().Accepted),
		`maskswitch_commands_total{command="answer",result="ok"}`:                         6,
		`maskswitch_commands_total{command="transfer",result="ok"}`:                       5,
		`maskswitch_commands_total{command="record_start",result="ok"}`:                   2,
		`maskswitch_commands_total{command="speak",result="ok"}`:                          3,
		`maskswitch_commands_total{command="reject",result="refused"}`:                    0,
		`maskswitch_commands_in_flight`:                                                   0,
		`maskswitch_bookings_total{region="US",result="opened"}`:                          2,
		`maskswitch_bookings_ended_total{reason="deleted",region="US"}`:                   1,
		`maskswitch_bookings_open{region="US"}`:                                           1,
		`maskswitch_pool_numbers{region="US",state="serving"}`:                            2,
		`maskswitch_pool_idle_numbers{region="US"}`:                                       1,
	}
	// A command that ends its call is cut short when its event overtakes its
	// answer, and then counts as something else than ok.
	closing := map[string]float64{"reject": 3, "hangup": 3}
	sent := func(m map[string]float64, command string) (n float64) {
		for series, v := range m {
			if strings.HasPrefix(series, `maskswitch_commands_total{command="`+command+`"`) {
				n += v
			}
		}
		return n
	}
	// A webhook counts once it is answered, and a command once its answer is read.
	m := r.metrics()
	r.untilOr(5*time.Second, func() bool {
		m = r.metrics()
		for series, want := range counts {
			if m[series] < want {
				return false
			}
		}
		return sent(m, "reject") >= closing["reject"] && sent(m, "hangup") >= closing["hangup"]
	})
	for command, want := range closing {
		if n := sent(m, command); n != want {
			t.Errorf("%v commands %s counted, want %v", n, command, want)
		}
	}
	for series, want := range counts {
		if got, ok := m[series]; !ok || got != want {
			t.Errorf("%s is %v (there: %t), want %v", series, got, ok, want)
		}
	}
	var health struct {
		Status       string
		Pool, Active int
	}
	r.must("GET", "/health", nil, &health)
	if health.Status != "ok" || health.Pool != 1 || health.Active != 1 {
		t.Errorf("/health says %+v", health)
	}
}

// What the carrier did not sign moves nothing, and without its public key
// nothing is signed.
func TestForeignWebhooks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		story    string
		key      string
		mentions string
	}{
		{"no key is configured", "", "no public key"},
		{"another key is configured", strings.Repeat("A", 43) + "=", "configured public key"},
	} {
		r := newRig(t, carrier.Config{}, "TELNYX_PUBLIC_KEY", c.key)
		s := r.book()
		k := r.call(s, party.GivesUp(50*time.Millisecond))
		l := r.finish(k)
		if len(l.Commands) > 0 {
			t.Errorf("%s: commands %v", c.story, l.Commands)
		}
		for _, e := range l.Events {
			if e.Accepted || e.Deliveries[0].Status != http.StatusUnauthorized {
				t.Errorf("%s: %s was answered %d", c.story, e.Kind, e.Deliveries[0].Status)
			}
		}
		if n := r.metrics()[`maskswitch_webhooks_refused_total{reason="bad_signature"}`]; n != 2 {
			t.Errorf("%s: %v refusals counted", c.story, n)
		}
		if !strings.Contains(r.log.String(), c.mentions) {
			t.Errorf("%s: the log does not mention %q", c.story, c.mentions)
		}
	}
}

// With keys set, REST asks for one and webhooks do not, and the log names whose
// it was.
func TestAPIKeys(t *testing.T) {
	t.Parallel()
	r := newRig(t, carrier.Config{}, "API_KEYS", "shop:s3cret-of-the-shop")
	s := r.book()
	r.judge(r.call(s, party.Talks(0, talk)), s, protocol.OutcomeTalked)
	r.env["API_KEYS"] = ""
	for path, want := range map[string]int{"/bookings": http.StatusUnauthorized, "/health": http.StatusOK} {
		if status := r.rest("GET", path, nil, nil); status != want {
			t.Errorf("%s without a key is %d", path, status)
		}
	}
	r.env["API_KEYS"] = "shop:another"
	if status := r.rest("GET", "/bookings", nil, nil); status != http.StatusUnauthorized {
		t.Errorf("with another key it is %d", status)
	}
	r.env["API_KEYS"] = "shop:s3cret-of-the-shop"
	if !strings.Contains(r.log.String(), `"key":"shop"`) {
		t.Error("the log does not say whose key it was")
	}
}
