package metrics_test

import (
	"testing"
	"time"

	"maskswitch/actors/protocol"
	"maskswitch/http/telnyx"
	"maskswitch/http/webhook"
	"maskswitch/metrics"
)

// What an operator reads after one thing has happened.
var readings = []struct {
	story string
	when  func(m *metrics.Metrics)
	want  map[string]float64
}{
	{"a call that was talked for a minute", func(m *metrics.Metrics) {
		m.CallEnded(protocol.Call{Outcome: protocol.OutcomeTalked, TalkAt: time.Unix(0, 0), EndAt: time.Unix(60, 0)}, false)
	}, map[string]float64{"calls_ended_total{outcome=talked}": 1, "call_talk_duration_seconds{}": 1}},
	{"a stranger was turned away", func(m *metrics.Metrics) {
		m.CallEnded(protocol.Call{Outcome: protocol.OutcomeStranger}, false)
	}, map[string]float64{"calls_ended_total{outcome=stranger}": 1}},
	{"a call got stuck", func(m *metrics.Metrics) {
		m.CallEnded(protocol.Call{Outcome: protocol.OutcomeStuck}, true)
	}, map[string]float64{"calls_ended_total{outcome=stuck}": 1, "calls_stuck_total{}": 1}},
	{"a call ended without an outcome", func(m *metrics.Metrics) {
		m.CallEnded(protocol.Call{}, false)
	}, map[string]float64{"calls_ended_total{outcome=failed}": 1}},
	{"a call moved on", func(m *metrics.Metrics) {
		m.CallActive("setup", +1)
		m.CallActive("setup", -1)
		m.CallActive("talking", +1)
	}, map[string]float64{"calls_active{state=talking}": 1}},
	{"B let it ring", func(m *metrics.Metrics) {
		m.LegStage(protocol.LegB, "ring", false, 30*time.Second)
		m.LegHungUp(protocol.LegB, protocol.CauseNoAnswer, protocol.SourceUnknown)
	}, map[string]float64{
		"leg_stage_duration_seconds{leg=b,result=failed,stage=ring}": 1,
		"leg_hangups_total{cause=no_answer,leg=b,source=unknown}":    1,
	}},
	{"a stage of the wrong leg", func(m *metrics.Metrics) {
		m.LegStage(protocol.LegA, "dial", true, time.Second)
	}, map[string]float64{"leg_stage_duration_seconds{leg=other,result=ok,stage=other}": 1}},
	{"an event came again, before its time", func(m *metrics.Metrics) {
		m.WebhookTaken(protocol.CallID{}, protocol.EventAnswered, protocol.ReceiptDuplicate, time.Millisecond, -time.Second, true)
	}, map[string]float64{
		"webhooks_total{event=call.answered,result=duplicate}": 1, "webhook_redeliveries_total{event=call.answered}": 1,
		"webhook_ack_duration_seconds{result=duplicate}": 1, "webhook_delivery_lag_seconds{}": 1, "webhook_negative_lags_total{}": 1,
	}},
	{"a recording was archived a minute after the carrier told of it, at the second try", func(m *metrics.Metrics) {
		m.Recordings.TryFailed(protocol.TroubleLink)
		m.Recordings.Pending(2, time.Unix(1700000000, 500_000_000))
		m.Recordings.Archived(protocol.CallID{}, 4096, time.Minute)
	}, map[string]float64{
		"recordings_total{result=archived}": 1, "recordings_total{result=failed}": 1, "recording_failures_total{trouble=link}": 1,
		"recording_archived_bytes_total{}": 4096, "recording_archive_lag_seconds{}": 1,
		"recordings_pending{}": 2, "recording_oldest_pending_timestamp_seconds{}": 1700000000.5,
	}},
	{"a recording was lost, and no other waits", func(m *metrics.Metrics) {
		m.Recordings.Pending(1, time.Unix(1700000000, 0))
		m.Recordings.Lost()
		m.Recordings.Pending(0, time.Time{})
	}, map[string]float64{"recordings_total{result=lost}": 1}},
	{"somebody else signed", func(m *metrics.Metrics) {
		m.WebhookRefused(webhook.RefusedSignature)
	}, map[string]float64{"webhooks_refused_total{reason=bad_signature}": 1}},
	{"a transfer took two attempts", func(m *metrics.Metrics) {
		m.Commands.CommandSent(protocol.CommandTransfer, protocol.CommandThrottled, time.Millisecond)
		m.Commands.CommandRetried(protocol.CommandTransfer, telnyx.RetryThrottled)
		m.Commands.CommandSent(protocol.CommandTransfer, protocol.CommandOK, time.Millisecond)
		m.Commands.CommandDone(protocol.CommandTransfer, protocol.Reply{Result: protocol.CommandOK}, time.Second)
	}, map[string]float64{
		"command_attempt_duration_seconds{command=transfer}": 2, "commands_total{command=transfer,result=ok}": 1,
		"command_retries_total{command=transfer,reason=throttled}": 1,
	}},
	{"numbers nobody knows the home of were counted, twice", func(m *metrics.Metrics) {
		m.NumbersCounted("", protocol.PoolFigures{Numbers: [4]int{1, 0, 7, 1}, Idle: 1, Live: 90, Room: 3})
		m.NumbersCounted("", protocol.PoolFigures{Numbers: [4]int{9, 3, 2, 1}, Idle: 4, Live: 70, Room: 1730})
	}, map[string]float64{
		"pool_numbers{region=other,state=serving}": 9, "pool_numbers{region=other,state=draining}": 3,
		"pool_numbers{region=other,state=resting}": 2, "pool_numbers{region=other,state=retired}": 1,
		"pool_idle_numbers{region=other}": 4,
		"bookings_open{region=other}":     70, "pool_headroom_bookings{region=other}": 1730,
	}},
	{"no number was left", func(m *metrics.Metrics) {
		m.BookingRefused("")
	}, map[string]float64{"bookings_total{region=other,result=exhausted}": 1}},
	{"a booking was checked out", func(m *metrics.Metrics) {
		m.BookingEnded("", "checkout")
	}, map[string]float64{"bookings_ended_total{reason=checkout,region=other}": 1}},
	{"a request was refused, another made no sense", func(m *metrics.Metrics) {
		m.API.Request("/bookings", "POST", 409, time.Millisecond)
		m.API.Request("/admin.php", "GET", 404, time.Millisecond)
		m.API.Request("/pool", "POST", 302, time.Millisecond)
	}, map[string]float64{
		"http_requests_total{code=4xx,method=POST,route=/bookings}":       1,
		"http_requests_total{code=4xx,method=other,route=other}":          1,
		"http_request_duration_seconds{code=4xx,method=any,route=any}":    2,
		"http_requests_total{code=2xx,method=POST,route=/pool}":           1,
		"http_request_duration_seconds{code=2xx,method=POST,route=/pool}": 1,
	}},
	{"the disk failed, and a call's actor with it", func(m *metrics.Metrics) {
		m.Journal.Failed("commit")
		m.Panicked(protocol.ActorCall)
		m.Panicked(protocol.ActorKind(200))
	}, map[string]float64{
		"journal_errors_total{op=commit}": 1, "actor_restarts_total{kind=call}": 1, "actor_restarts_total{kind=other}": 1,
	}},
	{"the process recovered, and is about to end", func(m *metrics.Metrics) {
		m.Recovered(1500 * time.Millisecond)
		m.Draining()
	}, map[string]float64{"recovery_duration_seconds{}": 1.5, "draining{}": 1}},
}

func TestReadings(t *testing.T) {
	for _, c := range readings {
		t.Run(c.story, func(t *testing.T) {
			m, reg := newWatched(t)
			before := values(t, reg)
			c.when(m)
			after := values(t, reg)
			for name, v := range after {
				if v == before[name] {
					v = 0
				}
				if v != c.want[name] {
					t.Errorf("%s is %v, want %v", name, v, c.want[name])
				}
			}
			for name := range c.want {
				if _, ok := after[name]; !ok {
					t.Errorf("%s does not exist", name)
				}
			}
		})
	}
}
