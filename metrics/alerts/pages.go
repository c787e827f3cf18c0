package alerts

import (
	"fmt"

	"maskswitch/metrics/family"
)

// pages are what wakes somebody besides a budget that burns.
func pages() []Alert {
	return []Alert{
		{
			Name: "SwitchDown", Severity: Page, For: "2m", Anchor: "switch-down",
			Expr:    "up{" + job + "} == 0 or absent(up{" + job + "})",
			Summary: "No switch answers to Prometheus at {{ or $labels.instance \"any address\" }}: calls are not connected, or nobody sees whether they are.",
			Fires: Case{
				Story: "it does not answer", Series: []Series{{`up{job="maskswitch",instance="a"}`, "1+0x5 0+0x10"}}, At: "10m",
				Labels:  [][2]string{{"job", "maskswitch"}, {"instance", "a"}},
				Summary: "No switch answers to Prometheus at a: calls are not connected, or nobody sees whether they are.",
			},
			Silent: Case{Story: "it is restarted within two minutes", Series: []Series{{`up{job="maskswitch",instance="a"}`, "1+0x5 0 0 1+0x10"}}, At: "7m"},
			Also: []Case{{
				Story: "Prometheus knows of none", Series: []Series{{`up{job="other",instance="b"}`, "1+0x15"}}, At: "10m", Early: "1m",
				Summary: "No switch answers to Prometheus at any address: calls are not connected, or nobody sees whether they are.",
			}},
		},
		{
			Name: "ComponentDown", Severity: Page, For: "2m", Anchor: "component-down",
			Expr:    of(family.ComponentReady) + " == 0",
			Summary: "The {{ $labels.component }} of {{ $labels.instance }} cannot do its work: calls or recordings fail until it can.",
			Fires: Case{
				Story: "the archive is full", Series: on(family.ComponentReady, `component="archive"`, "1+0x5 0+0x10"), At: "10m",
				Labels:  instance("component", "archive"),
				Summary: "The archive of a cannot do its work: calls or recordings fail until it can.",
			},
			Silent: Case{Story: "the journal recovers within two minutes", Series: on(family.ComponentReady, `component="journal"`, "1+0x5 0 0 1+0x10"), At: "7m"},
		},
		{
			// A webhook that is too old is refused like one that another has signed, so a
			// clock that is far off loses every event as well.
			Name: "BadSignatures", Severity: Page, For: "5m", Anchor: "bad-signatures",
			Expr: fmt.Sprintf("(%s)\n/\n(%s + %s)\n> 0.5\nand on (job) sum by (job) (increase(%s[5m])) > 5",
				rate("5m", "job", of(family.WebhooksRefused, unsigned)),
				rate("5m", "job", of(family.WebhooksRefused)), rate("5m", "job", of(family.Webhooks)),
				of(family.WebhooksRefused, unsigned)),
			Summary: "{{ $value | humanizePercentage }} of the webhooks are refused for their signature or its time. The carrier never delivers a refused event again.",
			Fires: Case{
				Story: "three of four have another key", Series: signatures("bad_signature", 3, 1), At: "15m", Early: "4m",
				Labels: service(), Summary: "75% of the webhooks are refused for their signature or its time. The carrier never delivers a refused event again.",
			},
			Silent: Case{
				Story: "somebody tries his luck now and then, and nobody calls", At: "30m",
				Series: append(on(family.WebhooksRefused, `reason="bad_signature"`, "0 0 1 1 2 2 3 3 4 4 5 5 6 6 7 7 8 8 9 9 10 10 11 11 12 12 13 13 14 14 15"),
					on(family.Webhooks, `event="call.answered",result="accepted"`, "0+0x30")...),
			},
			Also: []Case{
				{
					Story: "the clock is far off", Series: signatures("stale", 2, 0), At: "15m",
					Labels: service(), Summary: "100% of the webhooks are refused for their signature or its time. The carrier never delivers a refused event again.",
				},
				{Story: "a quarter has another key", Series: signatures("bad_signature", 25, 75), At: "15m"},
			},
		},
		{
			// Sixty talks of a quarter of an hour make no event in five minutes once in
			// 10^8 times, of an hour once in 150; a call that is being set up makes one
			// within the ring timeout.
			Name: "NoWebhooks", Severity: Page, For: "5m", Anchor: "no-webhooks",
			Expr: fmt.Sprintf("sum by (job) (increase(%s[5m])) == 0\nand on (job) (\n  sum by (job) (%s) >= 60\n  or sum by (job) (min_over_time(%s[5m])) >= 1\n)",
				of(family.Webhooks, `result="accepted"`), of(family.CallsActive), of(family.CallsActive, `state="setup"`)),
			Summary: "Calls are in progress and no webhook was accepted for 10 minutes: events of the carrier's do not get here.",
			Fires: Case{
				Story: "a hundred talk, and nobody hangs up", Series: quiet(100, "0+0x40"), At: "30m", Early: "18m",
				Labels: service(), Summary: "Calls are in progress and no webhook was accepted for 10 minutes: events of the carrier's do not get here.",
			},
			Silent: Case{Story: "thirty have a long talk at night", Series: quiet(30, "0+0x40"), At: "30m"},
			Also: []Case{
				{
					Story: "one is being connected, and hears nothing", Series: quiet(0, "0+0x10 1+0x30"), At: "21m",
					Labels: service(), Summary: "Calls are in progress and no webhook was accepted for 10 minutes: events of the carrier's do not get here.",
				},
				{
					Story: "a hundred talk, and some hang up", At: "30m",
					Series: append(on(family.Webhooks, `event="call.hangup",result="accepted"`, "0+2x40"), on(family.CallsActive, `state="talking"`, "100+0x40")...),
				},
			},
		},
		{
			Name: "OutboxStuck", Severity: Page, For: "1m", Anchor: "outbox-stuck",
			Expr:    fmt.Sprintf("time() - (%s > 0) > 10", of(family.OutboxOldestTimestamp)),
			Summary: "A command of {{ $labels.instance }} has been on its way to the carrier for {{ $value | humanizeDuration }}: callers wait.",
			Fires: Case{
				Story: "the carrier takes 20 s", Series: on(family.OutboxOldestTimestamp, "", "0 40+60x10"), At: "8m", Early: "1m",
				Labels: instance(), Summary: "A command of a has been on its way to the carrier for 20s: callers wait.",
			},
			Silent: Case{Story: "each is answered within seconds", Series: on(family.OutboxOldestTimestamp, "", "0 55+60x10"), At: "8m"},
			Also:   []Case{{Story: "there is none", Series: on(family.OutboxOldestTimestamp, "", "0+0x10"), At: "8m"}},
		},
		{
			Name: "PoolFull", Severity: Page, For: "2m", Anchor: "pool-full",
			Expr: fmt.Sprintf("sum by (job, region) (%s) == 0\nand on (job, region) sum by (job, region) (%s) > 0",
				of(family.PoolHeadroomBookings), of(family.PoolNumbers, `state=~"serving|resting|draining"`)),
			Summary: "No booking fits on the numbers of {{ $labels.region }} any more: new guests and hosts there cannot phone each other.",
			Fires: Case{
				Story: "every number shows all that it may", At: "10m", Early: "4m",
				Series: append(on(family.PoolHeadroomBookings, `region="US"`, "5 3 1 0+0x10"), on(family.PoolNumbers, `region="US",state="serving"`, "2+0x15")...),
				Labels: service("region", "US"), Summary: "No booking fits on the numbers of US any more: new guests and hosts there cannot phone each other.",
			},
			Silent: Case{
				Story: "there are no numbers at all of other countries", At: "10m",
				Series: append(on(family.PoolHeadroomBookings, `region="other"`, "0+0x15"), on(family.PoolNumbers, `region="other",state="serving"`, "0+0x15")...),
			},
			Also: []Case{{
				Story: "one more fits", At: "10m",
				Series: append(on(family.PoolHeadroomBookings, `region="US"`, "1+0x15"), on(family.PoolNumbers, `region="US",state="serving"`, "2+0x15")...),
			}},
		},
		{
			Name: "BookingsExhausted", Severity: Page, For: "5m", Anchor: "bookings-exhausted",
			Expr:    rate("5m", "job, region", of(family.Bookings, `result="exhausted"`)) + " > 0",
			Summary: "Bookings in {{ $labels.region }} are refused because no number is left for them.",
			Fires: Case{
				Story: "some are refused each minute", Series: on(family.Bookings, `region="US",result="exhausted"`, "0+2x20"), At: "15m",
				Labels: service("region", "US"), Summary: "Bookings in US are refused because no number is left for them.",
			},
			Silent: Case{Story: "one was", Series: on(family.Bookings, `region="US",result="exhausted"`, "0+0x5 1+0x20"), At: "8m"},
		},
		{
			Name: "RecordingWaits", Severity: Page, For: "1m", Anchor: "recording-waits",
			Expr:    fmt.Sprintf("time() - (%s > 0) > 480", of(family.RecordingOldestPendingTimestamp)),
			Summary: "A recording of {{ $labels.instance }} waits for the archive for {{ $value | humanizeDuration }}; the carrier's link to it dies after 10 minutes.",
			Fires: Case{
				Story: "the oldest is ten minutes old", Series: on(family.RecordingOldestPendingTimestamp, "", "0 60+0x15"), At: "11m", Early: "10m",
				Labels: instance(), Summary: "A recording of a waits for the archive for 10m 0s; the carrier's link to it dies after 10 minutes.",
			},
			Silent: Case{Story: "none waits", Series: on(family.RecordingOldestPendingTimestamp, "", "60+0x5 0+0x15"), At: "15m"},
			Also:   []Case{{Story: "the oldest is always seven minutes old", Series: on(family.RecordingOldestPendingTimestamp, "", "0+0x7 60+60x10"), At: "15m"}},
		},
		{
			Name: "JournalErrors", Severity: Page, Anchor: "journal-errors",
			Expr:    fmt.Sprintf("sum by (job, instance, op) (increase(%s[5m])) > 0", of(family.JournalErrors)),
			Summary: "The store of {{ $labels.instance }} cannot {{ $labels.op }}: webhooks and bookings are refused until it can.",
			Fires: Case{
				Story: "a commit failed", Series: on(family.JournalErrors, `op="commit"`, "0+0x5 1+0x10"), At: "7m",
				Labels: instance("op", "commit"), Summary: "The store of a cannot commit: webhooks and bookings are refused until it can.",
			},
			Silent: Case{Story: "one failed ten minutes ago", Series: on(family.JournalErrors, `op="commit"`, "0+0x5 1+0x60"), At: "16m"},
		},
		{
			Name: "MailboxesSlow", Severity: Page, For: "5m", Anchor: "mailboxes-slow",
			Expr: quantile("0.99", "5m", "job, instance, kind", family.ActorMailboxWait) + " > 0.5\n" +
				fmt.Sprintf("and on (job, instance, kind) sum by (job, instance, kind) (increase(%s[5m])) >= %d", of(family.ActorMailboxWait+"_count"), fewest),
			Summary: "A message waits {{ $value | humanizeDuration }} (p99) for an actor of kind {{ $labels.kind }} in {{ $labels.instance }}: calls are not answered in time.",
			Fires: Case{
				Story: "all wait for most of a second", Series: waits([]stretch{{20, 0}}, []stretch{{20, 16}}), At: "15m", Early: "4m",
				Labels: instance("kind", "call"), Summary: "A message waits 995ms (p99) for an actor of kind call in a: calls are not answered in time.",
			},
			Silent: Case{
				Story: "they did for ten minutes", Series: waits([]stretch{{10, 0}, {20, 16}}, []stretch{{30, 16}}), At: "20m",
			},
			Also: []Case{{Story: "the four of a minute do, at night", Series: waits([]stretch{{20, 0}}, []stretch{{20, 4}}), At: "15m"}},
		},
	}
}

// on is a series of the instance that the cases are about.
func on(name, labels, values string) []Series {
	if labels != "" {
		labels = "," + labels
	}
	return []Series{{name + `{job="maskswitch",instance="a"` + labels + "}", values}}
}

// service and instance are the labels of alerts about the one or the other.
func service(more ...string) [][2]string {
	list := [][2]string{{"job", "maskswitch"}}
	for i := 0; i < len(more); i += 2 {
		list = append(list, [2]string{more[i], more[i+1]})
	}
	return list
}

func instance(more ...string) [][2]string {
	return append(service(more...), [2]string{"instance", "a"})
}

// unsigned is why a webhook is refused that the carrier has not signed, or not now.
const unsigned = `reason=~"bad_signature|stale"`

// signatures are webhooks of twenty minutes, so many refused and so many taken in each.
func signatures(reason string, refused, taken int) []Series {
	return append(on(family.WebhooksRefused, `reason="`+reason+`"`, counter(stretch{20, refused})),
		on(family.Webhooks, `event="call.answered",result="accepted"`, counter(stretch{20, taken}))...)
}

// quiet is a switch that takes no webhook from the tenth minute on, while so many talk.
func quiet(talking int, setup string) []Series {
	taken := on(family.Webhooks, `event="call.answered",result="accepted"`, counter(stretch{10, 50}, stretch{30, 0}))
	active := append(on(family.CallsActive, `state="talking"`, fmt.Sprintf("%d+0x40", talking)), on(family.CallsActive, `state="setup"`, setup)...)
	return append(taken, active...)
}

// waits are those for call actors: up to half a second, and up to one.
func waits(half, one []stretch) (list []Series) {
	for _, bound := range []string{"0.5", "1", "+Inf"} {
		history := one
		if bound == "0.5" {
			history = half
		}
		list = append(list, on(family.ActorMailboxWait+"_bucket", `kind="call",le="`+bound+`"`, counter(history...))...)
	}
	return append(list, on(family.ActorMailboxWait+"_count", `kind="call"`, counter(one...))...)
}
