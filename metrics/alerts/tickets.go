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
			Silent: Case{
				Story: "it was started each half an hour", At: "125m",
				Series: on("process_start_time_seconds", "", "0+0x29 1800+0x29 3600+0x29 5400+0x29 7200+0x29"),
			},
		},
		{
			Name: "ActorPanics", Severity: Ticket, For: "15m", Anchor: "actor-panics",
			Expr:    fmt.Sprintf("sum by (job, kind) (increase(%s[30m])) > 0", of(family.ActorRestarts)),
			Summary: "Actors of kind {{ $labels.kind }} panic and are built again from the store: a fault in the program.",
			Fires: Case{
				Story: "a call's actor panics now and then", Series: on(family.ActorRestarts, `kind="call"`, "0+0x5 1+1x60"), At: "30m", Early: "15m",
				Labels: service("kind", "call"), Summary: "Actors of kind call panic and are built again from the store: a fault in the program.",
			},
			Silent: Case{Story: "one did an hour ago", Series: on(family.ActorRestarts, `kind="call"`, "0+0x5 1+0x70"), At: "66m"},
		},
		{
			Name: "DeliveryLate", Severity: Ticket, For: "10m", Anchor: "delivery-late",
			Expr:    quantile("0.95", "5m", "job", family.WebhookDeliveryLag) + " > 2",
			Summary: "Events of the carrier's come {{ $value | humanizeDuration }} late (p95): callers hear the ringing longer.",
			Fires: Case{
				Story: "they take three to five seconds", At: "30m", Early: "8m",
				Series: lags([]stretch{{40, 0}}, []stretch{{40, 64}}),
				Labels: service(), Summary: "Events of the carrier's come 4.9s late (p95): callers hear the ringing longer.",
			},
			Silent: Case{
				Story: "they did for ten minutes, and now take more than one", Series: lags([]stretch{{10, 0}, {30, 64}}, []stretch{{40, 64}}), At: "25m",
			},
		},
		{
			Name: "ClockSkew", Severity: Ticket, For: "15m", Anchor: "clock-skew",
			Expr: fmt.Sprintf("(%s) / ((%s) > 0) > 0.01", rate("15m", "job, instance", of(family.WebhookNegativeLags)),
				rate("15m", "job, instance", of(family.WebhookDeliveryLag+"_count"))),
			Summary: "{{ $value | humanizePercentage }} of the events reach {{ $labels.instance }} before they happened: its clock is late, and beyond MAX_SKEW_SECONDS every webhook is refused.",
			Fires: Case{
				Story: "one in forty does", At: "40m", Early: "12m",
				Series: append(on(family.WebhookNegativeLags, "", "0+1x60"), on(family.WebhookDeliveryLag+"_count", "", "0+40x60")...),
				Labels: instance(), Summary: "2.5% of the events reach a before they happened: its clock is late, and beyond MAX_SKEW_SECONDS every webhook is refused.",
			},
			Silent: Case{
				Story: "one in two hundred does", At: "40m",
				Series: append(on(family.WebhookNegativeLags, "", "0+1x60"), on(family.WebhookDeliveryLag+"_count", "", "0+200x60")...),
			},
		},
		{
			Name: "Redeliveries", Severity: Ticket, For: "15m", Anchor: "redeliveries",
			Expr:    share(family.WebhookRedeliveries, family.Webhooks, "15m") + " > 0.01",
			Summary: "{{ $value | humanizePercentage }} of the webhooks are delivered again: the carrier did not get our answer in time.",
			Fires: Case{
				Story: "one in forty is", At: "40m", Early: "12m",
				Series: append(on(family.WebhookRedeliveries, `event="call.hangup"`, "0+1x60"), on(family.Webhooks, `event="call.hangup",result="accepted"`, "0+40x60")...),
				Labels: service(), Summary: "2.5% of the webhooks are delivered again: the carrier did not get our answer in time.",
			},
			Silent: Case{
				Story: "one in two hundred is", At: "40m",
				Series: append(on(family.WebhookRedeliveries, `event="call.hangup"`, "0+1x60"), on(family.Webhooks, `event="call.hangup",result="accepted"`, "0+200x60")...),
			},
		},
		{
			Name: "DeadLetters", Severity: Ticket, For: "15m", Anchor: "dead-letters",
			Expr:    share(family.ActorDeadLetters, family.ActorHandleDuration+"_count", "15m") + " > 0.01",
			Summary: "{{ $value | humanizePercentage }} of the messages go to actors that are gone: something sends where nobody is.",
			Fires: Case{
				Story: "one in forty does", At: "40m", Early: "12m",
				Series: append(on(family.ActorDeadLetters, `kind="call"`, "0+1x60"), on(family.ActorHandleDuration+"_count", `kind="call"`, "0+40x60")...),
				Labels: service(), Summary: "2.5% of the messages go to actors that are gone: something sends where nobody is.",
			},
			Silent: Case{
				Story: "one in two hundred does", At: "40m",
				Series: append(on(family.ActorDeadLetters, `kind="call"`, "0+1x60"), on(family.ActorHandleDuration+"_count", `kind="call"`, "0+200x60")...),
			},
		},
		{
			Name: "CommandsThrottled", Severity: Ticket, For: "15m", Anchor: "commands-throttled",
			Expr: fmt.Sprintf("(%s + %s) / ((%s) > 0) > 0.01",
				rate("15m", "job", of(family.CommandRetries, `reason="throttled"`)), rate("15m", "job", of(family.Commands, `result="throttled"`)),
				rate("15m", "job", of(family.CommandAttemptDuration+"_count"))),
			Summary: "The carrier turns {{ $value | humanizePercentage }} of our commands away for their number (429): calls are set up later.",
			Fires: Case{
				Story: "one in forty", At: "40m", Early: "12m",
				Series: append(append(on(family.CommandRetries, `command="answer",reason="throttled"`, "0+1x60"), on(family.Commands, `command="answer",result="throttled"`, "0+0x60")...),
					on(family.CommandAttemptDuration+"_count", `command="answer"`, "0+40x60")...),
				Labels: service(), Summary: "The carrier turns 2.5% of our commands away for their number (429): calls are set up later.",
			},
			Silent: Case{
				Story: "one in two hundred", At: "40m",
				Series: append(append(on(family.CommandRetries, `command="answer",reason="throttled"`, "0+1x60"), on(family.Commands, `command="answer",result="throttled"`, "0+0x60")...),
					on(family.CommandAttemptDuration+"_count", `command="answer"`, "0+200x60")...),
			},
		},
		{
			Name: "HeadroomShrinks", Severity: Ticket, For: "30m", Anchor: "headroom-shrinks",
			Expr: fmt.Sprintf("predict_linear(%s[6h], 86400) < 0\nand on (job, instance, region) %s > 0",
				of(family.PoolHeadroomBookings), of(family.PoolHeadroomBookings)),
			Summary: "The numbers of {{ $labels.region }} will be full in less than a day, as bookings grow now.",
			suite:   Days,
			Fires: Case{
				Story: "five in five minutes, and a thousand are left", Series: on(family.PoolHeadroomBookings, `region="US"`, "1000-5x80"), At: "1h", Early: "20m",
				Labels: instance("region", "US"), Summary: "The numbers of US will be full in less than a day, as bookings grow now.",
			},
			Silent: Case{Story: "it shrank this morning", Series: on(family.PoolHeadroomBookings, `region="US"`, "3000-40x59 600+0x85"), At: "12h"},
			Also:   []Case{{Story: "they are full, and somebody was woken", Series: on(family.PoolHeadroomBookings, `region="US"`, "400-5x79 0+0x20"), At: "8h"}},
		},
		{
			Name: "RecordingLost", Severity: Ticket, Anchor: "recording-lost",
			Expr:    fmt.Sprintf("sum by (job) (increase(%s[1h])) > 0", of(family.Recordings, `result="lost"`)),
			Summary: "A recording was given up: a dispute about that call has no evidence.",
			Fires: Case{
				Story: "one was", Series: on(family.Recordings, `result="lost"`, "0+0x5 1+0x20"), At: "10m",
				Labels: service(), Summary: "A recording was given up: a dispute about that call has no evidence.",
			},
			Silent: Case{Story: "one was two hours ago", Series: on(family.Recordings, `result="lost"`, "0+0x5 1+0x130"), At: "126m"},
		},
		{
			Name: "ArchiveFails", Severity: Ticket, For: "15m", Anchor: "archive-fails",
			Expr: fmt.Sprintf("(%s) / ((%s) > 0) > 0.1", rate("15m", "job", of(family.Recordings, `result="failed"`)),
				rate("15m", "job", of(family.Recordings, `result=~"failed|archived"`))),
			Summary: "{{ $value | humanizePercentage }} of the tries to archive a recording fail; they are tried again for 72 hours.",
			Fires: Case{
				Story: "one in five", At: "40m", Early: "12m", Series: append(on(family.Recordings, `result="failed"`, "0+1x60"), on(family.Recordings, `result="archived"`, "0+4x60")...),
				Labels: service(), Summary: "20% of the tries to archive a recording fail; they are tried again for 72 hours.",
			},
			Silent: Case{Story: "one in twenty", Series: append(on(family.Recordings, `result="failed"`, "0+1x60"), on(family.Recordings, `result="archived"`, "0+19x60")...), At: "40m"},
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
				Story: "all take up to a tenth of a second", Series: appends([]stretch{{40, 0}}, []stretch{{40, 64}}), At: "30m", Early: "8m",
				Labels: instance(), Summary: "The disk of a takes 99.5ms (p99) for a change: every acknowledgement waits for it.",
			},
			Silent: Case{Story: "they did for ten minutes", Series: appends([]stretch{{10, 0}, {30, 64}}, []stretch{{40, 64}}), At: "25m"},
		},
		{
			Name: "DiskFills", Severity: Ticket, For: "30m", Anchor: "disk-fills",
			// A disk that cannot be asked says that it has no bytes in all.
			Expr: fmt.Sprintf("predict_linear(%s[6h], 172800) < 0\nand on (job, instance) %s > 0\nor %s / (%s > 0) < 0.05",
				of(family.DataFree), of(family.DataSize), of(family.DataFree), of(family.DataSize)),
			Summary: "The disk of {{ $labels.instance }} will be full in less than two days; then nothing is acknowledged any more.",
			suite:   Days,
			Fires: Case{
				Story: "it loses 5 bytes in five minutes, of two thousand", At: "1h", Early: "20m",
				Series: append(on(family.DataFree, "", "2000-5x80"), on(family.DataSize, "", "4000+0x80")...),
				Labels: instance(), Summary: "The disk of a will be full in less than two days; then nothing is acknowledged any more.",
			},
			Silent: Case{
				Story: "it lost much this morning, and has a tenth", At: "12h",
				Series: append(on(family.DataFree, "", "3040-40x66 400+0x90"), on(family.DataSize, "", "4000+0x160")...),
			},
			Also: []Case{
				{
					Story: "it has a twenty-fifth", At: "6h", Series: append(on(family.DataFree, "", "160+0x80"), on(family.DataSize, "", "4000+0x80")...),
					Labels: instance(), Summary: "The disk of a will be full in less than two days; then nothing is acknowledged any more.",
				},
				{Story: "it cannot be asked any more", At: "6h", Series: append(on(family.DataFree, "", "2000+0x30 0+0x50"), on(family.DataSize, "", "4000+0x30 0+0x50")...)},
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
			Silent: Case{Story: "one was two hours ago", Series: on(family.CallsStuck, "", "0+0x5 1+0x130"), At: "126m"},
		},
		{
			Name: "CallsNearLimit", Severity: Ticket, For: "5m", Anchor: "calls-near-limit",
			Expr: fmt.Sprintf("sum without (state) (%s)\n/ on (job, instance) sum by (job, instance) (%s)\n> 0.8",
				of(family.CallsActive), of(family.CallsActiveLimit)),
			Summary: "{{ $labels.instance }} has {{ $value | humanizePercentage }} of the calls that MAX_CALLS allows; beyond it no call is answered.",
			Fires: Case{
				Story: "fifteen of sixteen", At: "15m", Early: "4m",
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
// were enough calls in both: of ten calls one more or less is a tenth.
func lastWeek(name, anchor, indicator, what, instead string) Alert {
	const enough, few, week, twoHours = 14, 5, 2016, 24 // of calls each five minutes; samples
	calls := func(before, talked, not int) []Series {
		return append(on(family.CallsEnded, `outcome="talked"`, counter(stretch{week, before}, stretch{twoHours, talked})),
			on(family.CallsEnded, instead, counter(stretch{week, 0}, stretch{twoHours, not}))...)
	}
	hour := fmt.Sprintf("sum by (job) (increase(%s[1h]", of(family.CallsEnded))
	return Alert{
		Name: name, Severity: Ticket, For: "15m", Anchor: anchor, suite: Weeks,
		Expr: fmt.Sprintf("%s < 0.8 * (%s offset 1w)\nand on (job) %s)) >= 100\nand on (job) %s offset 1w)) >= 100",
			indicator, indicator, hour, hour),
		Summary: "The " + what + " is {{ $value | humanizePercentage }}, a fifth below that of the same hour last week.",
		Fires: Case{
			Story: "half of the calls come to something else", Series: calls(enough, enough/2, enough/2), At: "170h", Early: "169h",
			Labels: service(), Summary: "The " + what + " is 50%, a fifth below that of the same hour last week.",
		},
		Silent: Case{Story: "all is as it was", Series: calls(enough, enough, 0), At: "170h"},
		Also: []Case{
			{Story: "there are few calls", Series: calls(enough, few/2, few-few/2), At: "170h"},
			{Story: "there were few calls", Series: calls(few, enough/2, enough/2), At: "170h"},
		},
	}
}

// share is a counter's rate as a part of another's.
func share(part, whole, window string) string {
	return fmt.Sprintf("(%s) / ((%s) > 0)", rate(window, "job", of(part)), rate(window, "job", of(whole)))
}

// lags are those of webhooks: up to 1.5 s, and between 3 and 5.
func lags(little, all []stretch) []Series {
	return buckets(family.WebhookDeliveryLag, []bound{{"1", []stretch{{40, 0}}}, {"1.5", little}, {"3", little}, {"5", all}, {"+Inf", all}})
}

// appends are those of the journal: up to 50 ms, and up to 100.
func appends(quick, all []stretch) []Series {
	return buckets(family.JournalAppendDuration, []bound{{"0.05", quick}, {"0.1", all}, {"+Inf", all}})
}

// bound is one of a histogram's, and the history of what is below it.
type bound struct {
	le      string
	history []stretch
}

func buckets(name string, bounds []bound) (list []Series) {
	for _, b := range bounds {
		list = append(list, on(name+"_bucket", `le="`+b.le+`"`, counter(b.history...))...)
	}
	return list
}
