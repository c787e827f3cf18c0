package alerts

import (
	"fmt"

	"maskswitch/metrics/family"
)

// tickets are what somebody looks at in the morning, besides a budget that will
// not last.
func tickets() []Alert {
	return append([]Alert{
		{
			Name: "RestartsOften", Severity: Ticket, Anchor: "restarts-often",
			Expr:    "changes(process_start_time_seconds{" + job + "}[1h]) > 3",
			Summary: "{{ $labels.instance }} was started {{ $value }} times in an hour; calls outlive that, but each time some wait.",
			Fires: Case{
				Story: "it was started every ten minutes", Series: on("process_start_time_seconds", "", "0+0x9 600+0x9 1200+0x9 1800+0x9 2400+0x9 3000+0x9"), At: "55m",
				Labels: instance(), Summary: "a was started 5 times in an hour; calls outlive that, but each time some wait.",
			},
			Silent: Case{Story: "a new version was brought out", Series: on("process_start_time_seconds", "", "0+0x20 1200+0x50"), At: "55m"},
		},
		{
			Name: "ActorPanics", Severity: Ticket, For: "15m", Anchor: "actor-panics",
			Expr:    fmt.Sprintf("sum by (job, kind) (increase(%s[30m])) > 0", of(family.ActorRestarts)),
			Summary: "Actors of kind {{ $labels.kind }} panic and are built again from the store: a fault in the program.",
			Fires: Case{
				Story: "a call's actor panics now and then", Series: on(family.ActorRestarts, `kind="call"`, "0+0x5 1+1x60"), At: "30m",
				Labels: service("kind", "call"), Summary: "Actors of kind call panic and are built again from the store: a fault in the program.",
			},
			Silent: Case{Story: "none does", Series: on(family.ActorRestarts, `kind="call"`, "3+0x60"), At: "30m"},
		},
		{
			Name: "DeliveryLate", Severity: Ticket, For: "10m", Anchor: "delivery-late",
			Expr:    quantile("0.95", "5m", "job", family.WebhookDeliveryLag) + " > 2",
			Summary: "Events of the carrier's come {{ $value | humanizeDuration }} late (p95): callers hear the ringing longer.",
			Fires: Case{
				Story: "they take three to five seconds", At: "30m", Series: lags("0+0x40", "0+0x40", "0+64x40"),
				Labels: service(), Summary: "Events of the carrier's come 4.9s late (p95): callers hear the ringing longer.",
			},
			Silent: Case{Story: "they come in time", Series: lags("0+64x40", "0+64x40", "0+64x40"), At: "30m"},
		},
		{
			Name: "ClockSkew", Severity: Ticket, For: "15m", Anchor: "clock-skew",
			Expr: fmt.Sprintf("(%s) / ((%s) > 0) > 0.01", rate("15m", "job, instance", of(family.WebhookNegativeLags)),
				rate("15m", "job, instance", of(family.WebhookDeliveryLag+"_count"))),
			Summary: "{{ $value | humanizePercentage }} of the events reach {{ $labels.instance }} before they happened: its clock is late, and beyond MAX_SKEW_SECONDS every webhook is refused.",
			Fires: Case{
				Story: "every other does", At: "40m",
				Series: append(on(family.WebhookNegativeLags, "", "0+32x60"), on(family.WebhookDeliveryLag+"_count", "", "0+64x60")...),
				Labels: instance(), Summary: "50% of the events reach a before they happened: its clock is late, and beyond MAX_SKEW_SECONDS every webhook is refused.",
			},
			Silent: Case{
				Story: "none does", At: "40m",
				Series: append(on(family.WebhookNegativeLags, "", "0+0x60"), on(family.WebhookDeliveryLag+"_count", "", "0+64x60")...),
			},
		},
		{
			Name: "Redeliveries", Severity: Ticket, For: "15m", Anchor: "redeliveries",
			Expr:    share(family.WebhookRedeliveries, family.Webhooks, "15m") + " > 0.01",
			Summary: "{{ $value | humanizePercentage }} of the webhooks are delivered again: the carrier did not get our answer in time.",
			Fires: Case{
				Story: "a quarter is", At: "40m",
				Series: append(on(family.WebhookRedeliveries, `event="call.hangup"`, "0+16x60"), on(family.Webhooks, `event="call.hangup",result="accepted"`, "0+64x60")...),
				Labels: service(), Summary: "25% of the webhooks are delivered again: the carrier did not get our answer in time.",
			},
			Silent: Case{
				Story: "one in a thousand is", At: "40m",
				Series: append(on(family.WebhookRedeliveries, `event="call.hangup"`, "0+1x60"), on(family.Webhooks, `event="call.hangup",result="accepted"`, "0+1000x60")...),
			},
		},
		{
			Name: "DeadLetters", Severity: Ticket, For: "15m", Anchor: "dead-letters",
			Expr:    share(family.ActorDeadLetters, family.ActorHandleDuration+"_count", "15m") + " > 0.01",
			Summary: "{{ $value | humanizePercentage }} of the messages go to actors that are gone: something sends where nobody is.",
			Fires: Case{
				Story: "every other does", At: "40m",
				Series: append(on(family.ActorDeadLetters, `kind="call"`, "0+32x60"), on(family.ActorHandleDuration+"_count", `kind="call"`, "0+64x60")...),
				Labels: service(), Summary: "50% of the messages go to actors that are gone: something sends where nobody is.",
			},
			Silent: Case{
				Story: "a late answer of the carrier's meets no call", At: "40m",
				Series: append(on(family.ActorDeadLetters, `kind="call"`, "0+1x60"), on(family.ActorHandleDuration+"_count", `kind="call"`, "0+1000x60")...),
			},
		},
		{
			Name: "CommandsThrottled", Severity: Ticket, For: "15m", Anchor: "commands-throttled",
			Expr: fmt.Sprintf("(%s + %s) / ((%s) > 0) > 0.01",
				rate("15m", "job", of(family.CommandRetries, `reason="throttled"`)), rate("15m", "job", of(family.Commands, `result="throttled"`)),
				rate("15m", "job", of(family.CommandAttemptDuration+"_count"))),
			Summary: "The carrier turns {{ $value | humanizePercentage }} of our commands away for their number (429): calls are set up later.",
			Fires: Case{
				Story: "every other", At: "40m",
				Series: append(append(on(family.CommandRetries, `command="answer",reason="throttled"`, "0+32x60"), on(family.Commands, `command="answer",result="throttled"`, "0+0x60")...),
					on(family.CommandAttemptDuration+"_count", `command="answer"`, "0+64x60")...),
				Labels: service(), Summary: "The carrier turns 50% of our commands away for their number (429): calls are set up later.",
			},
			Silent: Case{
				Story: "none", At: "40m",
				Series: append(append(on(family.CommandRetries, `command="answer",reason="throttled"`, "0+0x60"), on(family.Commands, `command="answer",result="throttled"`, "0+0x60")...),
					on(family.CommandAttemptDuration+"_count", `command="answer"`, "0+64x60")...),
			},
		},
		{
			Name: "HeadroomShrinks", Severity: Ticket, For: "30m", Anchor: "headroom-shrinks",
			Expr: fmt.Sprintf("predict_linear(%s[6h], 86400) < 0\nand on (job, instance, region) %s > 0",
				of(family.PoolHeadroomBookings), of(family.PoolHeadroomBookings)),
			Summary: "The numbers of {{ $labels.region }} will be full in less than a day, as bookings grow now.",
			Fires: Case{
				Story: "one in a minute, and a thousand are left", Series: on(family.PoolHeadroomBookings, `region="US"`, "1000-1x400"), At: "6h",
				Labels: instance("region", "US"), Summary: "The numbers of US will be full in less than a day, as bookings grow now.",
			},
			Silent: Case{Story: "it stays as it is", Series: on(family.PoolHeadroomBookings, `region="US"`, "1000+0x400"), At: "6h"},
		},
		{
			Name: "RecordingLost", Severity: Ticket, Anchor: "recording-lost",
			Expr:    fmt.Sprintf("sum by (job) (increase(%s[1h])) > 0", of(family.Recordings, `result="lost"`)),
			Summary: "A recording was given up: a dispute about that call has no evidence.",
			Fires: Case{
				Story: "one was", Series: on(family.Recordings, `result="lost"`, "0+0x5 1+0x20"), At: "10m",
				Labels: service(), Summary: "A recording was given up: a dispute about that call has no evidence.",
			},
			Silent: Case{Story: "none was", Series: on(family.Recordings, `result="lost"`, "1+0x20"), At: "10m"},
		},
		{
			Name: "ArchiveFails", Severity: Ticket, For: "15m", Anchor: "archive-fails",
			Expr: fmt.Sprintf("(%s) / ((%s) > 0) > 0.1", rate("15m", "job", of(family.Recordings, `result="failed"`)),
				rate("15m", "job", of(family.Recordings, `result=~"failed|archived"`))),
			Summary: "{{ $value | humanizePercentage }} of the tries to archive a recording fail; they are tried again for 72 hours.",
			Fires: Case{
				Story: "every other", At: "40m", Series: append(on(family.Recordings, `result="failed"`, "0+32x60"), on(family.Recordings, `result="archived"`, "0+32x60")...),
				Labels: service(), Summary: "50% of the tries to archive a recording fail; they are tried again for 72 hours.",
			},
			Silent: Case{Story: "one in a hundred", Series: append(on(family.Recordings, `result="failed"`, "0+1x60"), on(family.Recordings, `result="archived"`, "0+99x60")...), At: "40m"},
		},
	}, machine()...)
}

// machine are tickets about what the switch stands on, and how its calls compare.
func machine() []Alert {
	return []Alert{
		{
			Name: "JournalSlow", Severity: Ticket, For: "10m", Anchor: "journal-slow",
			Expr:    quantile("0.99", "5m", "job, instance", family.JournalAppendDuration) + " > 0.05",
			Summary: "The disk of {{ $labels.instance }} takes {{ $value | humanizeDuration }} (p99) for a change: every acknowledgement waits for it.",
			Fires: Case{
				Story: "most take up to a quarter of a second", At: "30m", Series: appends("0+0x40", "0+0x40", "0+64x40"),
				Labels: instance(), Summary: "The disk of a takes 248.5ms (p99) for a change: every acknowledgement waits for it.",
			},
			Silent: Case{Story: "they are quick", Series: appends("0+64x40", "0+64x40", "0+64x40"), At: "30m"},
		},
		{
			Name: "DiskFills", Severity: Ticket, For: "30m", Anchor: "disk-fills",
			Expr: fmt.Sprintf("predict_linear(%s[6h], 172800) < 0\nor %s / (%s > 0) < 0.05",
				of(family.DataFree), of(family.DataFree), of(family.DataSize)),
			Summary: "The disk of {{ $labels.instance }} will be full in less than two days; then nothing is acknowledged any more.",
			Fires: Case{
				Story: "it loses a GB in a minute, of two thousand", At: "6h",
				Series: append(on(family.DataFree, "", "2e12-1e9x400"), on(family.DataSize, "", "4e12+0x400")...),
				Labels: instance(), Summary: "The disk of a will be full in less than two days; then nothing is acknowledged any more.",
			},
			Silent: Case{
				Story: "it stays as it is", At: "6h",
				Series: append(on(family.DataFree, "", "2e12+0x400"), on(family.DataSize, "", "4e12+0x400")...),
			},
		},
		{
			Name: "CallsStuck", Severity: Ticket, Anchor: "calls-stuck",
			Expr:    fmt.Sprintf("sum by (job) (increase(%s[1h])) > 0", of(family.CallsStuck)),
			Summary: "Calls were ended because no event came when one was due: events of the carrier's are lost.",
			Fires: Case{
				Story: "one was", Series: on(family.CallsStuck, "", "0+0x5 1+0x20"), At: "10m",
				Labels: service(), Summary: "Calls were ended because no event came when one was due: events of the carrier's are lost.",
			},
			Silent: Case{Story: "none was", Series: on(family.CallsStuck, "", "4+0x20"), At: "10m"},
		},
		{
			Name: "CallsNearLimit", Severity: Ticket, For: "5m", Anchor: "calls-near-limit",
			Expr: fmt.Sprintf("sum without (state) (%s)\n/ on (job, instance) sum by (job, instance) (%s)\n> 0.8",
				of(family.CallsActive), of(family.CallsActiveLimit)),
			Summary: "{{ $labels.instance }} has {{ $value | humanizePercentage }} of the calls that MAX_CALLS allows; beyond it no call is answered.",
			Fires: Case{
				Story: "fifteen of sixteen", At: "15m",
				Series: append(append(on(family.CallsActive, `state="talking"`, "14+0x30"), on(family.CallsActive, `state="setup"`, "1+0x30")...), on(family.CallsActiveLimit, "", "16+0x30")...),
				Labels: instance(), Summary: "a has 93.75% of the calls that MAX_CALLS allows; beyond it no call is answered.",
			},
			Silent: Case{
				Story: "half of them", At: "15m",
				Series: append(append(on(family.CallsActive, `state="talking"`, "7+0x30"), on(family.CallsActive, `state="setup"`, "1+0x30")...), on(family.CallsActiveLimit, "", "16+0x30")...),
			},
		},
		lastWeek("NERFell", "ner-fell", "job:maskswitch_ner:ratio_rate1h", "network effectiveness (NER)", `outcome="carrier"`),
		lastWeek("ASRFell", "asr-fell", "job:maskswitch_asr:ratio_rate1h", "answer ratio (ASR)", `outcome="no_answer"`),
	}
}

// lastWeek compares an indicator with that of the same hour a week ago, if there
// were enough calls now and then.
func lastWeek(name, anchor, indicator, what, instead string) Alert {
	const week = "0+300x2016 " // of calls that were all talked, each five minutes
	calls := func(outcome, values string) []Series { return on(family.CallsEnded, outcome, values) }
	return Alert{
		Name: name, Severity: Ticket, For: "15m", Anchor: anchor, kind: Weekly,
		Expr:    fmt.Sprintf("%s < 0.8 * (%s offset 1w)\nand on (job) sum by (job) (increase(%s[1h])) >= 100", indicator, indicator, of(family.CallsEnded)),
		Summary: "The " + what + " is {{ $value | humanizePercentage }}, a fifth below that of the same hour last week.",
		Fires: Case{
			Story: "half of the calls come to something else", At: "10185m",
			Series: append(calls(`outcome="talked"`, week+"604950+150x24"), calls(instead, "0+0x2016 150+150x24")...),
			Labels: service(), Summary: "The " + what + " is 50%, a fifth below that of the same hour last week.",
		},
		Silent: Case{
			Story: "all is as it was", At: "10185m",
			Series: append(calls(`outcome="talked"`, week+"605100+300x24"), calls(instead, "0+0x2040")...),
		},
	}
}

// share is a counter's rate as a part of another's.
func share(part, whole, window string) string {
	return fmt.Sprintf("(%s) / ((%s) > 0)", rate(window, "job", of(part)), rate(window, "job", of(whole)))
}

// lags are those of webhooks: up to 0.5 s, to 3 and to 5.
func lags(half, three, five string) (list []Series) {
	for _, b := range [][2]string{{"0.5", half}, {"3", three}, {"5", five}, {"+Inf", five}} {
		list = append(list, on(family.WebhookDeliveryLag+"_bucket", `le="`+b[0]+`"`, b[1])...)
	}
	return list
}

// appends are those of the journal: up to 50 ms, to 100 and to 250.
func appends(quick, slow, slower string) (list []Series) {
	for _, b := range [][2]string{{"0.05", quick}, {"0.1", slow}, {"0.25", slower}, {"+Inf", slower}} {
		list = append(list, on(family.JournalAppendDuration+"_bucket", `le="`+b[0]+`"`, b[1])...)
	}
	return list
}
